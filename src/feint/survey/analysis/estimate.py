"""Estimate a study's results from its answers: votes, thresholds, agreement, naturalness.

This file turns the answers into arrays and calls the estimators; they are in `thresholds.py`,
`agreement.py` and `detection.py`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import get_args

import numpy as np
import polars as pl

from feint.errors import FeintError
from feint.evaluation import votes as polled
from feint.evaluation.psychometric import auc
from feint.evaluation.votes import Votes, VoteTable
from feint.survey.analysis import thresholds
from feint.survey.analysis import warnings as warnings_module
from feint.survey.analysis.agreement import Agreement, Level, agreement, of_totals
from feint.survey.analysis.detection import Detection, detection
from feint.survey.analysis.filtering import ExclusionRule, FilteredAnswers, filter_answers
from feint.survey.analysis.results import Estimate as Estimate
from feint.survey.analysis.results import Norm, ObjectiveResult, Unit
from feint.survey.analysis.thresholds import RIGHT, UNKNOWN, WRONG, Answers, Fit, Threshold
from feint.survey.study.schema import CANNOT_TELL, NONE, Objective, Panel, Study, Trial

UNITS: tuple[Unit, ...] = get_args(Unit)
DEFAULT_RULE = ExclusionRule()


def estimate(
    study: Study,
    answers: pl.DataFrame,
    rule: ExclusionRule | None = DEFAULT_RULE,
    norm: Norm = "frame",
    draws: int = 1000,
    seed: int = 0,
) -> Estimate:
    """Estimate the results of a study.

    Args:
        study: the study's plan.
        answers: a table with at least the columns study, judge, trial and choice.
        rule: which judges to exclude for missed catch trials; None excludes no judge.
        norm: norm of equation 7, "frame" or "joint".
        draws: number of resamples of judges.
        seed: seed of the resamples.

    Raises:
        FeintError: the answers do not fit the study.
    """
    filtered = filter_answers(study, answers, rule)
    found = _estimate(filtered, rule, norm, draws, seed)
    if not filtered.excluded:
        return found
    return replace(
        found, without_exclusions=_estimate(filtered.without_exclusions(), None, norm, draws, seed)
    )


def from_votes(table: VoteTable, draws: int = 1000, seed: int = 0) -> Estimate:
    """Estimate the results from votes alone.

    The judges of the votes are not known, so every vote counts as another judge's.

    Args:
        table: the votes and distances.
        draws: number of resamples of votes.
        seed: seed of the resamples.
    """
    objectives = []
    judge: list[str] = []
    question: list[int] = []
    choice: list[int] = []
    for i, one in enumerate(table.votes):
        for k, n in enumerate((*one.votes, one.none)):
            judge += [f"{i:03d}-{k:03d}-{j:07d}" for j in range(n)]
            question += [i] * n
            choice += [k] * n
    ladders = [one.distances for one in table.votes]
    given = Answers(judge, np.array(question, int), np.array(choice, int))
    fits = _thresholds({"sum": ladders}, given, draws, seed)
    for i, one in enumerate(table.votes):
        own: dict[Unit, Threshold] = {u: fit.own[i] for u, fit in fits.items()}
        objectives.append(
            ObjectiveResult(
                name=one.reaction, action=one.action, reaction=one.reaction, model="", frames=0,
                eps=(), votes=one, judges=one.total + one.none, thresholds=own, named={},
                misfit=warnings_module.misfit(one, own),
            )
        )  # fmt: skip
    totals = [(*one.votes, one.none) for one in table.votes]
    same = len({len(some) for some in totals}) == 1
    warnings = [
        *polled.vote_warnings(table.votes, table.judges),
        *warnings_module.threshold_warnings(objectives),
    ]
    pooled = {unit: fit.pooled for unit, fit in fits.items()}
    return Estimate(
        study="", name=table.source, norm="frame", judges=table.judges or 0, excluded=(),
        rule="No judge is excluded: the judges of the votes are not known.",
        given=len(judge), missing=sum(one.missing for one in table.votes),
        objectives=tuple(objectives), pooled=pooled, named={},
        named_auc=math.nan, detections=(),
        leftmost=of_totals(np.array(totals if same else [[0, 0]]), "ordinal"),
        naming=None, warnings=tuple(warnings),
    )  # fmt: skip


def _estimate(
    filtered: FilteredAnswers, rule: ExclusionRule | None, norm: Norm, draws: int, seed: int
) -> Estimate:
    study = filtered.study
    asked = _leftmost(filtered, norm)
    ladders: dict[Unit, list[tuple[float, ...]]] = {}
    for unit in UNITS:
        some = [_distances(t.panels, o, unit, norm) for o, t, _ in asked]
        if some and all(
            len(one) == len(t.panels) for one, (_, t, _) in zip(some, asked, strict=True)
        ):
            ladders[unit] = some
    fits = _thresholds(ladders, _chosen(filtered, [t for _, t, _ in asked]), draws, seed)
    named, named_pooled, named_auc = _named(filtered, norm, draws, seed)
    objectives = []
    for i, (one, trial, votes) in enumerate(asked):
        own: dict[Unit, Threshold] = {unit: fit.own[i] for unit, fit in fits.items()}
        objectives.append(
            ObjectiveResult(
                name=one.name, action=one.action, reaction=one.reaction, model=one.model,
                frames=one.frames, eps=tuple(p.eps or 0.0 for p in trial.panels), votes=votes,
                judges=votes.total + votes.none, thresholds=own,
                named=named.get(one.name, {}), misfit=warnings_module.misfit(votes, own),
            )
        )  # fmt: skip
    pooled = {unit: fit.pooled for unit, fit in fits.items()}
    warnings = [
        *warnings_module.judge_warnings(len(filtered.judges), len(filtered.excluded)),
        *polled.vote_warnings([o.votes for o in objectives]),
        *warnings_module.threshold_warnings(objectives),
    ]
    return Estimate(
        study=study.id, name=study.name, norm=norm, judges=len(filtered.judges),
        excluded=filtered.excluded, rule="No judge is excluded." if rule is None else rule.sentence,
        given=len(filtered.given), missing=len(filtered.counted) - len(filtered.given),
        objectives=tuple(objectives), pooled=pooled, named=named_pooled,
        named_auc=named_auc, detections=_detections(filtered),
        leftmost=_agreement(filtered, [t for _, t, _ in asked], "ordinal", draws, seed),
        naming=_agreement(filtered, filtered.trials("naming"), "nominal", draws, seed),
        warnings=tuple(warnings),
    )  # fmt: skip


def _leftmost(filtered: FilteredAnswers, norm: Norm) -> list[tuple[Objective, Trial, Votes]]:
    """Every objective with a trial of the paper's question, this trial, and its votes."""
    found: dict[str, tuple[Objective, Trial, Votes]] = {}
    known = {one.name: one for one in filtered.study.objectives}
    for trial in filtered.trials("leftmost"):
        if trial.objective is None:
            continue
        one = known[trial.objective]
        distances = _distances(trial.panels, one, "sum", norm)
        if one.name in found or len(distances) < len(trial.panels) or min(distances) <= 0:
            raise FeintError(
                f"Objective {one.name} ({one.action} -> {one.reaction}) has two trials of the "
                'kind "leftmost", or a panel without a positive distance. Make the study again '
                "with one such trial for each objective.",
                code="bad-study",
            )
        tally, missing = filtered.tally(trial)
        panels = tuple(tally[str(k + 1)] for k in range(len(trial.panels)))
        votes = Votes(one.reaction, panels, distances, tally.get(NONE, 0), missing, one.action)
        found[one.name] = (one, trial, votes)
    return list(found.values())


def _distances(
    panels: Sequence[Panel], one: Objective, unit: Unit, norm: Norm
) -> tuple[float, ...]:
    """The distances of the panels that have one."""
    if unit == "cm":
        known = [panel.error_cm for panel in panels]
    else:
        known = [getattr(panel, f"distance_{norm}") for panel in panels]
    frames = one.frames if unit == "per-frame" else 1
    return tuple(d / frames for d in known if d is not None)


def _chosen(filtered: FilteredAnswers, trials: Sequence[Trial]) -> Answers:
    """Choices of the leftmost panel as indices."""
    place = {trial.name: i for i, trial in enumerate(trials)}
    rows = [
        (judge, place[name], len(trials[place[name]].panels) if c == NONE else int(c) - 1)
        for judge, name, c in filtered.given.rows()
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
    """Thresholds in every unit; empty without answers."""
    if not len(given.choice):
        return {}
    return {
        unit: thresholds.leftmost(some, given, draws=draws, seed=seed)
        for unit, some in ladders.items()
    }


def _named(
    filtered: FilteredAnswers, norm: Norm, draws: int, seed: int
) -> tuple[dict[str, dict[Unit, Threshold]], dict[Unit, Threshold], float]:
    """Blind naming: the thresholds of each objective, the pooled ones, and the distance's AUC."""
    known = {one.name: one for one in filtered.study.objectives}
    own: dict[str, dict[Unit, Threshold]] = {}
    pooled: dict[Unit, Threshold] = {}
    area = math.nan
    for unit in UNITS:
        clips: dict[str, dict[str, float]] = {}
        for trial in filtered.trials("naming"):
            distance: tuple[float, ...] = ()
            if trial.objective is not None:
                distance = _distances(trial.panels[:1], known[trial.objective], unit, norm)
            if distance:
                clips.setdefault(str(trial.objective), {})[trial.name] = distance[0]
        clips = {name: some for name, some in clips.items() if len(set(some.values())) > 1}
        place = [(i, trial) for i, some in enumerate(clips.values()) for trial in some]
        trials = [filtered.study.by_name[trial] for _, trial in place]
        given = _names(filtered, trials)
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


def _names(filtered: FilteredAnswers, trials: Sequence[Trial]) -> Answers:
    """Names as RIGHT, WRONG or UNKNOWN."""
    place = {trial.name: i for i, trial in enumerate(trials)}
    targets = {one.name: one.reaction for one in filtered.study.objectives}
    rows = []
    for judge, name, choice in filtered.given.rows():
        if name in place:
            right = choice == targets[str(trials[place[name]].objective)]
            code = RIGHT if right else UNKNOWN if choice == CANNOT_TELL else WRONG
            rows.append((judge, place[name], code))
    return _answers(rows)


def _detections(filtered: FilteredAnswers) -> tuple[Detection, ...]:
    """Naturalness by eps, from the trials of kind "which"."""
    trials = {t.name: t for t in filtered.trials("which") if t.expected is not None}
    per: dict[float, list[tuple[str, bool]]] = {}
    for judge, name, choice in filtered.given.rows():
        if name in trials:
            eps = max(panel.eps or 0.0 for panel in trials[name].panels)
            per.setdefault(eps, []).append((judge, choice == trials[name].expected))
    return tuple(
        detection(eps, [judge for judge, _ in some], np.array([right for _, right in some]))
        for eps, some in sorted(per.items())
    )


def _agreement(
    filtered: FilteredAnswers, trials: Sequence[Trial], level: Level, draws: int, seed: int
) -> Agreement:
    values = list(dict.fromkeys(o.value for t in trials for o in t.options if o.value != NONE))
    values.append(NONE)
    judges = {name: i for i, name in enumerate(filtered.judges)}
    place = {trial.name: i for i, trial in enumerate(trials)}
    found = np.zeros((len(judges), len(place), len(values)))
    for judge, name, choice in filtered.given.rows():
        if name in place:
            found[judges[judge], place[name], values.index(choice)] = 1
    return agreement(found, level, draws, seed)
