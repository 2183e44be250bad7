"""A study from a finished run.  No model runs."""

import hashlib
import json
import random
from dataclasses import asdict, dataclass, field
from pathlib import Path

import polars as pl

from feint.errors import FeintError
from feint.report.case import Case, Motion
from feint.report.findings import Findings
from feint.reproduction.profiles import OBJECTIVES
from feint.survey import stimuli, words
from feint.survey.stimuli import Sample
from feint.survey.study import LEFT, NONE, RIGHT, Objective, Panel, Study, Trial, stimulus_name


@dataclass
class _Draft:
    findings: Findings
    seed: int
    classes: tuple[str, ...]
    files: dict[str, bytes] = field(default_factory=dict)
    trials: list[Trial] = field(default_factory=list)

    def panel(self, people: dict[str, Motion], row=None, eps=None, **known) -> Panel:
        content = stimuli.stimulus(self.findings.skeleton, people)
        name = stimulus_name(content)
        self.files[name] = content
        if row is not None:
            known = {k: row.get(k) for k in ("distance_frame", "distance_joint", "error_cm")}
            eps = row["eps"]
        return Panel(stimulus=name, eps=eps, **known)

    def ask(self, kind, prompt, panels, options, **known):
        shown = [self.seed, kind, prompt, [p.stimulus for p in panels], len(self.trials)]
        name = hashlib.sha256(json.dumps(shown).encode()).hexdigest()[:12]
        self.trials.append(
            Trial(name=f"t-{name}", kind=kind, prompt=prompt, panels=tuple(panels), options=options, **known)
        )


def make(run: Path, out: Path, seed: int = 0, models=(), objectives=()) -> Study:
    findings = Findings.of(run)
    rows = stimuli.white(findings)
    models = models or sorted(set(rows["victim"]), key=findings.models.index)
    targets = set(rows["target"])
    wanted = [t for t in OBJECTIVES if t in targets] or sorted(targets)
    epsilons = stimuli.evenly(rows["eps"].to_list())
    classes = tuple(sorted(findings.described["data"]["labels"]))
    d = _Draft(findings, seed, classes)
    told, sides = [], []
    rng = random.Random(seed)
    asked = [(m, t) for t in wanted for m in models]
    which = [LEFT, RIGHT] * (len(asked) * 3)
    which = which[: len(asked) * 3]
    rng.shuffle(which)
    real = {"eps": None, "distance_frame": 0.0, "distance_joint": 0.0, "error_cm": 0.0}
    for k, (model, target) in enumerate(asked):
        some = rows.filter(pl.col("target") == target, pl.col("victim") == model)
        s = stimuli.sample(findings, some, epsilons, seed)
        r = s.row
        name = "o-" + hashlib.sha256(json.dumps([r["label"], target, model]).encode()).hexdigest()[:8]
        told.append(Objective(name=name, action=r["label"], reaction=target, model=model, sequence=r["sequence"], frames=r["frames"]))
        one = s.cases[0]
        prompt, options = words.leftmost(target, len(epsilons)), words.panels(len(epsilons))
        if k == 0:
            p = stimuli.sample(findings, some, epsilons, seed, 1)
            clean = d.panel({"actor": p.cases[0].actor, "reactor": p.cases[0].answer}, p.cases[0].clean_row)
            goal = d.panel({"actor": p.cases[0].actor, "reactor": p.cases[0].wanted}, **real)
            half = len(epsilons) // 2
            d.ask("leftmost", prompt, [clean] * half + [goal] * (len(epsilons) - half), options, practice=True, expected=str(half + 1))
            d.ask("naming", words.NAMING, [d.panel({"reactor": p.cases[0].wanted}, **real)], words.names(classes), practice=True, expected=target)
            d.ask("which", words.WHICH, [d.panel({"actor": p.cases[-1].actor}, eps=0.0), d.panel({"actor": p.cases[-1].actor_adv}, eps=p.cases[-1].row["eps"])], words.SIDES, practice=True, expected=RIGHT)
        d.ask("leftmost", prompt, [d.panel({"actor": c.actor_adv, "reactor": c.answer_adv}, c.row) for c in s.cases], options, objective=name)
        if k < 2:
            d.ask("leftmost", prompt, [d.panel({"actor": c.actor_adv, "reactor": c.wanted}, **real) for c in s.cases], options, objective=name, catch="target", expected="1")
            d.ask("leftmost", prompt, [d.panel({"actor": c.actor_adv, "reactor": c.answer}, c.clean_row) for c in s.cases], options, objective=name, catch="clean", expected=NONE)
        middle, last = s.cases[len(s.cases) // 2], s.cases[-1]
        for p, e in ((d.panel({"reactor": one.answer}, one.clean_row), None), (d.panel({"reactor": middle.answer_adv}, middle.row), None), (d.panel({"reactor": last.answer_adv}, last.row), None), (d.panel({"reactor": one.wanted}, **real), target)):
            d.ask("naming", words.NAMING, [p], words.names(classes), objective=name, expected=e)
        for c in (one, middle, last):
            a, b = d.panel({"actor": c.actor}, eps=0.0), d.panel({"actor": c.actor_adv}, eps=c.row["eps"])
            side = which.pop()
            d.ask("which", words.WHICH, [b, a] if side == LEFT else [a, b], words.SIDES, objective=name, expected=side)
    study = Study(
        name=str(findings.experiment["name"]), consent=words.CONSENT.format(minutes=10), instructions=words.INSTRUCTIONS, thanks=words.THANKS,
        run={"name": str(findings.experiment["name"]), "data": str(findings.described["data"]["source"])},
        skeleton=json.loads(json.dumps(asdict(findings.skeleton))), eps_unit=findings.unit, seed=seed, classes=classes,
        objectives=tuple(told), trials=tuple(d.trials), stimuli={n: hashlib.sha256(c).hexdigest() for n, c in sorted(d.files.items())},
    )
    study.save(out, d.files)
    return study
