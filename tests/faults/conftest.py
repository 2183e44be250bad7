"""What the fault tests share: the nursery, an undisturbed run, and how to compare with it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import torch
from tests.jobs.engines.conftest import kill_a_worker, loopback  # noqa: F401  (fixtures)

from feint.evaluation import rows
from feint.jobs.store import Store

POINTS = int(os.environ.get("FEINT_POINTS", "3"))
"""Seeded points of each fault; `make faults` takes 30."""
HERE = Path(__file__).parent
Order = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def nursery() -> Iterator[Order]:
    """Run the small experiment in a child: `nursery(folder, die={...})`."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        [sys.executable, str(HERE / "nursery.py")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        text=True, env=environment,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None

        def order(folder: Path, **words: Any) -> dict[str, Any]:
            process.stdin.write(json.dumps({"folder": str(folder), **words}) + "\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        yield order
        process.stdin.close()
        process.wait(timeout=20)


class Whole:
    """An undisturbed run, held in memory."""

    def __init__(self, folder: Path, counts: dict[str, int]) -> None:
        self.folder, self.counts = folder, counts
        self.rows = rows.read(folder / "rows.parquet")
        self.results = results(folder)

    def check(self, folder: Path) -> None:
        """A run resumed is this one, in rows and in tensors, and left nothing half-written."""
        assert rows.read(folder / "rows.parquet").equals(self.rows)
        found = results(folder)
        assert found.keys() == self.results.keys()
        for key, (tensors, about) in found.items():
            wanted, told = self.results[key]
            assert about == told
            assert tensors.keys() == wanted.keys()
            assert all(torch.equal(tensors[name], wanted[name]) for name in wanted)
        assert list(folder.rglob("*.part")) == []

    def copy(self, to: Path) -> Path:
        """The same run once more, to be damaged."""
        return Path(shutil.copytree(self.folder, to))


def results(folder: Path) -> dict[str, Any]:
    """Every finished job's tensors, and what is told of them but for when and how long."""
    store = Store(folder)
    found = {}
    for key in store:
        tensors, about = store.read(key)
        found[key] = tensors, {name: v for name, v in about.items() if name != "made"}
    return found


@pytest.fixture(scope="session")
def whole(nursery: Order, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """The undisturbed run."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    told = nursery(folder)
    assert told["status"] == 0, told
    assert told["error"] is None
    made = Whole(folder, told["counts"])
    assert isinstance(made.rows, pl.DataFrame)
    return made
