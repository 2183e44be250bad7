"""A study's plan and its folder.

    STUDY/study.json            the plan: texts, objectives, trials, and the hash of every stimulus
    STUDY/stimuli/<name>.json   a stimulus: motion in metres, named by its hash
    STUDY/answers.sqlite        the answers, unless another database is given (not hashed)

A study's `id` is the SHA-256 of its plan, and the plan contains the stimuli's hashes.  A change
anywhere makes another study.  `Trial.judge_view` is what a judge may see of a trial; everything
else stays on the server.  Add a field here when a trial needs one, and increase `SCHEMA`.
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

SCHEMA = 2
Kind = Literal["leftmost", "naming", "which"]
"""The paper's question; "What is this person doing?"; "Which of the two clips was changed?"."""
NONE, CANNOT_TELL, LEFT, RIGHT = "none", "cannot-tell", "left", "right"
"""Choices other than a panel's number ("1" is the leftmost) and a class name."""

Name = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,64}$")]
Text = Annotated[str, Field(max_length=20_000)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class _StudyModel(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Panel(_StudyModel):
    """One stimulus of a trial, and its ground truth.

    Attributes:
        stimulus: name of the stimulus; a file of the study.
        eps: the attack's budget, in the run's unit; 0 without an attack, None for the real target.
        distance_frame, distance_joint: equation 7 to the target with either norm, in data units;
            None where there is no target.
        error_cm: mean distance of a joint to the target, in cm.
    """

    stimulus: Name
    eps: Finite | None = None
    distance_frame: Finite | None = None
    distance_joint: Finite | None = None
    error_cm: Finite | None = None


class Option(_StudyModel):
    """One choice: `value` is stored, `label` is the text on the button."""

    value: Annotated[str, Field(min_length=1, max_length=100)]
    label: Text


class Trial(_StudyModel):
    """One question to a judge.

    Attributes:
        name: opaque name of the trial.
        kind: kind of question.
        prompt: the question's text.
        panels: the clips from left to right; for "leftmost" by rising eps.
        options: the choices; a judge may also give no answer.
        objective: name of the objective, if the trial belongs to one.
        practice: a practice trial comes first, shows the right answer, and is never counted.
        catch: "" for a normal trial.  A catch trial shows the real "target" reaction or a "clean"
            output in every panel, so its answer is known; judges who miss too many are excluded.
        expected: the right choice, if there is one.
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
            raise ValueError(f"trial {self.name}: two options have the same value")
        if self.expected is not None and self.expected not in values:
            raise ValueError(f"trial {self.name}: expected {self.expected!r} is not an option")
        if (self.practice or self.catch) and self.expected is None:
            raise ValueError(
                f"trial {self.name}: practice and catch trials need an expected choice"
            )
        return self

    def judge_view(self) -> dict[str, Any]:
        """What a judge's page gets: no eps, distance or catch; the answer only in practice."""
        return {
            "name": self.name,
            "kind": self.kind,
            "prompt": self.prompt,
            "panels": [panel.stimulus for panel in self.panels],
            "options": [option.model_dump() for option in self.options],
            "practice": self.practice,
            "expected": self.expected if self.practice else None,
        }


class Objective(_StudyModel):
    """An action, and the reaction that the attack aims at.

    Attributes:
        name: opaque name.
        action, reaction: class names of the data.
        model: the victim.
        sequence: key of the test sequence.
        frames: length of the sequence.
    """

    name: Name
    action: str
    reaction: str
    model: str
    sequence: str
    frames: Annotated[int, Field(ge=1)]


class Study(_StudyModel):
    """The plan of a study.

    Attributes:
        name: a short name.
        consent: text that a judge agrees to before anything is stored.
        instructions: paragraphs shown before the practice trials.
        thanks: text of the last page.
        run: name and hashes of the run that the study was made from.
        skeleton: `dataclasses.asdict(feint.Skeleton)`.
        eps_unit: unit of every eps.
        seed: with the judge's id, the seed of a judge's order.
        classes: class names that blind naming offers.
        objectives, trials: the questions.
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
                raise ValueError(f"two {what} have the same name")
        known = {one.name for one in self.objectives}
        for trial in self.trials:
            if trial.objective is not None and trial.objective not in known:
                raise ValueError(f"trial {trial.name}: unknown objective {trial.objective!r}")
            for panel in trial.panels:
                if panel.stimulus not in self.stimuli:
                    raise ValueError(f"trial {trial.name}: unknown stimulus {panel.stimulus!r}")
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
        """Write the study into a folder, the plan last.

        Raises:
            FeintError: the folder contains another study or cannot be written, or a stimulus is
                missing or does not match its hash.
        """
        plan = safe_join(folder, "study.json")
        if plan.exists() and Study.load(folder).id != self.id:
            raise FeintError(
                f"{folder} contains another study, and its answers belong to that study. Choose "
                "another folder: a changed study is a new study.",
                code="folder-not-empty",
            )
        wrong = [n for n, digest in self.stimuli.items() if _hash(stimuli.get(n, b"")) != digest]
        if wrong:
            raise FeintError(
                f"The stimuli {', '.join(wrong)} do not match the hashes in the plan.",
                code="hash-mismatch",
            )
        for name in self.stimuli:
            write_bytes(safe_join(folder, "stimuli", f"{name}.json"), stimuli[name])
        write_json(plan, {"schema": SCHEMA, "id": self.id, "plan": self.model_dump(mode="json")})

    @staticmethod
    def load(folder: Path) -> "Study":
        """Read a study's plan.  `check` checks the stimuli.

        Raises:
            DamagedError: the plan was changed or cut off.
            FeintError: the folder has no plan, or one of another schema.
        """
        path = safe_join(folder, "study.json")
        if not path.exists():
            raise FeintError(
                f"{folder} is not a study: it has no study.json. Expected a folder written by "
                "`feint survey make`.",
                code="no-study",
            )
        content = read_json(path)
        check_schema(content.get("schema"), SCHEMA, path, "Make the study again.")
        try:
            study = Study.model_validate(content.get("plan"))
        except ValidationError as error:
            raise DamagedError(
                f"{path} does not contain a study's plan: {first_of(error)}."
            ) from error
        if study.id != content.get("id"):
            raise DamagedError(
                f"{path} was changed: the hash of its plan is {study.id[:12]}, but the file names "
                f"{str(content.get('id'))[:12]}. Make a new study with `feint survey make`."
            )
        return study

    def check(self, folder: Path) -> None:
        """Check every stimulus.  Raises DamagedError if one is missing or was changed."""
        for name in self.stimuli:
            self.stimulus(folder, name)

    def stimulus(self, folder: Path, name: str) -> bytes:
        """Read a stimulus.

        Raises:
            KeyError: the study has no stimulus of this name.
            DamagedError: the file is missing or was changed.
        """
        digest = self.stimuli[name]
        path = safe_join(folder, "stimuli", f"{name}.json")
        try:
            content = path.read_bytes()
        except OSError as error:
            raise DamagedError(f"{path} cannot be read ({error}). Restore it.") from error
        if _hash(content) != digest:
            raise DamagedError(f"{path} was changed: it does not match its hash in the plan.")
        return content


def stimulus_name(content: bytes) -> str:
    """The name of a stimulus: the first 20 digits of its hash."""
    return _hash(content)[:20]


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _canonical(content: Any) -> bytes:
    """JSON with sorted keys and no spaces."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
