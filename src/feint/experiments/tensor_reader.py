"""From a row of a run to its tensors: the targets, the perturbed input, and the answers.

Reports and `feint verify` read tensors only through it, and so can users (docs/data.md).
"""

from pathlib import Path
from typing import Any

import torch

from feint.errors import DamagedError
from feint.evaluation.attack_task import AttackTask
from feint.experiments.results import read_answers, read_attack_task, read_reactor, unpack_perturbed
from feint.jobs.store import Store
from feint.sequences import Sequences

KEPT = 64
"""Results of a kind that are held in memory."""


class TensorReader:
    """Reads the tensors behind the rows of a run.

    A row names the job that scored it and its place there; that job's result names the others.
    A result is read only if it is whole; the last ones read are kept.
    """

    def __init__(self, folder: Path) -> None:
        self.store = Store(folder)
        self._attack_tasks: dict[str, tuple[AttackTask, Sequences]] = {}
        self._scores: dict[str, tuple[Sequences, dict[str, Any]]] = {}
        self._crafted: dict[str, Sequences] = {}

    def score(self, job: str) -> tuple[Sequences, dict[str, Any]]:
        """The victim's answers of a scoring job, and the metadata of its result."""
        if job not in self._scores:
            tensors, about = self._read(job, "score")
            _keep(self._scores, job, (read_answers(tensors), about))
        return self._scores[job]

    def attack_task(self, job: str) -> AttackTask:
        """The attack task of a scoring job: inputs and targets."""
        return self._attack_task(job)[0]

    def reactor(self, job: str) -> Sequences:
        """The true reactions to the inputs of a scoring job."""
        return self._attack_task(job)[1]

    def victim_input(self, job: str) -> Sequences:
        """The input of the victim of a scoring job: perturbed, or clean without an attack."""
        needs = self.score(job)[1]["needs"]
        if "crafted" not in needs:
            return self.attack_task(job).x
        key = needs["crafted"]
        if key not in self._crafted:
            tensors, about = self._read(key, "attack", "noise")
            _keep(self._crafted, key, unpack_perturbed(tensors, about, self.attack_task(job).x))
        return self._crafted[key]

    def _attack_task(self, job: str) -> tuple[AttackTask, Sequences]:
        key = self.score(job)[1]["needs"].get("targets", "")
        if key not in self._attack_tasks:
            tensors, about = self._read(key, "targets")
            _keep(
                self._attack_tasks, key, (read_attack_task(tensors, about), read_reactor(tensors))
            )
        return self._attack_tasks[key]

    def _read(self, key: str, *kinds: str) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        tensors, about = self.store.read(key)
        if about.get("kind") not in kinds:
            raise DamagedError(
                f"{self.store.path(key)} is a result of {about.get('kind')!r}; expected one of "
                f"{' or '.join(kinds)}. It was not written by feint for this run."
            )
        return tensors, about


def _keep(kept: dict[str, Any], key: str, value: Any) -> None:
    """Add a value, and drop the oldest."""
    kept[key] = value
    if len(kept) > KEPT:
        del kept[next(iter(kept))]
