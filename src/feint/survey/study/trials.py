"""The trials of a study, put together objective by objective."""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from feint.report.cases.case import Case, Motion
from feint.skeleton import Skeleton
from feint.survey.study import texts
from feint.survey.study.schema import LEFT, NONE, RIGHT, Kind, Option, Panel, Trial, stimulus_name
from feint.survey.study.stimuli import Sample, drawn, stimulus

CATCHES = 2
"""Catch trials of each sort, at most."""
REAL = {"distance_frame": 0.0, "distance_joint": 0.0, "error_cm": 0.0}
"""Of the real target."""


@dataclass
class Trials:
    """What a study asks so far.

    Attributes:
        skeleton: of the people.
        classes: the names that blind naming offers.
        tasks: the kinds of question; others are left out.
        seed: of the catch trials and the sides.
        recorded: show the actor as recorded beside an answer, not as the model saw it.
        files: the stimuli, by name.
        every: the trials, by name.
    """

    skeleton: Skeleton
    classes: tuple[str, ...]
    tasks: tuple[Kind, ...]
    seed: int
    recorded: bool
    files: dict[str, bytes] = field(default_factory=dict)
    every: dict[str, Trial] = field(default_factory=dict)

    def practise(self, one: Sample) -> None:
        """A trial of each kind whose answer is told."""
        target, last, half = one.row["target"], one.cases[-1], len(one.cases) // 2
        panels = [self._clean(of) for of in one.cases[:half]]
        panels += [self._real(of) for of in one.cases[half:]]
        self._leftmost(target, panels, practice=True, expected=str(half + 1))
        self._naming(self._alone(last.wanted, **REAL), practice=True, expected=target)
        side = drawn((LEFT, RIGHT), f"{self.seed}:practice")[0]
        self._which(*self._actors(last), side, practice=True)

    def ask(self, name: str, one: Sample) -> None:
        """The paper's question about an objective, and what a few of its answers look like."""
        first, middle, last = first_middle_last(one)
        self._leftmost(
            one.row["target"],
            [
                self._panel({**self._seen(of), "reactor": of.answer_adv}, **_of(of.row))
                for of in one.cases
            ],
            objective=name,
        )
        self._naming(self._alone(first.answer, **_of(first.clean_row)), objective=name)
        for of in (middle, last):
            self._naming(self._alone(of.answer_adv, **_of(of.row)), objective=name)
        real = self._alone(first.wanted, **REAL)
        self._naming(real, objective=name, expected=one.row["target"])

    def catch(self, samples: dict[str, Sample]) -> None:
        """Trials that hold one answer in every panel, which is known to be right or wrong.

        The clean answer of a sequence that counts as the target without an attack is none.
        """
        names = drawn(samples, f"{self.seed}:catch")
        for name in names[:CATCHES]:
            one = samples[name]
            panels = [self._real(of) for of in one.cases]
            self._leftmost(one.row["target"], panels, objective=name, catch="target", expected="1")
        open_ = [name for name in reversed(names) if not samples[name].clean]
        for name in open_[:CATCHES]:
            one = samples[name]
            panels = [self._clean(of) for of in one.cases]
            self._leftmost(one.row["target"], panels, objective=name, catch="clean", expected=NONE)

    def compare(self, samples: dict[str, Sample]) -> None:
        """Recorded beside changed actors: eps by eps the sides alternate in a seeded order."""
        asked: dict[tuple[str, str], tuple[Panel, Panel, str]] = {}
        for name in drawn(samples, f"{self.seed}:which"):
            for of in first_middle_last(samples[name]):
                recorded, changed = self._actors(of)
                pair = (recorded.stimulus, changed.stimulus)
                asked.setdefault(pair, (recorded, changed, name))
        sides = drawn((LEFT, RIGHT), f"{self.seed}:sides")
        rising = sorted(asked.values(), key=lambda one: one[1].eps or 0)
        for i, (recorded, changed, name) in enumerate(rising):
            self._which(recorded, changed, sides[i % 2], objective=name)

    def shown(self) -> dict[str, bytes]:
        """The stimuli that a trial shows."""
        names = {panel.stimulus for trial in self.every.values() for panel in trial.panels}
        return {name: self.files[name] for name in sorted(names)}

    def _clean(self, of: Case) -> Panel:
        return self._panel({**self._seen(of), "reactor": of.answer}, **_of(of.clean_row))

    def _real(self, of: Case) -> Panel:
        return self._panel({**self._seen(of), "reactor": of.wanted}, **REAL)

    def _seen(self, of: Case) -> dict[str, Motion]:
        return {"actor": of.actor if self.recorded else of.actor_adv}

    def _alone(self, reactor: Motion, **known: float | None) -> Panel:
        return self._panel({"reactor": reactor}, **known)

    def _actors(self, of: Case) -> tuple[Panel, Panel]:
        """Recorded and changed."""
        recorded = self._panel({"actor": of.actor}, eps=0.0)
        return recorded, self._panel({"actor": of.actor_adv}, eps=of.row["eps"])

    def _panel(self, people: dict[str, Motion], **known: float | None) -> Panel:
        content = stimulus(self.skeleton, people)
        name = stimulus_name(content)
        self.files[name] = content
        return Panel(stimulus=name, **known)

    def _leftmost(self, target: str, panels: list[Panel], **known: Any) -> None:
        prompt = texts.leftmost(target, len(panels))
        self._trial("leftmost", prompt, panels, texts.panels(len(panels)), **known)

    def _naming(self, panel: Panel, **known: Any) -> None:
        self._trial("naming", texts.NAMING, [panel], texts.names(self.classes), **known)

    def _which(self, recorded: Panel, changed: Panel, side: str, **known: Any) -> None:
        panels = [changed, recorded] if side == LEFT else [recorded, changed]
        self._trial("which", texts.WHICH, panels, texts.SIDES, expected=side, **known)

    def _trial(
        self,
        kind: Kind,
        prompt: str,
        panels: list[Panel],
        options: tuple[Option, ...],
        **known: Any,
    ) -> None:
        """Add one, named by what a judge sees of it; what is there is not asked twice."""
        told = json.dumps([kind, prompt, [one.stimulus for one in panels]])
        name = f"t-{hashlib.sha256(told.encode()).hexdigest()[:16]}"
        if kind in self.tasks and name not in self.every:
            self.every[name] = Trial(
                name=name, kind=kind, prompt=prompt, panels=tuple(panels), options=options, **known
            )


def first_middle_last(one: Sample) -> tuple[Case, Case, Case]:
    """The cases of the smallest, the middle and the largest eps."""
    return one.cases[0], one.cases[(len(one.cases) - 1) // 2], one.cases[-1]


def _of(row: dict[str, Any]) -> dict[str, float | None]:
    """What a panel tells of a row; eps is 0 where nothing was attacked."""
    names = ("eps", "distance_frame", "distance_joint", "error_cm")
    return {name: _finite(row.get(name)) for name in names}


def _finite(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else round(float(value), 6)
