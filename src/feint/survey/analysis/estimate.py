"""Everything a study's answers say, in one place: votes, thresholds, agreement, naturalness."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import get_args

import numpy as np
import polars as pl

from feint.errors import FeintError
from feint.evaluation import votes as polled
from feint.evaluation.psychometric import auc
from feint.evaluation.votes import Poll, Votes
from feint.survey.analysis import thresholds
from feint.survey.analysis import warnings as warnings_module
from feint.survey.analysis.agreement import Agreement, Level, agreement, of_totals
from feint.survey.analysis.detection import Detection, detection
from feint.survey.analysis.filtering import Counted, Rule, count
from feint.survey.analysis.results import Estimate as Estimate
from feint.survey.analysis.results import Norm, OfObjective, Unit
from feint.survey.analysis.thresholds import RIGHT, UNKNOWN, WRONG, Answers, Fit, Threshold
from feint.survey.study.schema import CANNOT_TELL, NONE, Objective, Panel, Study, Trial

UNITS: tuple[Unit, ...] = get_args(Unit)
RULE = Rule()


def estimate(
    study: Study,
    answers: pl.DataFrame,
    rule: Rule | None = RULE,
    norm: Norm = "frame",
    draws: int = 1000,
    seed: int = 0,
) -> Estimate:
    """What a study's answers say.

    Args:
        answers: columns study, judge, trial and choice at least.
        rule: who is left out for missed catch trials; None leaves out nobody.
        norm: of equation 7.
        draws: resamples of judges.

    Raises:
        FeintError: the answers do not belong to the study.
    """
    counted = count(study, answers, rule)
    found = _estimate(counted, rule, norm, draws, seed)
    if not counted.excluded:
        return found
    return replace(found, everybody=_estimate(counted.everybody(), None, norm, draws, seed))


def from_votes(poll: Poll, draws: int = 1000, seed: int = 0) -> Estimate:
    """The same from votes alone.

    Which judge gave which vote is not known: the threshold takes every vote for another judge's.
    """
    objectives = []
    judge: list[str] = []
    question: list[int] = []
    choice: list[int] = []
    for i, one in enumerate(poll.votes):
        for k, n in enumerate((*one.votes, one.none)):
            judge += [f"{i:03d}-{k:03d}-{j:07d}" for j in range(n)]
            question += [i] * n
            choice += [k] * n
    ladders = [one.distances for one in poll.votes]
    given = Answers(judge, np.array(question, int), np.array(choice, int))
    fits = _thresholds({"sum": ladders}, given, draws, seed)
    for i, one in enumerate(poll.votes):
        own: dict[Unit, Threshold] = {u: fit.own[i] for u, fit in fits.items()}
        objectives.append(
            OfObjective(
                name=one.reaction, action=one.action, reaction=one.reaction, model="", frames=0,
                eps=(), votes=one, judges=one.total + one.none, thresholds=own, named={},
                misfit=warnings_module.misfit(one, own),
            )
        )  # fmt: skip
    totals = [(*one.votes, one.none) for one in poll.votes]
    same = len({len(some) for some in totals}) == 1
    warnings = [*polled.doubts(poll.votes, poll.judges), *warnings_module.of_thresholds(objectives)]
    pooled = {unit: fit.pooled for unit, fit in fits.items()}
    return Estimate(
        study="", name=poll.source, norm="frame", judges=poll.judges or 0, excluded=(),
        rule="Nobody is left out: votes do not say whose they are.",
        given=len(judge), missing=sum(one.missing for one in poll.votes),
        objectives=tuple(objectives), pooled=pooled, named={},
        named_auc=math.nan, detections=(),
        leftmost=of_totals(np.array(totals if same else [[0, 0]]), "ordinal"),
        naming=None, warnings=tuple(warnings),
    )  # fmt: skip


def _estimate(counted: Counted, rule: Rule | None, norm: Norm, draws: int, seed: int) -> Estimate:
    study = counted.study
    asked = _leftmost(counted, norm)
    ladders: dict[Unit, list[tuple[float, ...]]] = {}
    for unit in UNITS:
        some = [_distances(t.panels, o, unit, norm) for o, t, _ in asked]
        if some and all(
            len(one) == len(t.panels) for one, (_, t, _) in zip(some, asked, strict=True)
        ):
            ladders[unit] = some
    fits = _thresholds(ladders, _chosen(counted, [t for _, t, _ in asked]), draws, seed)
    named, named_pooled, named_auc = _named(counted, norm, draws, seed)
    objectives = []
    for i, (one, trial, votes) in enumerate(asked):
        own: dict[Unit, Threshold] = {unit: fit.own[i] for unit, fit in fits.items()}
        objectives.append(
            OfObjective(
                name=one.name, action=one.action, reaction=one.reaction, model=one.model,
                frames=one.frames, eps=tuple(p.eps or 0.0 for p in trial.panels), votes=votes,
                judges=votes.total + votes.none, thresholds=own,
                named=named.get(one.name, {}), misfit=warnings_module.misfit(votes, own),
            )
        )  # fmt: skip
    pooled = {unit: fit.pooled for unit, fit in fits.items()}
    warnings = [
        *warnings_module.few(len(counted.judges), len(counted.excluded)),
        *polled.doubts([o.votes for o in objectives]),
        *warnings_module.of_thresholds(objectives),
    ]
    return Estimate(
        study=study.id, name=study.name, norm=norm, judges=len(counted.judges),
        excluded=counted.excluded, rule="Nobody is left out." if rule is None else rule.words,
        given=len(counted.given), missing=len(counted.asked) - len(counted.given),
        objectives=tuple(objectives), pooled=pooled, named=named_pooled,
        named_auc=named_auc, detections=_detections(counted),
        leftmost=_agreement(counted, [t for _, t, _ in asked], "ordinal", draws, seed),
        naming=_agreement(counted, counted.trials("naming"), "nominal", draws, seed),
        warnings=tuple(warnings),
    )  # fmt: skip


def _leftmost(counted: Counted, norm: Norm) -> list[tuple[Objective, Trial, Votes]]:
    """Every objective that was asked, its trial, and the votes."""
    found: dict[str, tuple[Objective, Trial, Votes]] = {}
    known = {one.name: one for one in counted.study.objectives}
    for trial in counted.trials("leftmost"):
        if trial.objective is None:
            continue
        one = known[trial.objective]
        distances = _distances(trial.panels, one, "sum", norm)
        if one.name in found or len(distances) < len(trial.panels) or min(distances) <= 0:
            raise FeintError(
                f"Objective {one.name} ({one.action} -> {one.reaction}) has two questions for the "
                "leftmost panel, or one whose panels have no distance above 0. Make the study "
                "again with one question an objective."
            )
        tally, missing = counted.tally(trial)
        panels = tuple(tally[str(k + 1)] for k in range(len(trial.panels)))
        votes = Votes(one.reaction, panels, distances, tally.get(NONE, 0), missing, one.action)
        found[one.name] = (one, trial, votes)
    return list(found.values())


def _distances(
    panels: Sequence[Panel], one: Objective, unit: Unit, norm: Norm
) -> tuple[float, ...]:
    """Of those panels that have one."""
    if unit == "cm":
        told = [panel.error_cm for panel in panels]
    else:
        told = [getattr(panel, f"distance_{norm}") for panel in panels]
    frames = one.frames if unit == "per-frame" else 1
    return tuple(d / frames for d in told if d is not None)


def _chosen(counted: Counted, trials: Sequence[Trial]) -> Answers:
    """Choices of the leftmost panel as numbers."""
    place = {trial.name: i for i, trial in enumerate(trials)}
    rows = [
        (judge, place[name], len(trials[place[name]].panels) if c == NONE else int(c) - 1)
        for judge, name, c in counted.given.rows()
        if name in place
    ]
    return _answers(rows)


def _answers(rows: Sequence[tuple[str, int, int]]) -> Answers:
    return Answers(
        [judge for judge, _, _ in rows],
        np.array([question for _, question, _ in rows], int),
        np.array([choice for _, _, choice in rows], int),
    )


def _thresholds(
    ladders: Mapping[Unit, Sequence[Sequence[float]]], given: Answers, draws: int, seed: int
) -> dict[Unit, Fit]:
    """Thresholds in every unit.  Where nobody answered there are none."""
    if not len(given.choice):
        return {}
    return {
        unit: thresholds.leftmost(some, given, draws=draws, seed=seed)
        for unit, some in ladders.items()
    }


def _named(
    counted: Counted, norm: Norm, draws: int, seed: int
) -> tuple[dict[str, dict[Unit, Threshold]], dict[Unit, Threshold], float]:
    """From blind naming: thresholds per objective and pooled, and the distance's AUC."""
    known = {one.name: one for one in counted.study.objectives}
    own: dict[str, dict[Unit, Threshold]] = {}
    pooled: dict[Unit, Threshold] = {}
    area = math.nan
    for unit in UNITS:
        clips: dict[str, dict[str, float]] = {}
        for trial in counted.trials("naming"):
            told: tuple[float, ...] = ()
            if trial.objective is not None:
                told = _distances(trial.panels[:1], known[trial.objective], unit, norm)
            if told:
                clips.setdefault(str(trial.objective), {})[trial.name] = told[0]
        clips = {name: some for name, some in clips.items() if len(set(some.values())) > 1}
        place = [(i, trial) for i, some in enumerate(clips.values()) for trial in some]
        trials = [counted.study.by_name[trial] for _, trial in place]
        given = _names(counted, trials)
        if not len(given.choice):
            continue
        names = min(sum(o.value != CANNOT_TELL for o in trial.options) for trial in trials)
        distances = [d for some in clips.values() for d in some.values()]
        curve = [i for i, _ in place]
        fit = thresholds.naming(distances, given, names, curve, draws, seed)
        pooled[unit] = fit.pooled
        for name, one in zip(clips, fit.own, strict=True):
            own.setdefault(name, {})[unit] = one
        at = np.asarray(distances)[given.question]
        area = auc(at[given.choice == RIGHT], at[given.choice != RIGHT])
    return own, pooled, area


def _names(counted: Counted, trials: Sequence[Trial]) -> Answers:
    """Names as right, wrong or not told."""
    place = {trial.name: i for i, trial in enumerate(trials)}
    wanted = {one.name: one.reaction for one in counted.study.objectives}
    rows = []
    for judge, name, choice in counted.given.rows():
        if name in place:
            right = choice == wanted[str(trials[place[name]].objective)]
            told = RIGHT if right else UNKNOWN if choice == CANNOT_TELL else WRONG
            rows.append((judge, place[name], told))
    return _answers(rows)


def _detections(counted: Counted) -> tuple[Detection, ...]:
    """Naturalness by eps, from the two-interval choices."""
    trials = {t.name: t for t in counted.trials("which") if t.expected is not None}
    per: dict[float, list[tuple[str, bool]]] = {}
    for judge, name, choice in counted.given.rows():
        if name in trials:
            eps = max(panel.eps or 0.0 for panel in trials[name].panels)
            per.setdefault(eps, []).append((judge, choice == trials[name].expected))
    return tuple(
        detection(eps, [judge for judge, _ in some], np.array([right for _, right in some]))
        for eps, some in sorted(per.items())
    )


def _agreement(
    counted: Counted, trials: Sequence[Trial], level: Level, draws: int, seed: int
) -> Agreement:
    values = list(dict.fromkeys(o.value for t in trials for o in t.options if o.value != NONE))
    values.append(NONE)
    judges = {name: i for i, name in enumerate(counted.judges)}
    place = {trial.name: i for i, trial in enumerate(trials)}
    found = np.zeros((len(judges), len(place), len(values)))
    for judge, name, choice in counted.given.rows():
        if name in place:
            found[judges[judge], place[name], values.index(choice)] = 1
    return agreement(found, level, draws, seed)
