"""What a task gets: its context, and its inputs (data and results of earlier jobs), unpacked.

`InputCache` keeps what several jobs of one process read.  A new kind of input is a method of
`TaskInputs`.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from feint.data.packing import unpack_pairs
from feint.data.pairs import Pairs
from feint.errors import FeintError
from feint.evaluation.attack_task import AttackTask
from feint.experiments.results import read_attack_task, read_reactor, unpack_perturbed
from feint.experiments.tensorboard import Tracker
from feint.io.atomic import safe_join
from feint.io.sealed import unpack
from feint.jobs.job import Fetch, Job
from feint.models import checkpoints
from feint.sequences import Sequences


class InputCache:
    """The inputs that jobs read last, unpacked: the next job needs most of them again.

    Sent to a worker process, it becomes that process's own cache, which outlives the job.
    """

    def __init__(self, size: int = 48) -> None:
        self._size = size
        self._values: OrderedDict[Hashable, Any] = OrderedDict()

    def get(self, name: Hashable, read: Callable[[], Any]) -> Any:
        """The value of a name, read if it is not there; the oldest value is dropped."""
        if name not in self._values:
            self._values[name] = read()
        self._values.move_to_end(name)
        while len(self._values) > self._size:
            self._values.popitem(last=False)
        return self._values[name]

    def __len__(self) -> int:
        return len(self._values)

    def __reduce__(self) -> tuple[Callable[[], "InputCache"], tuple[()]]:
        return _cache_of_worker, ()


@cache
def _cache_of_worker() -> InputCache:
    return InputCache()


@dataclass(frozen=True)
class TaskContext:
    """Where and how a job is done; it changes results by rounding at most.

    Attributes:
        folder: the run's, for checkpoints of trainings; a worker that cannot see it does without.
        batch_size: rows attacked at once; if not given, what fits.
        device: "cpu", "cuda", or "auto": a GPU where there is one.
        tracker: where training curves are written, if at all.
        trusted: users' models whose code may be run (`ModelSource.digest`).
        trust: unpickle exports.
        cache: the inputs that jobs read last.
    """

    folder: Path | None = None
    batch_size: int | None = None
    device: str = "cpu"
    tracker: Tracker | None = None
    trusted: frozenset[str] = frozenset()
    trust: bool = False
    cache: InputCache = field(default_factory=InputCache, compare=False, repr=False)

    def place(self) -> torch.device:
        """The device.  Raises FeintError if there is none."""
        there = torch.cuda.is_available()
        if self.device == "cuda" and not there:
            raise FeintError(
                "The device cuda was asked for, and torch finds no GPU. Use --device cpu.", "no-gpu"
            )
        return torch.device("cuda" if there and self.device != "cpu" else "cpu")

    def checkpoint(self, key: str) -> Path | None:
        """The path of a training's checkpoint; None where the run's folder cannot be seen."""
        if self.folder is None or not (self.folder / "run.json").exists():
            return None
        return safe_join(self.folder, "checkpoints", f"{key}.safetensors")


@dataclass(frozen=True)
class TaskInputs:
    """The inputs of a job by their role, unpacked, on its device."""

    job: Job
    fetch: Fetch
    device: torch.device
    cache: InputCache
    trusted: frozenset[str] = frozenset()

    def on_cpu(self) -> "TaskInputs":
        """The same on the CPU."""
        return replace(self, device=torch.device("cpu"))

    def model(self) -> nn.Module:
        """The model, with the very weights that the job's key covers."""

        def make(tensors: dict[str, Tensor], about: dict[str, Any]) -> nn.Module:
            built = checkpoints.build(about["model"], about["settings"], tensors, self.trusted)
            return built.to(self.device)

        return self._read("model", make, self.setting("weights"))

    def pairs(self, role: str) -> Pairs:
        """The pairs of "train" or "test"."""
        return self._read(role, unpack_pairs)

    def files(self) -> dict[str, bytes]:
        """The files of a user's model."""
        if not self.has("files"):
            return {}
        tensors, _ = unpack(self.fetch(self.job.needs["files"]), self.job.name)
        return {name: bytes(tensor.numpy()) for name, tensor in tensors.items()}

    def attack_task(self) -> AttackTask:
        """The test sequences and their targets."""
        return self._read("targets", lambda t, about: read_attack_task(t, about, self.device))

    def truth(self) -> Sequences:
        """The true answers to the sequences of the attack task."""
        key = self.job.needs["targets"]
        tensors, _ = unpack(self.fetch(key), f"what {self.job.name} needs as its targets")
        return read_reactor(tensors)

    def crafted(self, role: str) -> Sequences:
        """Perturbed sequences, for the rows of the attack task."""
        x = self.attack_task().x
        return self._read(role, lambda t, about: unpack_perturbed(t, about, x))

    def has(self, role: str) -> bool:
        """Whether the job has an input of this role."""
        return role in self.job.needs

    def setting(self, name: str) -> Any:
        """One of the job's own settings, or of those it shares."""
        return self.job.own[name] if name in self.job.own else self.job.common.settings[name]

    def _read(self, role: str, make: Callable[..., Any], weights: str = "") -> Any:
        key = self.job.needs[role]

        def read() -> Any:
            content = self.fetch(key)
            tensors, about = unpack(content, f"what {self.job.name} needs as its {role}")
            if weights and about.get("weights") != weights:
                raise FeintError(
                    f"{self.job.name} needs the weights {weights} and got "
                    f"{about.get('weights')}: they changed meanwhile. Run the same command again.",
                    "changed-meanwhile",
                )
            return make(tensors, about)

        return self.cache.get((key, weights, str(self.device)), read)
