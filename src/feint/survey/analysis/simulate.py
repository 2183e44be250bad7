"""Simulated judges with known thresholds.  They test the estimators and say nothing about people.

A judge's threshold for an objective is the objective's, plus a normal deviation of the judge that
is the same for all objectives (`spread`), plus a logistic deviation.  The judge then answers as
`thresholds.py` assumes, with lapses.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import NormalDist

import numpy as np
import polars as pl

from feint.skeleton import SBU_15
from feint.survey.study.schema import (
    CANNOT_TELL,
    LEFT,
    NONE,
    RIGHT,
    Objective,
    Option,
    Panel,
    Study,
    Trial,
)

CLASSES = (
    "approaching", "departing", "kicking", "pushing",
    "handshaking", "hugging", "exchanging", "punching",
)  # fmt: skip


@dataclass(frozen=True)
class Truth:
    """The true parameters of simulated judges.

    Attributes:
        threshold: for each objective, the distance (equation 7) that half of them recognise.
        width: for each objective, the scale of the logistic deviation.
        spread: standard deviation of a judge's own deviation, in widths.
        lapse: share of random answers.
        missing: share of questions without an answer.
        cannot_tell: share of "can't tell" among clips that are not recognised.
        sensitivity: d' of finding the changed clip, for one unit of eps.
        careless: share of judges who answer everything at random.
    """

    threshold: Mapping[str, float]
    width: Mapping[str, float]
    spread: float = 0.0
    lapse: float = 0.0
    missing: float = 0.0
    cannot_tell: float = 0.5
    sensitivity: float = 4.0
    careless: float = 0.0


def study(
    ladders: Mapping[str, Sequence[float]],
    eps: Sequence[float],
    frames: int = 30,
    catches: bool = True,
    other_kinds: bool = True,
) -> Study:
    """A study without stimuli, for simulated judges.

    Args:
        ladders: for each target reaction, the distances by rising eps.
        eps: the eps of the panels.
        frames: length of the sequences.
        catches: whether to add catch trials.
        other_kinds: whether to add trials of the kinds "naming" and "which".
    """
    objectives, trials = [], []
    for i, (reaction, distances) in enumerate(ladders.items()):
        name = f"objective-{i}"
        panels = [_panel(e, d, frames) for e, d in zip(eps, distances, strict=True)]
        objectives.append(
            Objective(name=name, action="approaching", reaction=reaction, model="tcn",
                      sequence=f"s01s02/0{i}/001/A", frames=frames)
        )  # fmt: skip
        choices = _options(*(str(k + 1) for k in range(len(panels))), NONE)
        trials.append(_trial(f"l-{i}", "leftmost", panels, choices, name))
        if catches and i < 2:
            real = [_panel(None, 0.0, frames)] * len(panels)
            trials.append(
                _trial(f"c-{i}", "leftmost", real, choices, name, catch="target", expected="1")
            )
        if other_kinds:
            trials += [
                _trial(f"n-{i}-{k}", "naming", [panel], _options(*CLASSES, CANNOT_TELL), name)
                for k, panel in enumerate(panels)
            ]
            clean = _panel(0.0, distances[0], frames)
            for k, panel in enumerate(panels):
                shown = [panel, clean] if (i + k) % 2 else [clean, panel]
                side = LEFT if (i + k) % 2 else RIGHT
                options = _options(LEFT, RIGHT)
                trials.append(_trial(f"w-{i}-{k}", "which", shown, options, name, expected=side))
    shown_all = {panel.stimulus for trial in trials for panel in trial.panels}
    return Study(
        name="simulated", consent="-", instructions=(), thanks="-", run={"name": "simulated"},
        skeleton=asdict(SBU_15), eps_unit="data units", seed=0, classes=CLASSES,
        objectives=tuple(objectives), trials=tuple(trials),
        stimuli={name: hashlib.sha256(name.encode()).hexdigest() for name in sorted(shown_all)},
    )  # fmt: skip


def answers(study: Study, truth: Truth, judges: int, seed: int = 0) -> pl.DataFrame:
    """Answers of simulated judges to every trial of a study; columns as in `ANSWERS`."""
    rng = np.random.default_rng(seed)
    targets = {one.name: one.reaction for one in study.objectives}
    lines = []
    for j in range(judges):
        judge = hashlib.sha256(f"{seed}/{j}".encode()).hexdigest()[:32]
        own = truth.spread * rng.standard_normal()
        careless = rng.random() < truth.careless
        for place, trial in enumerate(study.trials):
            options = [option.value for option in trial.options]
            choice: str | None = _attentive_choice(trial, truth, targets, own, rng)
            if careless or rng.random() < truth.lapse:
                choice = str(rng.choice(options))
            if rng.random() < truth.missing:
                choice = None
            lines.append(
                {
                    "study": study.id,
                    "judge": judge,
                    "trial": trial.name,
                    "kind": trial.kind,
                    "objective": trial.objective,
                    "practice": trial.practice,
                    "catch": trial.catch,
                    "expected": trial.expected,
                    "choice": choice,
                    "rt_ms": float(rng.gamma(4, 800)),
                    "position": place,
                }
            )
    return pl.DataFrame(lines, infer_schema_length=None)


def _attentive_choice(
    trial: Trial, truth: Truth, targets: Mapping[str, str], own: float, rng: np.random.Generator
) -> str:
    """The choice of a judge without a lapse."""
    if (trial.catch or trial.practice) and trial.expected is not None:
        return trial.expected
    name = trial.objective or ""
    if trial.kind == "which":
        eps = max(p.eps or 0 for p in trial.panels)
        found = NormalDist().cdf(truth.sensitivity * eps / 2**0.5)
        other = LEFT if trial.expected == RIGHT else RIGHT
        return str(trial.expected) if rng.random() < found else other
    threshold = truth.threshold[name] + truth.width[name] * (own + rng.logistic())
    seen = [panel.distance_frame is not None and panel.distance_frame < threshold
            for panel in trial.panels]  # fmt: skip
    if trial.kind == "leftmost":
        return str(seen.index(True) + 1) if any(seen) else NONE
    if seen[0]:
        return targets[name]
    return CANNOT_TELL if rng.random() < truth.cannot_tell else str(rng.choice(_class_names(trial)))


def _class_names(trial: Trial) -> list[str]:
    return [option.value for option in trial.options if option.value != CANNOT_TELL]


def _panel(eps: float | None, distance: float, frames: int) -> Panel:
    name = hashlib.sha256(f"{eps}/{distance}".encode()).hexdigest()[:20]
    centimetres = 100 * distance / frames / 15**0.5
    return Panel(stimulus=name, eps=eps, distance_frame=distance,
                 distance_joint=15**0.5 * distance, error_cm=centimetres)  # fmt: skip


def _trial(name, kind, panels, options, objective, **known) -> Trial:  # type: ignore[no-untyped-def]
    return Trial(name=name, kind=kind, prompt=kind, panels=tuple(panels), options=options,
                 objective=objective, **known)  # fmt: skip


def _options(*values: str) -> tuple[Option, ...]:
    return tuple(Option(value=value, label=value) for value in values)
