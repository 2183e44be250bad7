"""Settings and sizes of a reproduction: the profiles "full", "quick" and "smoke".

`Profile.experiment` makes an ordinary experiment of each part, so that all parts are jobs in one
run folder and share equal jobs.  Change a size here; add a part in `parts/`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from feint.data.sbu.constants import ACTIONS
from feint.errors import FeintError
from feint.evaluation.recogniser import RecogniserConfig
from feint.evaluation.table1 import EPSILONS
from feint.experiments.config import Experiment
from feint.experiments.config_file import restore

PAPER = ("tcn", "deepgru")
"""The paper's two reactors."""
SECOND_SEED = ("tcn-second-seed", "deepgru-second-seed")
"""The same reactors, trained with a second seed."""
REGULARISED = ("tcn-regularised", "deepgru-regularised")
"""The same reactors without overfitting: dropout (TCN only) and early stopping."""
LABELS = tuple(ACTIONS.values())
LAMBDAS = (0.0, 0.01, 0.1, 0.5, 1.0)
"""Smoothness weights of Figure 4; the paper shows 0 and 0.1."""
UPDATE_RULES = ("sign", "adam", "strong")
"""Update rules of Figure 4."""
FEW_TARGETS = ("punching", "handshaking")
"""Targets of Figure 4 and of the experiments on transfer."""
FEW_EPS = (0.075, 0.225, 0.45)
"""Three of the paper's eps."""
EARLY_STOPS = (5, 25, 100)
"""Numbers of steps of the attacks that are stopped early."""

SEQUENCES_PER_JOB = {"strong": 55, "cases": 55, "paper-adam": 11, "paper-eq6": 11}
"""Test sequences in one job; small for parts that may be run in part."""


@dataclass(frozen=True)
class Profile:
    """Sizes of a reproduction.

    Attributes:
        name: name of the profile.
        source: "sbu", or "synthetic" for a test without data.
        tcn, deepgru: settings of the paper's two models.
        training: training settings of these models.
        tcn_regularised, deepgru_regularised: changes for the regularised models.
        epsilons: the eps of Figure 5.
        strong: settings of the preset `strong` in Figure 5; it uses warm starts over eps.
        paper: settings of the two presets with the paper's 400 steps.
        max_sequences: test sequences that a part attacks, the first ones in a seeded order.
        labels: targets of Figure 5.
        lambdas: smoothness weights of Figure 4.
        recogniser_settings: training settings of the recognisers.
        seed: seed of all parts.
    """

    name: str
    source: str = "sbu"
    tcn: Mapping[str, Any] = field(default_factory=dict)
    deepgru: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    tcn_regularised: Mapping[str, Any] = field(default_factory=dict)
    deepgru_regularised: Mapping[str, Any] = field(default_factory=dict)
    epsilons: tuple[float, ...] = EPSILONS
    strong: Mapping[str, Any] = field(default_factory=dict)
    paper: Mapping[str, Any] = field(default_factory=dict)
    max_sequences: Mapping[str, int] = field(default_factory=dict)
    labels: tuple[str, ...] = LABELS
    lambdas: tuple[float, ...] = LAMBDAS
    recogniser_settings: RecogniserConfig = field(default_factory=RecogniserConfig)
    seed: int = 0

    @property
    def few_epsilons(self) -> tuple[float, ...]:
        """Three of the eps, for parts where all would take too long."""
        return tuple(eps for eps in self.epsilons if eps in FEW_EPS) or self.epsilons

    def with_max_sequences(self, asked: Sequence[str]) -> "Profile":
        """The profile with other numbers of test sequences, such as "smoothness=11".

        0 leaves out one of the paper's two presets.

        Raises:
            FeintError: the part or the number is not valid.
        """
        sizes = dict(self.max_sequences)
        for one in asked:
            part, _, number = one.partition("=")
            least = 0 if part.startswith("paper-") else 1
            if part not in sizes or not number.isdecimal() or int(number) < least:
                raise FeintError(
                    f"--max-sequences got {one!r}; expected PART=N with a number of test sequences "
                    f"and one of the parts {', '.join(sizes)}.",
                    code="bad-max-sequences",
                )
            sizes[part] = int(number)
        return replace(self, max_sequences=sizes)

    def models(self, names: tuple[str, ...]) -> list[dict[str, Any]]:
        """The [[model]] tables of these models."""
        return [self._model(name) for name in names]

    def _model(self, name: str) -> dict[str, Any]:
        kind, _, how = name.partition("-")
        settings = dict(self.tcn if kind == "tcn" else self.deepgru)
        training = {**self.training, "seed": self.seed}
        if how == "second-seed":
            training["seed"] = self.seed + 1
        if how == "regularised":
            early = self.tcn_regularised if kind == "tcn" else self.deepgru_regularised
            training = {"batch_size": 64, "schedule": "cosine", "keep": "best", **early}
            training["seed"] = self.seed
        if kind == "tcn":
            settings["dropout"] = 0.2 if how == "regularised" else 0.0
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
        """The experiment of a part; the defaults are those of Figure 5 left."""
        if settings is None:
            settings = self.strong if preset == "strong" else self.paper
        limit = self.max_sequences[part]
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
                    "max_sequences": limit,
                    "craft_on": craft_on,
                    "sequences_per_job": min(limit, SEQUENCES_PER_JOB.get(part, 22)),
                    "batch_size": 18,  # small batches of similar length need little padding
                    "transfer": transfer,
                    "tolerance": tolerance,
                },
            },
            f"the part {part} of the profile {self.name}",
        )


_LONG = {"epochs": 1000, "validation": 0.0, "keep": "last", "bucketing": 8}
_QUICK_TCN = {"width": 128, "depth": 6, "kernel": 2}
_QUICK_GRU = {"widths": [128, 96, 64]}
_PARTS = (
    "strong",
    "paper-eq6",
    "paper-adam",
    "regularised",
    "smoothness",
    "cases",
    "early-stops",
    "variants",
)

PROFILES: dict[str, Profile] = {
    "full": Profile(
        "full",
        training=_LONG,
        tcn_regularised={"epochs": 100, "bucketing": 8},
        deepgru_regularised={"epochs": 60, "bucketing": 8},
        strong={"steps": 60, "restarts": 1, "precision": "bf16"},
        paper={"precision": "bf16"},
        max_sequences=dict.fromkeys(_PARTS, 110)
        | {"smoothness": 22, "early-stops": 22, "variants": 11},
        recogniser_settings=RecogniserConfig(epochs=100),
    ),
    "quick": Profile(
        "quick",
        tcn=_QUICK_TCN,
        deepgru=_QUICK_GRU,
        training={**_LONG, "epochs": 60},
        tcn_regularised={"epochs": 30, "bucketing": 8},
        deepgru_regularised={"epochs": 30, "bucketing": 8},
        epsilons=(0.075, 0.225, 0.45),
        strong={"steps": 40, "restarts": 1, "precision": "bf16"},
        paper={"steps": 100, "precision": "bf16"},
        max_sequences=dict.fromkeys(_PARTS, 11)
        | {"strong": 44, "cases": 44, "paper-eq6": 4, "paper-adam": 4}
        | {"smoothness": 6, "variants": 6},
        recogniser_settings=RecogniserConfig(epochs=40, members=1),
    ),
    "smoke": Profile(
        "smoke",
        source="synthetic",
        tcn={"width": 16, "depth": 3, "kernel": 2},
        deepgru={"widths": [16, 12, 8]},
        training={**_LONG, "epochs": 1},
        tcn_regularised={"epochs": 1},
        deepgru_regularised={"epochs": 1},
        epsilons=(0.15, 0.45),
        strong={"steps": 2, "restarts": 1},
        paper={"steps": 2},
        max_sequences=dict.fromkeys(_PARTS, 2) | {"strong": 12},
        labels=("punching", "handshaking"),
        lambdas=(0.0, 0.1),
        recogniser_settings=RecogniserConfig(widths=(8, 8, 8), hidden=8, epochs=1, members=1),
    ),
}
"""full: the paper's sizes; quick: every figure in under 20 minutes on two cores; smoke: a test."""


def profile(name: str) -> Profile:
    """A profile by name.  Raises FeintError for an unknown name."""
    if name not in PROFILES:
        raise FeintError(
            f"There is no profile {name!r}; expected one of {', '.join(PROFILES)}.",
            code="unknown-profile",
        )
    return PROFILES[name]
