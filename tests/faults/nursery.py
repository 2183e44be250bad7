"""Runs that are killed: a process that imports everything once, and forks a child for each.

It reads one JSON object a line and answers with one: `{"folder": ..., "die": {...}}` runs the small
experiment in that folder in a child, which sends itself SIGKILL where `die` says.

    die = null                                  goes on to the end
    die = {"phase": p, "stream": s, "at": n}    at the n-th event of a stream in a phase
    die = {..., "how": "half"}                  there, with half of what was to be written

Phases: train, attack, score, collect.  Streams: "step", a model's forward pass; "file", anything
done to a file of the folder (opened, renamed); "write", content on its way into a file.
"""

import importlib
import json
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

import pyarrow.parquet  # noqa: F401
import torch

from feint.data import load
from feint.data.sbu import constants
from feint.errors import FeintError
from feint.evaluation import rows
from feint.experiments import config_file
from feint.experiments.run import Run

TEXT = """
name = "faults"
[data]
repetitions = 1
test_sets = HELD
[[model]]
kind = "TCN"
width = 4
depth = 1
training = { epochs = 6, checkpoint_every = 2, batch_size = 128 }
[[model]]
kind = "TCN"
name = "other"
width = 3
depth = 1
training = { epochs = 3, checkpoint_every = 1, batch_size = 128 }
[attack]
settings = { steps = 4, restarts = 1 }
eps = [0.1, 0.2]
[target]
labels = ["punching"]
[evaluation]
max_sequences = 6
sequences_per_job = 3
noise = ["sign"]
tolerance = "paper"
transfer = false
"""
LEARNT = ("s01s02", "s02s01")
HELD = [name for name in constants.SETS if name not in LEARNT]
TEXT = TEXT.replace("HELD", json.dumps(HELD))


class Watch:
    """Counts events, and dies at one."""

    def __init__(self, folder: Path, die: dict[str, Any] | None) -> None:
        self.folder, self.die, self.phase = str(folder), die or {}, "train"
        self.counts: dict[str, int] = {}

    def event(self, stream: str) -> bool:
        """One more; whether this is the one to die at."""
        name = f"{self.phase}.{stream}"
        self.counts[name] = self.counts.get(name, 0) + 1
        return (
            self.die.get("phase") == self.phase
            and self.die.get("stream") == stream
            and self.die.get("at") == self.counts[name]
        )

    def listen(self) -> None:
        """Hear of everything."""
        torch.nn.modules.module.register_module_forward_pre_hook(self._step)
        sys.addaudithook(self._audit)
        write = Path.write_bytes

        def halved(path: Path, content: bytes) -> int:
            if self.event("write"):
                with path.open("wb") as file:
                    file.write(content[: len(content) // 2])
                    file.flush()
                    os.fsync(file.fileno())
                die()
            return write(path, content)

        Path.write_bytes = halved  # type: ignore[method-assign,assignment]
        collect = rows.write

        def collecting(*words: Any, **more: Any) -> int:
            self.phase = "collect"
            return collect(*words, **more)

        rows.write = collecting

    def _step(self, module: torch.nn.Module, _: Any) -> None:
        if type(module).__name__ == "TCN" and self.event("step"):
            die()

    def _audit(self, event: str, words: tuple[Any, ...]) -> None:
        ours = event in ("open", "os.rename", "os.remove") and str(words[0]).startswith(self.folder)
        if ours and self.event("file"):
            die()


def die() -> None:
    """As if the machine had: nothing is cleaned up."""
    os.kill(os.getpid(), signal.SIGKILL)


def child(order: dict[str, Any], data: load.LoadedData) -> dict[str, Any]:
    """Run the experiment; what became of it."""
    folder = Path(order["folder"])
    watch = Watch(folder, order.get("die"))
    watch.listen()
    try:
        run = Run(config_file.parse(order.get("text", TEXT), "faults.toml"), folder, data=data)
        run.train()
        watch.phase = "attack"
        run.attack()
        watch.phase = "score"
        run.score()
    except FeintError as error:
        return {"error": str(error), "counts": watch.counts}
    return {"error": None, "counts": watch.counts, "n_quarantined": run.store.n_quarantined}


def main() -> None:
    """Serve until the orders end."""
    importlib.import_module("torch._dynamo")  # here, not in every child
    os.fsync = lambda _: None  # what a killed process has written stays without
    torch.set_num_threads(1)
    experiment = config_file.parse(TEXT, "faults.toml")
    data = load.load_data(experiment.data, experiment.evaluation.max_sequences, experiment.seed)
    for line in sys.stdin:
        order = json.loads(line)
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(read)
            code = 0
            try:
                told = child(order, data)
            except BaseException:
                told, code = {"error": traceback.format_exc(), "counts": {}}, 3
            os.write(write, json.dumps(told).encode())
            os._exit(code)
        os.close(write)
        with os.fdopen(read) as pipe:
            answer = pipe.read()
        _, status = os.waitpid(pid, 0)
        told = json.loads(answer) if answer else {}
        print(json.dumps({"status": status, **told}), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
