"""The results of a study: a dataclass that becomes JSON, or a tolerance file.

`estimate.py` computes them; `terminal.py` and the researcher's page show them.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from feint.errors import FeintError
from feint.evaluation.model_checks import EvaluationWarning
from feint.evaluation.tolerance import Tolerance
from feint.evaluation.votes import Votes
from feint.io.sealed import json_safe
from feint.survey.analysis.agreement import Agreement
from feint.survey.analysis.detection import Detection
from feint.survey.analysis.thresholds import Threshold

SCHEMA = 2
Method = Literal["paper", "minimum", "psychometric"]
Unit = Literal["sum", "per-frame", "cm"]
"""Units of a distance: equation 7 summed over frames; its mean a frame; mean of a joint in cm."""
Norm = Literal["frame", "joint"]


@dataclass(frozen=True)
class ObjectiveResult:
    """The results of one objective.

    Attributes:
        name, action, reaction, model: as in the study.
        frames: length of the sequence; 0 if not known.
        eps: eps of each panel from the left; empty if not known.
        votes: votes for each panel, with the panels' distances (equation 7, summed).
        judges: number of judges who answered.
        thresholds: from the leftmost panel, by unit.
        named: thresholds from blind naming, by unit; empty without such trials.
        misfit: p-value of the votes under the fitted curve (deviance against chi-squared, a rough
            guide); NaN with few answers.
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

    def tolerance(self, method: Method, unit: Unit = "sum") -> float:
        """The objective's tolerance by one method; NaN if the answers give none."""
        if method == "psychometric":
            return self.thresholds[unit].distance if unit in self.thresholds else math.nan
        distance = self.votes.threshold(method)
        if distance is None or unit == "cm":
            return math.nan
        if unit == "sum":
            return distance
        return distance / self.frames if self.frames else math.nan


@dataclass(frozen=True)
class Estimate:
    """The results of a study.

    Attributes:
        study: the study's id; "" for votes that were typed in.
        name: name of the study, or source of the votes.
        norm: norm of equation 7, "frame" or "joint".
        judges: number of judges who are counted.
        excluded: ids of the judges excluded by `rule`.
        rule: the exclusion rule as a sentence.
        given, missing: number of counted answers, and of questions without an answer.
        objectives: the result of each objective.
        pooled: one threshold for all objectives, from the leftmost panel, by unit.
        named: one threshold for all objectives, from blind naming, by unit.
        named_auc: AUC of the distance, clips named right against clips named wrong.
        detections: naturalness, by eps.
        leftmost, naming: agreement of the judges, by kind of trial.
        warnings: what a reader must know; docs/survey-threshold.md explains each code.
        without_exclusions: the results with all judges; None if no judge is excluded.
    """

    study: str
    name: str
    norm: Norm
    judges: int
    excluded: tuple[str, ...]
    rule: str
    given: int
    missing: int
    objectives: tuple[ObjectiveResult, ...]
    pooled: Mapping[Unit, Threshold]
    named: Mapping[Unit, Threshold]
    named_auc: float
    detections: tuple[Detection, ...]
    leftmost: Agreement
    naming: Agreement | None
    warnings: tuple[EvaluationWarning, ...]
    without_exclusions: "Estimate | None" = None

    def tolerances(self, method: Method, unit: Unit = "sum") -> tuple[dict[str, float], float]:
        """The tolerance of each reaction, and the mean over objectives for other classes.

        A reaction with several objectives gets their mean.  Reactions without a tolerance are left
        out.

        Raises:
            FeintError: no reaction has a tolerance in this unit.
        """
        found = [one.tolerance(method, unit) for one in self.objectives]
        by_reaction: dict[str, list[float]] = {}
        for one, distance in zip(self.objectives, found, strict=True):
            if usable(distance):
                by_reaction.setdefault(one.reaction, []).append(distance)
        if not by_reaction:
            raise FeintError(
                f"The answers give no tolerance (method {method!r}). Ask more judges, or show "
                "distances on both sides of the threshold.",
                code="no-tolerance",
            )
        means = {reaction: mean(some) for reaction, some in by_reaction.items()}
        return means, mean([distance for distance in found if usable(distance)])

    def tolerance(
        self, method: Method = "psychometric", per_frame: bool | None = None
    ) -> Tolerance:
        """A tolerance file's content, for an experiment's `evaluation.tolerance`.

        Args:
            method: the estimator.
            per_frame: whether the tolerance is the mean a frame instead of equation 7's sum.  The
                default is true for "psychometric" if all lengths are known, else false.

        Raises:
            FeintError: there is no tolerance, or the method is unknown.
        """
        if method not in get_args(Method):
            raise FeintError(
                f"method is {method!r}; expected one of {', '.join(get_args(Method))}.",
                code="unknown-method",
            )
        framed = all(one.frames for one in self.objectives)
        if per_frame is None:
            per_frame = method == "psychometric" and framed
        unit: Unit = "per-frame" if per_frame else "sum"
        tolerances, other = self.tolerances(method, unit)
        low: dict[str, float] = {}
        high: dict[str, float] = {}
        if method == "psychometric":
            for reaction in tolerances:
                some = [
                    one.thresholds[unit]
                    for one in self.objectives
                    if one.reaction == reaction and usable(one.tolerance(method, unit))
                ]
                for ends, end in ((low, [t.low for t in some]), (high, [t.high for t in some])):
                    if math.isfinite(mean(end)):
                        ends[reaction] = mean(end)
        where = f"study {self.name} ({self.study[:12]})" if self.study else self.name
        people = f"{self.judges} judges" if self.judges else "unknown number of judges"
        return Tolerance(
            tolerances,
            other=other,
            per_frame=per_frame,
            norm=self.norm,
            source=f"{SOURCES[method]}: {people}, {where}",
            low=low,
            high=high,
            judges=self.judges,
            study=self.study,
        )

    def to_dict(self) -> dict[str, Any]:
        """The results as JSON; NaN and infinity become null."""
        content = {
            "schema": SCHEMA,
            "study": self.study,
            "name": self.name,
            "norm": self.norm,
            "judges": {"counted": self.judges, "excluded": len(self.excluded), "rule": self.rule},
            "answers": {"given": self.given, "missing": self.missing},
            "tolerance": {method: self._tolerance_dict(method) for method in get_args(Method)},
            "objectives": [
                {
                    **{n: getattr(one, n) for n in ("name", "action", "reaction", "model")},
                    **{n: getattr(one, n) for n in ("frames", "eps", "judges", "misfit")},
                    "distances": one.votes.distances,
                    "votes": one.votes.votes,
                    "none": one.votes.none,
                    "missing": one.votes.missing,
                    "tolerance": {
                        "paper": one.votes.threshold("paper"),
                        "minimum": one.votes.threshold("minimum"),
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
            "detection": [asdict(one) for one in self.detections],
            "agreement": {
                "leftmost": asdict(self.leftmost),
                "naming": None if self.naming is None else asdict(self.naming),
            },
            "warnings": [asdict(one) for one in self.warnings],
            "without_exclusions": (
                None if self.without_exclusions is None else self.without_exclusions.to_dict()
            ),
        }
        safe: dict[str, Any] = json_safe(content)
        return safe

    def _tolerance_dict(self, method: Method) -> dict[str, Any]:
        """The tolerance by one method; empty if there is none."""
        try:
            fields = asdict(self.tolerance(method))
        except FeintError:
            return {}
        return {n: fields[n] for n in ("values", "other", "low", "high", "per_frame", "norm")}


SOURCES: Mapping[str, str] = {
    "paper": "the distance at the most voted eps",
    "minimum": "the distance at the smallest eps with any vote",
    "psychometric": "the distance that half of the judges recognise, 95 % interval by judge",
}


def usable(distance: float) -> bool:
    """Whether a distance can be a tolerance: finite and positive."""
    return math.isfinite(distance) and distance > 0


def mean(values: Sequence[float]) -> float:
    """The mean; NaN for an empty sequence."""
    return sum(values) / len(values) if values else math.nan
