"""A study from a finished run's adversarial answers.  Rows and tensors are read; no model runs."""

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
from feint.report.cases.selection import white
from feint.report.run_data import RunData
from feint.survey.study import texts
from feint.survey.study.schema import Kind, Objective, Study
from feint.survey.study.stimuli import PANELS, Sample, among, drawn, evenly, sample
from feint.survey.study.trial_order import KINDS
from feint.survey.study.trials import Trials

SECONDS = {"leftmost": 30, "naming": 10, "which": 15}
"""What a question may take a judge."""


@dataclass(frozen=True)
class Wanted:
    """What a study shall ask.

    Attributes:
        objectives: (action, reaction) pairs, None for any action; if none is given, any action
            and those of Table 1's five reactions that the run attacked, or else all that it did.
        models: if none is given, the run's first.
        tasks: the kinds of question.
        seed: of the sequences, of catch trials and sides, and of every judge's order.
        name: the run's if not given.
        consent: in place of `words.CONSENT`.
        recorded: show the actor as recorded beside an answer, not as the model saw it.
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
    """A study before it is written.

    Attributes:
        study: its plan.
        stimuli: what it shows, by name.
        minutes: a judge may need.
        notes: what a researcher should know of how it came to be, in sentences.
    """

    study: Study
    stimuli: dict[str, bytes]
    minutes: int
    notes: tuple[str, ...]


def make(run: Path, out: Path, wanted: Wanted | None = None) -> Study:
    """Make a study of a run, and write it into a folder.

    Raises:
        FeintError: see `draft`; or the folder holds another study.
    """
    made = draft(RunData.load(run), wanted or Wanted())
    made.study.save(out, made.stimuli)
    return made.study


def draft(run_data: RunData, wanted: Wanted) -> Draft:
    """Make a study; the same run and the same wishes make the same.

    Raises:
        FeintError: the run was not scored, shows no people, was attacked with one eps alone, or
            has not got what is wanted.
    """
    if not run_data.description["feature_spec"]:
        raise FeintError(
            f"{run_data.folder} is of data without a skeleton, and a study shows people. Make one "
            "of a run on skeletons, such as `feint demo` or examples/sbu.toml."
        )
    rows = white(run_data)
    epsilons = evenly(rows["eps"])
    if len(epsilons) < 2:
        raise FeintError(
            f"{run_data.folder} was attacked with one eps alone, {epsilons[0]:g} "
            f"{run_data.units.eps}; judges choose among several. Give attack.eps two or more, "
            f"{PANELS} as in the paper, and run `feint score` again."
        )
    rows = rows.filter(pl.col("eps").is_in(epsilons))
    samples = {_name(one): one for one in _samples(run_data, rows, wanted)}
    labels = {*run_data.description["data"]["labels"], *rows["target"]}
    trials = Trials(
        run_data.skeleton,
        tuple(sorted(labels)),
        tuple(wanted.tasks),
        wanted.seed,
        wanted.recorded,
    )
    trials.practise(_practice(run_data, rows, list(samples.values()), wanted.seed))
    for name, one in samples.items():
        trials.ask(name, one)
    trials.catch(samples)
    trials.compare(samples)
    minutes = ceil(sum(SECONDS[one.kind] for one in trials.every.values()) / 60)
    study = _study(run_data, wanted, samples, trials, minutes)
    return Draft(study, trials.shown(), minutes, tuple(_notes(epsilons, samples)))


def _samples(run_data: RunData, rows: pl.DataFrame, wanted: Wanted) -> list[Sample]:
    """The objectives, each with its sequence."""
    models = wanted.models or [one for one in run_data.models if one in set(rows["victim"])][:1]
    targets = set(rows["target"])
    known = [one for one in OBJECTIVES if one in targets] or sorted(targets)
    return [
        sample(
            among(rows, run_data.folder, true_class=action, target=reaction, victim=model),
            run_data,
            wanted.seed,
        )
        for action, reaction in dict.fromkeys(wanted.objectives or [(None, one) for one in known])
        for model in dict.fromkeys(models)
    ]


def _practice(run_data: RunData, rows: pl.DataFrame, samples: list[Sample], seed: int) -> Sample:
    """A sequence to practise on: of a reaction no objective wants, else the next of the first."""
    first = samples[0].row
    rows = rows.filter(pl.col("victim") == first["victim"])
    spare = set(rows["target"]) - {one.row["target"] for one in samples}
    target = drawn(spare, seed)[0] if spare else first["target"]
    return sample(rows.filter(pl.col("target") == target), run_data, seed, 0 if spare else 1)


def _study(
    run_data: RunData, wanted: Wanted, samples: dict[str, Sample], trials: Trials, minutes: int
) -> Study:
    """The plan."""
    try:
        return Study(
            name=wanted.name or str(run_data.experiment["name"]),
            consent=wanted.consent or texts.CONSENT.format(minutes=minutes),
            instructions=texts.INSTRUCTIONS,
            thanks=texts.THANKS,
            run=_run(run_data),
            skeleton=json.loads(json.dumps(asdict(run_data.skeleton))),  # lists, as it is read
            eps_unit=run_data.units.eps,
            seed=wanted.seed,
            classes=trials.classes,
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
            trials=tuple(trials.every.values()),
            stimuli={n: hashlib.sha256(c).hexdigest() for n, c in trials.shown().items()},
        )
    except ValidationError as error:
        raise FeintError(
            f"No study can be made of this: {first_of(error)}. Ask for fewer objectives or "
            "shorter texts."
        ) from error


def _run(run_data: RunData) -> dict[str, str]:
    """Which run it was, without where it lay."""
    data = run_data.description["data"]
    rows = read_bytes(safe_join(run_data.folder, "rows.parquet"))
    return {
        "name": str(run_data.experiment["name"]),
        "data": str(data["source"]),
        "test": str(data["test_fingerprint"]),
        "rows": hashlib.sha256(rows).hexdigest(),
        "feint": str(run_data.description["versions"].get("feint", "")),
    }


def _name(one: Sample) -> str:
    """Of an objective: opaque."""
    told = json.dumps([one.row[key] for key in ("true_class", "target", "victim", "sequence")])
    return f"o-{hashlib.sha256(told.encode()).hexdigest()[:12]}"


def _notes(epsilons: list[float], samples: dict[str, Sample]) -> list[str]:
    notes = []
    if len(epsilons) < PANELS:
        notes.append(f"The run has {len(epsilons)} eps, not {PANELS} as the paper: all are shown.")
    for one in samples.values():
        if one.clean:
            row = one.row
            notes.append(
                f"{row['true_class']} to {row['target']} ({row['victim']}): by the run's tolerance "
                "every answer counts as the target without an attack already, so judges may choose "
                "the first clip; there is no catch trial of the clean answer."
            )
    return notes
