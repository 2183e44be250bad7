"""From a row of a run to its tensors: the targets, what was perturbed, and the answers."""

from pathlib import Path
from typing import Any

import torch

from feint.errors import DamagedError
from feint.evaluation.attack_task import AttackTask
from feint.experiments.results import read_answers, read_attack_task, read_reactor, rebuilt
from feint.jobs.store import Store
from feint.sequences import Sequences

KEPT = 64
"""Results of a kind that are held in memory."""


class TensorReader:
    """From a row of a run to what was asked, what was perturbed and what was answered.

    A row names the job that scored it and its place there; that job's result names the others.
    A result is read only if it is whole; the last ones read are kept.
    """

    def __init__(self, folder: Path) -> None:
        self.store = Store(folder)
        self._attack_tasks: dict[str, tuple[AttackTask, Sequences]] = {}
        self._scores: dict[str, tuple[Sequences, dict[str, Any]]] = {}
        self._crafted: dict[str, Sequences] = {}

    def score(self, job: str) -> tuple[Sequences, dict[str, Any]]:
        """What the victim answered, and what its job's result tells."""
        if job not in self._scores:
            tensors, about = self._read(job, "score")
            _keep(self._scores, job, (read_answers(tensors), about))
        return self._scores[job]

    def attack_task(self, job: str) -> AttackTask:
        """What a scoring job asked."""
        return self._attack_task(job)[0]

    def reactor(self, job: str) -> Sequences:
        """The true reactions to what a scoring job asked."""
        return self._attack_task(job)[1]

    def seen(self, job: str) -> Sequences:
        """What the victim of a scoring job saw: perturbed, or the clean input."""
        needs = self.score(job)[1]["needs"]
        if "crafted" not in needs:
            return self.attack_task(job).x
        key = needs["crafted"]
        if key not in self._crafted:
            tensors, about = self._read(key, "attack", "noise")
            _keep(self._crafted, key, rebuilt(tensors, about, self.attack_task(job).x))
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
    """Put it in, and the oldest out."""
    kept[key] = value
    if len(kept) > KEPT:
        del kept[next(iter(kept))]
