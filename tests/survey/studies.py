"""A small study that was not made from a run: two objectives, every kind of question."""

import base64
import dataclasses
import hashlib
import json

import numpy as np

import feint
from feint.survey.study.schema import Objective, Option, Panel, Study, Trial, stimulus_name

FRAMES = 4
EPS = (0.0, 1.0, 2.0, 4.0, 8.0, 12.0)


def stimulus(seed: int) -> bytes:
    """A person or two who jitter."""
    motions = np.random.default_rng(seed).integers(-900, 900, (2, FRAMES, 15, 3)).astype("<i2")
    actor, reactor = (base64.b64encode(one.tobytes()).decode() for one in motions)
    people = {"actor": actor, "reactor": reactor}
    return json.dumps(
        {"schema": 1, "frames": FRAMES, "fps": 15.0, "step": 0.001, "people": people}
    ).encode()


def small(name: str = "small", questions: int = 1) -> tuple[Study, dict[str, bytes]]:
    """A study and its stimuli: practice, for each of two objectives `questions` of the paper's, a
    catch trial, a naming and a two-interval one."""
    content = [stimulus(i) for i in range(8)]
    stimuli = {stimulus_name(one): one for one in content}
    names = list(stimuli)
    numbered = tuple(Option(value=str(i + 1), label=f"clip {i + 1}") for i in range(6))
    leftmost = (*numbered, Option(value="none", label="None of them"))
    panels = tuple(
        Panel(stimulus=names[i], eps=eps, distance_frame=60.0 - 8 * i, distance_joint=9.0 - i)
        for i, eps in enumerate(EPS)
    )
    objectives = tuple(
        Objective(name=n, action="kicking", reaction=r, model="tcn", sequence="s01/1", frames=4)
        for n, r in (("o-1", "punching"), ("o-2", "hugging"))
    )
    classes = ("kicking", "punching", "hugging")
    known = tuple(Option(value=c, label=c) for c in (*classes, "cannot-tell"))
    sides = (Option(value="left", label="Left"), Option(value="right", label="Right"))

    def ask(trial: str, **more: object) -> Trial:
        loaded = {"kind": "leftmost", "prompt": "Which?", "panels": panels, "options": leftmost}
        return Trial.model_validate({"name": trial, **loaded, **more})

    def asked(objective: str) -> list[Trial]:
        return [ask(f"t-{objective}-{i}", objective=objective) for i in range(questions)]

    return Study(
        name=name,
        consent="You agree.",
        instructions=("Look.", "Choose."),
        thanks="Thank you.",
        run={"run": "none", "fingerprint": "0"},
        skeleton=dataclasses.asdict(feint.SBU_15),
        eps_unit="cm",
        seed=1,
        classes=classes,
        objectives=objectives,
        trials=(
            ask("t-practice", practice=True, expected="3"),
            *asked("o-1"),
            *asked("o-2"),
            ask("t-catch", catch="clean", expected="none"),
            ask(
                "t-naming",
                kind="naming",
                panels=(Panel(stimulus=names[6], eps=8.0),),
                options=known,
                objective="o-1",
            ),
            ask(
                "t-which",
                kind="which",
                panels=(Panel(stimulus=names[6], eps=8.0), Panel(stimulus=names[7], eps=0.0)),
                options=sides,
                objective="o-2",
                expected="left",
            ),
        ),
        stimuli={n: hashlib.sha256(one).hexdigest() for n, one in stimuli.items()},
    ), stimuli
