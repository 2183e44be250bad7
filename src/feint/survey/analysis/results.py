"""What a study's answers say, told as JSON and made a tolerance of."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from feint.errors import FeintError
from feint.evaluation.tolerance import Tolerance
from feint.evaluation.votes import Votes
from feint.io.sealed import json_safe
from feint.survey.analysis.agreement import Agreement
from feint.survey.analysis.detection import Detection
from feint.survey.analysis.thresholds import Threshold

SCHEMA = 1
Which = Literal["paper", "minimum", "psychometric"]
Unit = Literal["sum", "per-frame", "cm"]
"""Of a distance: equation 7, summed over frames; its mean a frame; mean of a joint in cm."""
Norm = Literal["frame", "joint"]


@dataclass(frozen=True)
class OfObjective:
    """What judges say of one objective.

    Attributes:
        name, action, reaction, model: the study's.
        frames: the sequence's length; 0 if it is not known.
        eps: of each panel from the left; empty if not known.
        votes: with the distances that votes are told at (equation 7, summed).
        judges: how many answered.
        thresholds: by unit, from the leftmost panel.
        named: by unit, from blind naming; empty without such trials.
        misfit: how likely votes as far from the curve are, if the curve is right (deviance,
            chi-squared, a rough guide); NaN with few answers.
    """

    name: str
    action: str
    reaction: str
    model: str
    frames: int
    eps: tuple[float, ...]
    votes: Votes
    judges: int
    thresholds: Mapping[Unit, Threshold]
    named: Mapping[Unit, Threshold]
    misfit: float

    def kappa(self, which: Which, unit: Unit = "sum") -> float:
        """Its kappa; NaN where the answers tell none."""
        if which == "psychometric":
            return self.thresholds[unit].kappa if unit in self.thresholds else math.nan
        kappa = self.votes.kappa(which)
        if kappa is None or unit == "cm":
            return math.nan
        return kappa if unit == "sum" else kappa / self.frames if self.frames else math.nan


@dataclass(frozen=True)
class Estimate:
    """What a study's answers say.

    Attributes:
        study: its id; "" of votes that were typed in.
        name: the study's, or where the votes are from.
        norm: of equation 7.
        judges: who are counted: how many.
        excluded: who are left out by `rule`.
        rule: in words.
        given, missing: answers counted, and questions left unanswered.
        objectives: one each.
        pooled: by unit, one threshold for all objectives, from the leftmost panel.
        named: by unit, one for all, from blind naming.
        named_auc: of the distance, for what was named right against what was not.
        detections: naturalness, by eps.
        leftmost, naming: how far judges agree.
        warnings: what a reader must know, a sentence each.
        everybody: the same with nobody left out; None where nobody is.
    """

    study: str
    name: str
    norm: Norm
    judges: int
    excluded: tuple[str, ...]
    rule: str
    given: int
    missing: int
    objectives: tuple[OfObjective, ...]
    pooled: Mapping[Unit, Threshold]
    named: Mapping[Unit, Threshold]
    named_auc: float
    detections: tuple[Detection, ...]
    leftmost: Agreement
    naming: Agreement | None
    warnings: tuple[str, ...]
    everybody: "Estimate | None" = None

    def kappas(self, which: Which, unit: Unit = "sum") -> tuple[dict[str, float], float]:
        """Kappa per reaction (several objectives: their mean); the objectives' mean for others.

        Reactions whose answers say none are left out.

        Raises:
            FeintError: no reaction has one in this unit.
        """
        found = [one.kappa(which, unit) for one in self.objectives]
        per: dict[str, list[float]] = {}
        for one, kappa in zip(self.objectives, found, strict=True):
            if usable(kappa):
                per.setdefault(one.reaction, []).append(kappa)
        if not per:
            raise FeintError(
                f"The answers tell no kappa ({which}): ask more judges, or show distances on both "
                "sides of what they recognise."
            )
        means = {reaction: mean(some) for reaction, some in per.items()}
        return means, mean([kappa for kappa in found if usable(kappa)])

    def tolerance(self, which: Which = "psychometric", per_frame: bool | None = None) -> Tolerance:
        """A tolerance for `evaluation.tolerance`.

        Args:
            which: the estimator.
            per_frame: kappa a frame instead of equation 7's sum; if not given, the psychometric
                one is, where the sequences' lengths are known, and the paper's are not.

        Raises:
            FeintError: there is no kappa, or `which` is no estimator.
        """
        if which not in get_args(Which):
            raise FeintError(f"which is {which!r}; expected one of {', '.join(get_args(Which))}.")
        framed = all(one.frames for one in self.objectives)
        if per_frame is None:
            per_frame = which == "psychometric" and framed
        unit: Unit = "per-frame" if per_frame else "sum"
        kappa, other = self.kappas(which, unit)
        low: dict[str, float] = {}
        high: dict[str, float] = {}
        if which == "psychometric":
            for reaction in kappa:
                some = [
                    one.thresholds[unit]
                    for one in self.objectives
                    if one.reaction == reaction and usable(one.kappa(which, unit))
                ]
                for ends, end in ((low, [t.low for t in some]), (high, [t.high for t in some])):
                    if math.isfinite(mean(end)):
                        ends[reaction] = mean(end)
        where = f"study {self.name} ({self.study[:12]})" if self.study else self.name
        people = f"{self.judges} judges" if self.judges else "judges whose number is not told"
        return Tolerance(
            kappa,
            other=other,
            per_frame=per_frame,
            norm=self.norm,
            source=f"{SOURCES[which]}: {people}, {where}",
            low=low,
            high=high,
            judges=self.judges,
            study=self.study,
        )

    def told(self) -> dict[str, Any]:
        """All of it as JSON; what is not known, or has no end, is null."""
        content = {
            "schema": SCHEMA,
            "study": self.study,
            "name": self.name,
            "norm": self.norm,
            "judges": {"counted": self.judges, "excluded": len(self.excluded), "rule": self.rule},
            "answers": {"given": self.given, "missing": self.missing},
            "kappa": {which: self._all(which) for which in get_args(Which)},
            "objectives": [
                {
                    **{n: getattr(one, n) for n in ("name", "action", "reaction", "model")},
                    **{n: getattr(one, n) for n in ("frames", "eps", "judges", "misfit")},
                    "distances": one.votes.distances,
                    "votes": one.votes.votes,
                    "none": one.votes.none,
                    "missing": one.votes.missing,
                    "kappa": {
                        "paper": one.votes.kappa("paper"),
                        "minimum": one.votes.kappa("minimum"),
                        "psychometric": {u: asdict(t) for u, t in one.thresholds.items()},
                        "naming": {u: asdict(t) for u, t in one.named.items()},
                    },
                }
                for one in self.objectives
            ],
            "pooled": {u: asdict(t) for u, t in self.pooled.items()},
            "naming": {
                "thresholds": {u: asdict(t) for u, t in self.named.items()},
                "auc": self.named_auc,
            },
            "which": [asdict(one) for one in self.detections],
            "agreement": {
                "leftmost": asdict(self.leftmost),
                "naming": None if self.naming is None else asdict(self.naming),
            },
            "warnings": self.warnings,
            "everybody": None if self.everybody is None else self.everybody.told(),
        }
        told: dict[str, Any] = json_safe(content)
        return told

    def _all(self, which: Which) -> dict[str, Any]:
        """Kappa per reaction as a tolerance would have it; empty where there is none."""
        try:
            found = self.tolerance(which)
        except FeintError:
            return {}
        told = asdict(found)
        return {n: told[n] for n in ("kappa", "other", "low", "high", "per_frame", "norm")}


SOURCES: Mapping[str, str] = {
    "paper": "the distance at the most voted eps",
    "minimum": "the distance at the smallest eps with any vote",
    "psychometric": "the distance that half of the judges recognise, 95 % interval by judge",
}


def usable(kappa: float) -> bool:
    """Whether it is a distance that an answer can be nearer than."""
    return math.isfinite(kappa) and kappa > 0


def mean(values: Sequence[float]) -> float:
    """The mean; NaN of nothing."""
    return sum(values) / len(values) if values else math.nan
