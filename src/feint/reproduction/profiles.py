"""What is run for every part of the paper, and at what size.

A profile holds sizes alone; `Profile.experiments` turns them into ordinary experiments, so that
every part is jobs in one run's folder, shared where parts ask for the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from feint.data.sbu.constants import ACTIONS
from feint.errors import FeintError
from feint.evaluation.recogniser import Recognising
from feint.evaluation.table1 import EPSILONS
from feint.experiments.config import Experiment
from feint.experiments.config_file import restore

PAPER = ("tcn", "deepgru")
"""The paper's two reactors."""
AGAIN = ("tcn-again", "deepgru-again")
"""The same, trained once more with another seed."""
REGULAR = ("tcn-regular", "deepgru-regular")
"""The same, kept from overfitting: dropout where the model has it, and stopped early."""
LABELS = tuple(ACTIONS.values())
LAMBDAS = (0.0, 0.01, 0.1, 0.5, 1.0)
"""Of Figure 4; the paper shows 0 and 0.1."""
SMOOTHED = ("sign", "adam", "strong")
"""The update rules that Figure 4's lambda is tried with."""
STARTS = ("punching", "handshaking")
"""The targets Figure 4 and the experiments on transfer ask for."""
SEVERAL = (0.075, 0.225, 0.45)
"""A few of the paper's eps."""
STOPS = (5, 25, 100)
"""Steps after which attacks are stopped early, to see what of them transfers."""

PER_JOB = {"strong": 55, "cases": 55, "paper-adam": 11, "paper-eq6": 11}
"""Test sequences a job takes on: small where only a part may ever be run."""


@dataclass(frozen=True)
class Profile:
    """Sizes of a reproduction.

    Attributes:
        name: of the profile.
        source: "sbu", or "synthetic" to try the machinery without data.
        tcn, deepgru: settings of the paper's two models.
        training: of these; `early` of their regular twins, `tcn_early` for the TCN's.
        epsilons: of Figure 5.
        strong: settings of `strong` in the grids; its rows climb from eps to eps.
        paper: settings of the two presets that take the paper's 400 steps.
        rows: test sequences attacked, per part; the first so many in a seeded order.
        labels: targets of the grids.
        lambdas: of Figure 4.
        recognising: how recognisers are trained.
        seed: of everything.
    """

    name: str
    source: str = "sbu"
    tcn: Mapping[str, Any] = field(default_factory=dict)
    deepgru: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    tcn_early: Mapping[str, Any] = field(default_factory=dict)
    deepgru_early: Mapping[str, Any] = field(default_factory=dict)
    epsilons: tuple[float, ...] = EPSILONS
    strong: Mapping[str, Any] = field(default_factory=dict)
    paper: Mapping[str, Any] = field(default_factory=dict)
    rows: Mapping[str, int] = field(default_factory=dict)
    labels: tuple[str, ...] = LABELS
    lambdas: tuple[float, ...] = LAMBDAS
    recognising: Recognising = field(default_factory=Recognising)
    seed: int = 0

    @property
    def several(self) -> tuple[float, ...]:
        """A few of its eps, where all would cost too much."""
        return tuple(eps for eps in self.epsilons if eps in SEVERAL) or self.epsilons

    def with_rows(self, asked: Sequence[str]) -> "Profile":
        """The same with other numbers of test sequences: "smoothness=11", part by part.

        0 leaves one of the paper's two presets out.

        Raises:
            FeintError: there is no such part, or no such number.
        """
        rows = dict(self.rows)
        for one in asked:
            part, _, number = one.partition("=")
            least = 0 if part.startswith("paper-") else 1
            if part not in rows or not number.isdecimal() or int(number) < least:
                raise FeintError(
                    f"--max-sequences got {one!r}; expected PART=N with a number of test sequences "
                    f"and one of {', '.join(rows)}."
                )
            rows[part] = int(number)
        return replace(self, rows=rows)

    def models(self, names: tuple[str, ...]) -> list[dict[str, Any]]:
        """The [[model]] tables of these names."""
        return [self._model(name) for name in names]

    def _model(self, name: str) -> dict[str, Any]:
        kind, _, how = name.partition("-")
        settings = dict(self.tcn if kind == "tcn" else self.deepgru)
        training = {**self.training, "seed": self.seed}
        if how == "again":
            training["seed"] = self.seed + 1
        if how == "regular":
            early = self.tcn_early if kind == "tcn" else self.deepgru_early
            training = {"batch_size": 64, "schedule": "cosine", "keep": "best", **early}
            training["seed"] = self.seed
        if kind == "tcn":
            settings["dropout"] = 0.2 if how == "regular" else 0.0
        word = "TCN" if kind == "tcn" else "DeepGRU"
        return {"kind": word, "name": name, "training": training, **settings}

    def experiment(
        self,
        part: str,
        models: tuple[str, ...],
        preset: str = "strong",
        *,
        craft_on: tuple[str, ...] | None = None,
        settings: Mapping[str, Any] | None = None,
        epsilons: tuple[float, ...] | None = None,
        labels: tuple[str, ...] | None = None,
        axes: tuple[str, ...] = ("z",),
        role: str = "initiator",
        transfer: bool = False,
        tolerance: str = "paper-joint",
        root: Path | None = None,
    ) -> Experiment:
        """An experiment on this profile's data; what is not said is as in Figure 5 left."""
        if settings is None:
            settings = self.strong if preset == "strong" else self.paper
        rows = self.rows[part]
        return restore(
            {
                "name": "reproduction",
                "seed": self.seed,
                "data": {
                    "source": self.source,
                    "first_pose": False,
                    "root": root,
                    "repetitions": 1,
                },
                "model": self.models(models),
                "attack": {
                    "preset": preset,
                    "settings": dict(settings),
                    "eps": epsilons or self.epsilons,
                    "axes": axes,
                },
                "target": {"labels": labels or self.labels, "role": role},
                "evaluation": {
                    "max_sequences": rows,
                    "craft_on": craft_on,
                    "sequences_per_job": min(rows, PER_JOB.get(part, 22)),
                    "batch_size": 18,  # of like length: little padding
                    "transfer": transfer,
                    "tolerance": tolerance,
                },
            },
            f"the part {part} of the profile {self.name}",
        )


_LONG = {"epochs": 1000, "validation": 0.0, "keep": "last", "bucketing": 8}
_QUICK_TCN = {"width": 128, "depth": 6, "kernel": 2}
_QUICK_GRU = {"widths": [128, 96, 64]}
_PARTS = ("strong", "paper-eq6", "paper-adam", "regular", "smoothness", "cases", "stopped", "forms")

PROFILES: dict[str, Profile] = {
    "full": Profile(
        "full",
        training=_LONG,
        tcn_early={"epochs": 100, "bucketing": 8},
        deepgru_early={"epochs": 60, "bucketing": 8},
        strong={"steps": 60, "restarts": 1, "precision": "bf16"},
        paper={"precision": "bf16"},
        rows=dict.fromkeys(_PARTS, 110) | {"smoothness": 22, "stopped": 22, "forms": 11},
        recognising=Recognising(epochs=100),
    ),
    "quick": Profile(
        "quick",
        tcn=_QUICK_TCN,
        deepgru=_QUICK_GRU,
        training={**_LONG, "epochs": 60},
        tcn_early={"epochs": 30, "bucketing": 8},
        deepgru_early={"epochs": 30, "bucketing": 8},
        epsilons=(0.075, 0.225, 0.45),
        strong={"steps": 40, "restarts": 1, "precision": "bf16"},
        paper={"steps": 100, "precision": "bf16"},
        rows=dict.fromkeys(_PARTS, 11)
        | {"strong": 44, "cases": 44, "paper-eq6": 4, "paper-adam": 4, "smoothness": 6, "forms": 6},
        recognising=Recognising(epochs=40, members=1),
    ),
    "smoke": Profile(
        "smoke",
        source="synthetic",
        tcn={"width": 16, "depth": 3, "kernel": 2},
        deepgru={"widths": [16, 12, 8]},
        training={**_LONG, "epochs": 1},
        tcn_early={"epochs": 1},
        deepgru_early={"epochs": 1},
        epsilons=(0.15, 0.45),
        strong={"steps": 2, "restarts": 1},
        paper={"steps": 2},
        rows=dict.fromkeys(_PARTS, 2) | {"strong": 12},
        labels=("punching", "handshaking"),
        lambdas=(0.0, 0.1),
        recognising=Recognising(widths=(8, 8, 8), hidden=8, epochs=1, members=1),
    ),
}
"""full: the paper's sizes; quick: every figure in under 20 minutes on two cores; smoke: none."""


def profile(name: str) -> Profile:
    """A profile by name.  Raises FeintError on one there is not."""
    if name not in PROFILES:
        raise FeintError(f"There is no profile {name!r}; expected one of {', '.join(PROFILES)}.")
    return PROFILES[name]
