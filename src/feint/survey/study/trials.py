"""Build the trials of a study: practice, the paper's question, naming, catch trials, comparisons.

Which panels a trial shows and which answer is right is decided here; the texts are in `texts.py`.
"""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from feint.report.cases.case import Case, Motion
from feint.skeleton import Skeleton
from feint.survey.study import texts
from feint.survey.study.schema import LEFT, NONE, RIGHT, Kind, Option, Panel, Trial, stimulus_name
from feint.survey.study.stimuli import Sample, encode_stimulus, seeded_order

MAX_CATCH_TRIALS = 2
"""Catch trials of each sort, at most."""
REAL_TARGET = {"distance_frame": 0.0, "distance_joint": 0.0, "error_cm": 0.0}
"""The ground truth of a panel that shows the real target."""


@dataclass
class TrialBuilder:
    """Collects the trials and stimuli of a study.

    Attributes:
        skeleton: skeleton of the people.
        classes: class names that blind naming offers.
        tasks: the kinds of trial; other kinds are left out.
        seed: seed of the catch trials and the sides.
        recorded: show the actor as recorded beside an output, not as the model saw it.
        stimuli: content of each stimulus, by name.
        trials: the trials, by name.
    """

    skeleton: Skeleton
    classes: tuple[str, ...]
    tasks: tuple[Kind, ...]
    seed: int
    recorded: bool
    stimuli: dict[str, bytes] = field(default_factory=dict)
    trials: dict[str, Trial] = field(default_factory=dict)

    def add_practice(self, sample: Sample) -> None:
        """Add a trial of each kind that shows the right answer afterwards."""
        target, last, half = sample.row["target"], sample.cases[-1], len(sample.cases) // 2
        panels = [self._clean_panel(case) for case in sample.cases[:half]]
        panels += [self._target_panel(case) for case in sample.cases[half:]]
        self._leftmost(target, panels, practice=True, expected=str(half + 1))
        self._naming(self._output_panel(last.target, **REAL_TARGET), practice=True, expected=target)
        side = seeded_order((LEFT, RIGHT), f"{self.seed}:practice")[0]
        self._which(*self._actor_panels(last), side, practice=True)

    def add_objective(self, name: str, sample: Sample) -> None:
        """Add the paper's question about an objective, and naming trials of four outputs."""
        first, middle, last = first_middle_last(sample)
        panels = [
            self._panel(
                {**self._actor(case), "reactor": case.answer_adv}, **_ground_truth(case.row)
            )
            for case in sample.cases
        ]
        self._leftmost(sample.row["target"], panels, objective=name)
        clean = self._output_panel(first.answer, **_ground_truth(first.clean_row))
        self._naming(clean, objective=name)
        for case in (middle, last):
            panel = self._output_panel(case.answer_adv, **_ground_truth(case.row))
            self._naming(panel, objective=name)
        real = self._output_panel(first.target, **REAL_TARGET)
        self._naming(real, objective=name, expected=sample.row["target"])

    def add_catch_trials(self, samples: dict[str, Sample]) -> None:
        """Add trials that show the same output in every panel, so that the answer is known.

        A sequence that succeeds without an attack gets no "clean" catch trial.
        """
        names = seeded_order(samples, f"{self.seed}:catch")
        for name in names[:MAX_CATCH_TRIALS]:
            sample = samples[name]
            panels = [self._target_panel(case) for case in sample.cases]
            target = sample.row["target"]
            self._leftmost(target, panels, objective=name, catch="target", expected="1")
        clean_failures = [name for name in reversed(names) if not samples[name].clean_success]
        for name in clean_failures[:MAX_CATCH_TRIALS]:
            sample = samples[name]
            panels = [self._clean_panel(case) for case in sample.cases]
            target = sample.row["target"]
            self._leftmost(target, panels, objective=name, catch="clean", expected=NONE)

    def add_comparisons(self, samples: dict[str, Sample]) -> None:
        """Add the recorded actor beside the perturbed one; the sides alternate by rising eps."""
        asked: dict[tuple[str, str], tuple[Panel, Panel, str]] = {}
        for name in seeded_order(samples, f"{self.seed}:which"):
            for case in first_middle_last(samples[name]):
                recorded, perturbed = self._actor_panels(case)
                pair = (recorded.stimulus, perturbed.stimulus)
                asked.setdefault(pair, (recorded, perturbed, name))
        sides = seeded_order((LEFT, RIGHT), f"{self.seed}:sides")
        rising = sorted(asked.values(), key=lambda one: one[1].eps or 0)
        for i, (recorded, perturbed, name) in enumerate(rising):
            self._which(recorded, perturbed, sides[i % 2], objective=name)

    def shown_stimuli(self) -> dict[str, bytes]:
        """The stimuli that some trial shows."""
        names = {panel.stimulus for trial in self.trials.values() for panel in trial.panels}
        return {name: self.stimuli[name] for name in sorted(names)}

    def _clean_panel(self, case: Case) -> Panel:
        people = {**self._actor(case), "reactor": case.answer}
        return self._panel(people, **_ground_truth(case.clean_row))

    def _target_panel(self, case: Case) -> Panel:
        return self._panel({**self._actor(case), "reactor": case.target}, **REAL_TARGET)

    def _actor(self, case: Case) -> dict[str, Motion]:
        return {"actor": case.actor if self.recorded else case.actor_adv}

    def _output_panel(self, reactor: Motion, **truth: float | None) -> Panel:
        return self._panel({"reactor": reactor}, **truth)

    def _actor_panels(self, case: Case) -> tuple[Panel, Panel]:
        """The recorded and the perturbed actor."""
        recorded = self._panel({"actor": case.actor}, eps=0.0)
        return recorded, self._panel({"actor": case.actor_adv}, eps=case.row["eps"])

    def _panel(self, people: dict[str, Motion], **truth: float | None) -> Panel:
        content = encode_stimulus(self.skeleton, people)
        name = stimulus_name(content)
        self.stimuli[name] = content
        return Panel(stimulus=name, **truth)

    def _leftmost(self, target: str, panels: list[Panel], **known: Any) -> None:
        prompt = texts.leftmost_prompt(target, len(panels))
        self._trial("leftmost", prompt, panels, texts.panel_options(len(panels)), **known)

    def _naming(self, panel: Panel, **known: Any) -> None:
        self._trial("naming", texts.NAMING, [panel], texts.class_options(self.classes), **known)

    def _which(self, recorded: Panel, perturbed: Panel, side: str, **known: Any) -> None:
        panels = [perturbed, recorded] if side == LEFT else [recorded, perturbed]
        self._trial("which", texts.WHICH, panels, texts.SIDES, expected=side, **known)

    def _trial(
        self,
        kind: Kind,
        prompt: str,
        panels: list[Panel],
        options: tuple[Option, ...],
        **known: Any,
    ) -> None:
        """Add a trial, named by the hash of what a judge sees; the same trial is added once."""
        seen = json.dumps([kind, prompt, [one.stimulus for one in panels]])
        name = f"t-{hashlib.sha256(seen.encode()).hexdigest()[:16]}"
        if kind in self.tasks and name not in self.trials:
            self.trials[name] = Trial(
                name=name, kind=kind, prompt=prompt, panels=tuple(panels), options=options, **known
            )


def first_middle_last(sample: Sample) -> tuple[Case, Case, Case]:
    """The cases of the smallest, the middle and the largest eps."""
    cases = sample.cases
    return cases[0], cases[(len(cases) - 1) // 2], cases[-1]


def _ground_truth(row: dict[str, Any]) -> dict[str, float | None]:
    """A panel's eps and distances; eps is 0 without an attack."""
    names = ("eps", "distance_frame", "distance_joint", "error_cm")
    return {name: _finite(row.get(name)) for name in names}


def _finite(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else round(float(value), 6)
