"""A study: what judges are asked, in a folder that is named by its own hash.

    STUDY/study.json            the plan: texts, objectives, trials, and the hash of every stimulus
    STUDY/stimuli/<name>.json   a stimulus: motion in metres, named by its hash
    STUDY/answers.sqlite        what was answered, unless another database is named (not hashed)

A study's `id` is the SHA-256 of its plan, and the plan holds the stimuli's: to change anything is
to make another study.  What a judge may see of a trial is `Trial.shown`; the rest is the truth,
and stays on the server.
"""

import hashlib
import json
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from feint.errors import DamagedError, FeintError, first_of
from feint.io.atomic import safe_join, write_bytes
from feint.io.schema import check_schema
from feint.io.sealed import read_json, write_json

SCHEMA = 1
Kind = Literal["leftmost", "naming", "which"]
"""The paper's question; "what is this person doing?"; "which of the two was tampered with?"."""
NONE, CANNOT_TELL, LEFT, RIGHT = "none", "cannot-tell", "left", "right"
"""Choices beside the panels' numbers ("1" is the leftmost) and the classes' names."""

Name = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,64}$")]
Text = Annotated[str, Field(max_length=20_000)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Panel(_Told):
    """One stimulus of a trial, and what is true of it.

    Attributes:
        stimulus: its name; a file of the study.
        eps: the budget it was made with, in the run's unit; 0 for what was not attacked, None for
            the real target.
        distance_frame, distance_joint: equation 7 to the target in both norms, in data units;
            None where there is no target.
        error_cm: mean distance of a joint to the target, in cm.
    """

    stimulus: Name
    eps: Finite | None = None
    distance_frame: Finite | None = None
    distance_joint: Finite | None = None
    error_cm: Finite | None = None


class Option(_Told):
    """One thing a judge can choose: what is stored, and what is read on the button."""

    value: Annotated[str, Field(min_length=1, max_length=100)]
    label: Text


class Trial(_Told):
    """One question.

    Attributes:
        name: of the trial, opaque.
        kind: of the question.
        prompt: what is asked, in words.
        panels: from left to right; of "leftmost" by rising eps.
        options: what can be chosen beside no answer.
        objective: the objective's name, where the trial belongs to one.
        practice: it comes first, tells what would have been right, and is never counted.
        catch: "" or what it holds: the real "target" reaction or a "clean" one; its answer is
            known, and who misses it is not counted.
        expected: the right choice, where there is one.
    """

    name: Name
    kind: Kind
    prompt: Text
    panels: Annotated[tuple[Panel, ...], Field(min_length=1, max_length=12)]
    options: Annotated[tuple[Option, ...], Field(min_length=2, max_length=40)]
    objective: Name | None = None
    practice: bool = False
    catch: Literal["", "target", "clean"] = ""
    expected: str | None = None

    @model_validator(mode="after")
    def _belongs(self) -> "Trial":
        values = [option.value for option in self.options]
        if len(set(values)) < len(values):
            raise ValueError(f"trial {self.name}: two options have one value")
        if self.expected is not None and self.expected not in values:
            raise ValueError(f"trial {self.name}: {self.expected!r} is expected and no option")
        if (self.practice or self.catch) and self.expected is None:
            raise ValueError(
                f"trial {self.name}: practice and catch trials need an expected choice"
            )
        return self

    def shown(self) -> dict[str, Any]:
        """What a judge's page gets: no eps, no distance, no catch; practice tells its answer."""
        return {
            "name": self.name,
            "kind": self.kind,
            "prompt": self.prompt,
            "panels": [panel.stimulus for panel in self.panels],
            "options": [option.model_dump() for option in self.options],
            "practice": self.practice,
            "expected": self.expected if self.practice else None,
        }


class Objective(_Told):
    """An action, and the reaction the attacker wants to it.

    Attributes:
        name: opaque.
        action, reaction: classes, as the data names them.
        model: which answered.
        sequence: the test sequence's key.
        frames: its length.
    """

    name: Name
    action: str
    reaction: str
    model: str
    sequence: str
    frames: Annotated[int, Field(ge=1)]


class Study(_Told):
    """The plan of a study.

    Attributes:
        name: a short name.
        consent: what a judge agrees to, before anything is stored.
        instructions: paragraphs, before the practice trial.
        thanks: the last page.
        run: which run it was made from, in words, and its fingerprint.
        skeleton: `dataclasses.asdict(feint.Skeleton)`.
        eps_unit: of every eps.
        seed: of every judge's order, with the judge's id.
        classes: the names that blind naming offers.
        objectives, trials: what is asked.
        stimuli: SHA-256 of every stimulus, by name.
    """

    name: Annotated[str, Field(min_length=1, max_length=200)]
    consent: Text
    instructions: tuple[Text, ...]
    thanks: Text
    run: dict[str, str]
    skeleton: dict[str, Any]
    eps_unit: str
    seed: Annotated[int, Field(ge=0)]
    classes: tuple[str, ...]
    objectives: tuple[Objective, ...]
    trials: Annotated[tuple[Trial, ...], Field(min_length=1, max_length=1000)]
    stimuli: dict[Name, Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]]

    @model_validator(mode="after")
    def _whole(self) -> "Study":
        for what, names in (
            ("trials", [one.name for one in self.trials]),
            ("objectives", [one.name for one in self.objectives]),
        ):
            if len(set(names)) < len(names):
                raise ValueError(f"two {what} have one name")
        known = {one.name for one in self.objectives}
        for trial in self.trials:
            if trial.objective is not None and trial.objective not in known:
                raise ValueError(f"trial {trial.name}: no objective {trial.objective!r}")
            for panel in trial.panels:
                if panel.stimulus not in self.stimuli:
                    raise ValueError(f"trial {trial.name}: no stimulus {panel.stimulus!r}")
        return self

    @cached_property
    def id(self) -> str:
        """SHA-256 of the plan, as 64 hex digits."""
        return hashlib.sha256(_canonical(self.model_dump(mode="json"))).hexdigest()

    @cached_property
    def by_name(self) -> dict[str, Trial]:
        """The trials by name."""
        return {trial.name: trial for trial in self.trials}

    def save(self, folder: Path, stimuli: dict[str, bytes]) -> None:
        """Write the study into a folder that holds none, the plan last.

        Raises:
            FeintError: it holds another, a stimulus is missing or not what its hash says, or the
                folder cannot be written.
        """
        plan = safe_join(folder, "study.json")
        if plan.exists() and Study.load(folder).id != self.id:
            raise FeintError(
                f"{folder} holds another study, whose answers belong to it. A changed study is a "
                "new one: choose another folder."
            )
        wrong = [n for n, digest in self.stimuli.items() if _hash(stimuli.get(n, b"")) != digest]
        if wrong:
            raise FeintError(f"The stimuli {', '.join(wrong)} are not what the plan says.")
        for name in self.stimuli:
            write_bytes(safe_join(folder, "stimuli", f"{name}.json"), stimuli[name])
        write_json(plan, {"schema": SCHEMA, "id": self.id, "plan": self.model_dump(mode="json")})

    @staticmethod
    def load(folder: Path) -> "Study":
        """Read a study's plan; `check` looks at its stimuli as well.

        Raises:
            DamagedError: it was changed, or cut off.
            FeintError: there is none, or of another feint.
        """
        path = safe_join(folder, "study.json")
        if not path.exists():
            raise FeintError(
                f"{folder} is not a study: it has no study.json. Expected a folder written by "
                "`feint survey make`."
            )
        told = read_json(path)
        check_schema(told.get("schema"), SCHEMA, path, "Make the study again.")
        try:
            study = Study.model_validate(told.get("plan"))
        except ValidationError as error:
            raise DamagedError(f"{path} is no plan of a study: {first_of(error)}.") from error
        if study.id != told.get("id"):
            raise DamagedError(
                f"{path} was changed: its plan's hash is {study.id[:12]}, and it says "
                f"{str(told.get('id'))[:12]}. A changed study is a new one: make it with "
                "`feint survey make`."
            )
        return study

    def check(self, folder: Path) -> None:
        """Look at every stimulus.  Raises DamagedError if one is missing or was changed."""
        for name in self.stimuli:
            self.stimulus(folder, name)

    def stimulus(self, folder: Path, name: str) -> bytes:
        """A stimulus, as it was made.

        Raises:
            KeyError: the study has none of this name.
            DamagedError: it is missing or was changed.
        """
        digest = self.stimuli[name]
        path = safe_join(folder, "stimuli", f"{name}.json")
        try:
            content = path.read_bytes()
        except OSError as error:
            raise DamagedError(f"{path} cannot be read ({error}). Restore it.") from error
        if _hash(content) != digest:
            raise DamagedError(f"{path} was changed: it is not what the study's plan says.")
        return content


def stimulus_name(content: bytes) -> str:
    """What a stimulus is called: the start of its hash."""
    return _hash(content)[:20]


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _canonical(told: Any) -> bytes:
    """JSON with its keys in order and no spaces."""
    return json.dumps(told, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
