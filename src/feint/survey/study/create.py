"""Make a study from a finished run: `feint survey make`.

This file reads the run's rows and tensors and puts the plan together.  It runs no model.  Which
sequences are shown is decided in `stimuli.py`, and which trials are asked in `trials.py`.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import ceil
from pathlib import Path

import polars as pl
from pydantic import ValidationError

from feint.errors import FeintError, first_of
from feint.evaluation.table1 import OBJECTIVES
from feint.io.atomic import read_bytes, safe_join
from feint.report.cases.selection import white_box_rows
from feint.report.run_data import RunData
from feint.survey.study import texts
from feint.survey.study.schema import Kind, Objective, Study
from feint.survey.study.stimuli import (
    MAX_PANELS,
    Sample,
    choose_sample,
    evenly_spaced,
    matching_rows,
    seeded_order,
)
from feint.survey.study.trial_order import KINDS
from feint.survey.study.trials import TrialBuilder

SECONDS = {"leftmost": 30, "naming": 10, "which": 15}
"""Estimated seconds that a judge needs for one trial, by kind."""


@dataclass(frozen=True)
class StudyOptions:
    """What a study asks.

    Attributes:
        objectives: (action, reaction) pairs; an action of None means any action.  The default is
            any action with those of Table 1's five reactions that the run attacked, or with every
            target of the run if it attacked none of the five.
        models: the victims, attacked white box; the default is the run's first model.
        tasks: the kinds of trial.
        seed: seed of the sequences, the catch trials, the sides and every judge's order.
        name: name of the study; the default is the run's name.
        consent: consent text; the default is `texts.CONSENT`.
        recorded: show the actor as recorded beside an output, not as the model saw it.
    """

    objectives: Sequence[tuple[str | None, str]] = ()
    models: Sequence[str] = ()
    tasks: Sequence[Kind] = KINDS
    seed: int = 0
    name: str | None = None
    consent: str | None = None
    recorded: bool = False


@dataclass(frozen=True)
class Draft:
    """A study that is not written yet.

    Attributes:
        study: the plan.
        stimuli: content of each stimulus, by name.
        minutes: estimated minutes that a judge needs.
        notes: sentences for the researcher about how the study was made.
    """

    study: Study
    stimuli: dict[str, bytes]
    minutes: int
    notes: tuple[str, ...]


def create_study(run: Path, out: Path, options: StudyOptions | None = None) -> Study:
    """Make a study from a run and write it into a folder.

    Raises:
        FeintError: see `draft`; or the folder holds another study.
    """
    made = draft(RunData.load(run), options or StudyOptions())
    made.study.save(out, made.stimuli)
    return made.study


def draft(run_data: RunData, options: StudyOptions) -> Draft:
    """Make a study in memory.  The same run and options make the same study, byte for byte.

    Raises:
        FeintError: the run was not evaluated, its data have no skeleton, it was attacked with one
            eps only, or it lacks a model, action or reaction that the options name.
    """
    if not run_data.description["feature_spec"]:
        raise FeintError(
            f"The data of {run_data.folder} have no skeleton, and a study shows people. Make the "
            "study from a run on skeletons, such as `feint demo` or examples/sbu.toml.",
            code="no-skeleton",
        )
    rows = white_box_rows(run_data)
    epsilons = evenly_spaced(rows["eps"])
    if len(epsilons) < 2:
        raise FeintError(
            f"{run_data.folder} was attacked with one eps only, {epsilons[0]:g} "
            f"{run_data.units.eps}; judges choose among several. Give attack.eps two or more "
            f"values ({MAX_PANELS} in the paper) and run `feint run` again.",
            code="too-few-eps",
        )
    rows = rows.filter(pl.col("eps").is_in(epsilons))
    samples = {_objective_name(one): one for one in _samples(run_data, rows, options)}
    labels = {*run_data.description["data"]["labels"], *rows["target"]}
    builder = TrialBuilder(
        run_data.skeleton,
        tuple(sorted(labels)),
        tuple(options.tasks),
        options.seed,
        options.recorded,
    )
    builder.add_practice(_practice_sample(run_data, rows, list(samples.values()), options.seed))
    for name, one in samples.items():
        builder.add_objective(name, one)
    builder.add_catch_trials(samples)
    builder.add_comparisons(samples)
    minutes = ceil(sum(SECONDS[one.kind] for one in builder.trials.values()) / 60)
    study = _plan(run_data, options, samples, builder, minutes)
    return Draft(study, builder.shown_stimuli(), minutes, tuple(_notes(epsilons, samples)))


def _samples(run_data: RunData, rows: pl.DataFrame, options: StudyOptions) -> list[Sample]:
    models = options.models or [one for one in run_data.models if one in set(rows["victim"])][:1]
    targets = set(rows["target"])
    known = [one for one in OBJECTIVES if one in targets] or sorted(targets)
    return [
        choose_sample(
            matching_rows(rows, run_data.folder, true_class=action, target=reaction, victim=model),
            run_data,
            options.seed,
        )
        for action, reaction in dict.fromkeys(options.objectives or [(None, one) for one in known])
        for model in dict.fromkeys(models)
    ]


def _practice_sample(
    run_data: RunData, rows: pl.DataFrame, samples: list[Sample], seed: int
) -> Sample:
    """A reaction that no objective asks about; else another sequence of the first objective."""
    first = samples[0].row
    rows = rows.filter(pl.col("victim") == first["victim"])
    spare = set(rows["target"]) - {one.row["target"] for one in samples}
    target = seeded_order(spare, seed)[0] if spare else first["target"]
    rows = rows.filter(pl.col("target") == target)
    return choose_sample(rows, run_data, seed, 0 if spare else 1)


def _plan(
    run_data: RunData,
    options: StudyOptions,
    samples: dict[str, Sample],
    builder: TrialBuilder,
    minutes: int,
) -> Study:
    try:
        return Study(
            name=options.name or str(run_data.experiment["name"]),
            consent=options.consent or texts.CONSENT.format(minutes=minutes),
            instructions=texts.INSTRUCTIONS,
            thanks=texts.THANKS,
            run=_run_identity(run_data),
            skeleton=json.loads(json.dumps(asdict(run_data.skeleton))),  # tuples become lists
            eps_unit=run_data.units.eps,
            seed=options.seed,
            classes=builder.classes,
            objectives=tuple(
                Objective(
                    name=name,
                    action=one.row["true_class"],
                    reaction=one.row["target"],
                    model=one.row["victim"],
                    sequence=one.row["sequence"],
                    frames=one.row["frames"],
                )
                for name, one in samples.items()
            ),
            trials=tuple(builder.trials.values()),
            stimuli={n: hashlib.sha256(c).hexdigest() for n, c in builder.shown_stimuli().items()},
        )
    except ValidationError as error:
        raise FeintError(
            f"The study's plan is not valid: {first_of(error)}. Ask for fewer objectives or use "
            "shorter texts.",
            code="bad-study",
        ) from error


def _run_identity(run_data: RunData) -> dict[str, str]:
    """The run's name and hashes, without the path of its folder."""
    data = run_data.description["data"]
    rows = read_bytes(safe_join(run_data.folder, "rows.parquet"))
    return {
        "name": str(run_data.experiment["name"]),
        "data": str(data["source"]),
        "test_fingerprint": str(data["test_fingerprint"]),
        "rows_sha256": hashlib.sha256(rows).hexdigest(),
        "feint_version": str(run_data.description["versions"].get("feint", "")),
    }


def _objective_name(one: Sample) -> str:
    """An opaque name: judges must not learn the model or the sequence."""
    identity = json.dumps([one.row[key] for key in ("true_class", "target", "victim", "sequence")])
    return f"o-{hashlib.sha256(identity.encode()).hexdigest()[:12]}"


def _notes(epsilons: list[float], samples: dict[str, Sample]) -> list[str]:
    notes = []
    if len(epsilons) < MAX_PANELS:
        notes.append(
            f"The run has {len(epsilons)} eps, fewer than the paper's {MAX_PANELS}: all are shown."
        )
    for one in samples.values():
        if one.clean_success:
            row = one.row
            notes.append(
                f"{row['true_class']} to {row['target']} ({row['victim']}): the clean success rate "
                "is 100 % under the run's tolerance. Judges may choose the first clip, and no "
                "catch trial shows the clean output."
            )
    return notes
