"""What each kind of job does: content in, content out, the same in this process and on a worker.

tolerance   the natural tolerance                      needs train
train       a trained reactor                          needs train
load        a user's own model                         needs files, if it has any
gate        it, beside the trivial predictors          needs train, test, model
question    targets for some test sequences            needs train, test (, model)
noise       those sequences under random noise         needs test
attack      those sequences attacked at one eps        needs model, question (, previous)
minimal     the smallest eps for each                  needs model, question
score       what a victim answers                      needs model, question (, crafted)
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

import feint
from feint import checks, evaluation, probes, store, tolerance
from feint.attacks import AIA, Attack, MinimalPerturbation, Noise, Untargeted
from feint.curves import Curve
from feint.data.interactions import Pairs
from feint.errors import DamagedError, FeintError
from feint.evaluation import Crafted, Question
from feint.files import inside, unpack
from feint.jobs import Fetch, Job
from feint.models import loading
from feint.models.places import content_of
from feint.models.source import Source, Yours
from feint.prepared import as_seen, unpack_pairs
from feint.progress import bar
from feint.results import Result, budget_of, changed, read_question, rebuilt
from feint.sequences import Sequences, predict
from feint.series import Series, form_of
from feint.targets import Targets
from feint.tracking import Tracker
from feint.training import History, Training, train


@dataclass(frozen=True)
class Desk:
    """Where a job is done; nothing of it changes a result, but for rounding.

    Attributes:
        folder: the run's, for the checkpoints of trainings; not used where it cannot be seen.
        batch_size: rows attacked at once; if not given, what fits.
        device: "cpu", "cuda", or "auto": a GPU where there is one.
        tracker: where training curves are written, if at all.
        trusted: users' models whose code may be run (`Source.digest`): those the experiment names.
        trust: unpickle exports.
    """

    folder: Path | None = None
    batch_size: int | None = None
    device: str = "cpu"
    tracker: Tracker | None = None
    trusted: frozenset[str] = frozenset()
    trust: bool = False

    def place(self) -> torch.device:
        """The device.  Raises FeintError if it is not there."""
        there = torch.cuda.is_available()
        if self.device == "cuda" and not there:
            raise FeintError(
                "The device cuda was asked for, and torch finds no GPU. Use --device cpu."
            )
        return torch.device("cuda" if there and self.device != "cpu" else "cpu")

    def checkpoint(self, key: str) -> Path | None:
        """Where a training keeps its checkpoint."""
        if self.folder is None or not (self.folder / "run.json").exists():
            return None
        return inside(self.folder, "checkpoints", f"{key}.safetensors")


def do(desk: Desk, job: Job, fetch: Fetch) -> bytes:
    """Do a job.

    Raises:
        FeintError: whatever went wrong.
    """
    began = time.monotonic()
    tensors, told = KINDS[job.kind](job, Needs(job, fetch, desk.place(), desk.trusted), desk)
    made = {
        "seconds": round(time.monotonic() - began, 3),
        "device": desk.device,
        "feint": feint.__version__,
        "torch": torch.__version__,
    }
    return store.result(job, tensors, {**told, "made": made})


_kept: "OrderedDict[tuple[str, str, str], Any]" = OrderedDict()
"""What jobs of this process needed last, read: the next one needs most of it again."""
KEPT = 48


@dataclass(frozen=True)
class Needs:
    """What a job needs, by its role, read and on its device."""

    job: Job
    fetch: Fetch
    device: torch.device
    trusted: frozenset[str] = frozenset()

    def on_cpu(self) -> "Needs":
        """The same on the CPU; what is kept for another device stays there."""
        return replace(self, device=torch.device("cpu"))

    def model(self) -> nn.Module:
        """The reactor `model`, with the weights the job was named for."""

        def make(tensors: dict[str, Tensor], about: dict[str, Any]) -> nn.Module:
            built = loading.build(about["model"], about["settings"], tensors, self.trusted)
            return built.to(self.device)

        return self._read("model", make, self.setting("weights"))

    def pairs(self, role: str) -> Pairs:
        """`train` or `test`."""
        return self._read(role, unpack_pairs)

    def files(self) -> dict[str, bytes]:
        """The files of a user's model."""
        if not self.has("files"):
            return {}
        tensors, _ = unpack(self.fetch(self.job.needs["files"]), self.job.name)
        return {name: bytes(tensor.numpy()) for name, tensor in tensors.items()}

    def question(self) -> Question:
        """The question asked."""
        return self._read("question", lambda t, about: read_question(t, about, self.device))

    def crafted(self, role: str) -> Sequences:
        """Perturbed sequences, for the question's rows."""
        x = self.question().x
        return self._read(role, lambda t, about: rebuilt(t, about, x))

    def has(self, role: str) -> bool:
        """Whether there is such a need."""
        return role in self.job.needs

    def setting(self, name: str) -> Any:
        """Of the job's own settings, or of those it shares."""
        return self.job.own[name] if name in self.job.own else self.job.common.settings[name]

    def _read(self, role: str, make: Callable[..., Any], weights: str = "") -> Any:
        name = (self.job.needs[role], weights, str(self.device))
        if name not in _kept:
            content = self.fetch(name[0])
            tensors, about = unpack(content, f"what {self.job.name} needs as its {role}")
            if weights and about.get("weights") != weights:
                raise FeintError(
                    f"{self.job.name} was named for the weights {weights} and got "
                    f"{about.get('weights')}: they changed meanwhile. Run the same command again."
                )
            _kept[name] = make(tensors, about)
        _kept.move_to_end(name)
        while len(_kept) > KEPT:
            _kept.popitem(last=False)
        return _kept[name]


# -- kinds ----------------------------------------------------------------------------------


def _tolerance(job: Job, needs: Needs, desk: Desk) -> Result:
    settings = job.common.settings
    if "labels" in settings:
        told = tolerance.of_series(needs.pairs("train"), settings["labels"], settings["seed"])
        return {}, {"tolerance": asdict(told)}
    found = tolerance.natural(
        needs.pairs("train"), settings["time"], settings["place"], settings["role"]
    )
    return {}, {"tolerance": found.settled()}


def _train(job: Job, needs: Needs, desk: Desk) -> Result:
    settings, pairs = job.common.settings, needs.pairs("train")
    training = Training(**settings["training"], **job.hints)
    x, y = as_seen(pairs, bool(settings["first_pose"])), pairs.reactor
    kind: Any = loading.MODELS[settings["model"]]
    checkpoint = desk.checkpoint(job.key)

    def trained() -> tuple[Any, History]:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(training.seed)
            model = kind(
                x.values.shape[-1],
                y.values.shape[-1],
                **settings["settings"],
                first_pose=settings["first_pose"],
            ).to(needs.device)
        history = train(
            model,
            x.to(needs.device),
            y.to(needs.device),
            training,
            groups=pairs.interactions,
            checkpoint=checkpoint,
            name=job.name,
            watch=None if desk.tracker is None else desk.tracker.training(job.name, job.key),
        )
        return model, history

    try:
        model, history = trained()
    except DamagedError as error:
        if desk.folder is None or checkpoint is None:
            raise
        store.Store(desk.folder).put_away(checkpoint, str(error))
        model, history = trained()
    told = {"model": settings["model"], "settings": model.settings, "training": asdict(training)}
    weights = {name: tensor.cpu() for name, tensor in model.state_dict().items()}
    return weights, {**told, "history": asdict(history), "weights": loading.fingerprint(model)}


def _load(job: Job, needs: Needs, desk: Desk) -> Result:
    source, files = Source(**job.common.settings["source"]), needs.files()
    if content_of(files) != source.content:
        raise FeintError(
            "Its files changed since the experiment was read. Run the same command again."
        )
    if source.kind not in ("saved", "exported") and source.digest not in desk.trusted:
        raise FeintError(f"{source.model} is code that this experiment does not name.")
    model: Any = loading.from_source(source, files, desk.trust)
    weights = model.kept() if isinstance(model, Yours) else model.state_dict()
    told = {"model": type(model).__name__, "settings": model.settings, "source": source.told()}
    return weights, {
        **told, "training": {}, "history": {}, "weights": loading.fingerprint(model)
    }  # fmt: skip


def _gate(job: Job, needs: Needs, desk: Desk) -> Result:
    train_, test = needs.pairs("train"), needs.pairs("test")
    sees = [as_seen(pairs, needs.setting("first_pose")) for pairs in (train_, test)]
    form = test.form
    shows = torch.arange(sees[1].values.shape[-1]) < test.actor.values.shape[-1]
    model = needs.on_cpu().model()
    findings: tuple[probes.Finding, ...] = ()
    if job.own.get("probed"):
        findings = probes.probe(model, sees[1], test.reactor)
        probes.check(findings, _shown(needs, test))
    found = checks.gate(
        model,
        (sees[0], train_.reactor),
        (sees[1], test.reactor),
        shows,
        form,
        checks.strangers(test),
    )
    return {}, {"gate": asdict(replace(found, findings=findings))}


def _shown(needs: Needs, test: Pairs) -> str:
    """What a model is shown, where it cannot take it."""
    if not needs.setting("first_pose"):
        return "The model"
    actor = test.actor.values.shape[-1]
    return (
        f"(It is shown {actor} features of the actor and, behind them, the reactor's first pose; "
        "data.first_pose = false leaves that away.) The model"
    )


def _question(job: Job, needs: Needs, desk: Desk) -> Result:
    label = needs.setting("label")
    learnt, test = needs.pairs("train"), needs.pairs("test")
    begin, end = needs.setting("rows")
    some = test[list(range(begin, end))]
    x = as_seen(some, needs.setting("first_pose"))
    before = x.to(needs.device)
    answer = predict(needs.model(), before).to("cpu") if needs.has("model") else some.reactor

    def aligned(asked: Any) -> tuple[list[str], Sequences]:
        """A target for every row: of a class, or of a series' curve."""
        if isinstance(some.form, Series):
            return Curve.of(asked).wanted(learnt, some, answer)
        spec = Targets(**needs.setting("targets"))
        exemplars, raw = spec.choose(asked, learnt, some)
        return exemplars, spec.align(raw, some.reactor, answer, some.skeleton)

    candidates: list[Sequences] = []
    if away := job.common.settings.get("away"):
        wanted = answer if away["reference"] == "clean" else some.reactor
        exemplars = [""] * len(x)
        candidates = [aligned(one)[1] for one in away["candidates"]]
    else:
        series = isinstance(some.form, Series)
        exemplars, wanted = aligned(needs.setting("curve") if series else label)
    tensors = {
        "x": x.values,
        "reactor": some.reactor.values,
        "wanted": wanted.values,
        "lengths": wanted.lengths,
        **{f"candidate.{i}": one.values for i, one in enumerate(candidates)},
    }
    names = {"keys": some.keys, "labels": some.labels, "sides": some.sides}
    return tensors, {"target": label, **names, "exemplars": exemplars}


def _noise(job: Job, needs: Needs, desk: Desk) -> Result:
    begin, end = needs.setting("rows")
    x = as_seen(needs.pairs("test")[list(range(begin, end))], needs.setting("first_pose"))
    budget = budget_of(needs.setting("budget"), needs.setting("eps"))
    x_adv = Noise(**needs.setting("noise")).draw(x, budget, needs.setting("noise")["seed"])
    evaluation.verify("noise", x_adv, x, budget)
    return changed(x_adv, budget)


def _attack(job: Job, needs: Needs, desk: Desk) -> Result:
    question, eps = needs.question(), needs.setting("eps")
    budget = budget_of(needs.setting("budget"), eps, needs.device)
    settings = job.common.settings
    attack: Attack
    if "untargeted" in settings:
        attack = Untargeted(**settings["untargeted"])
    else:
        attack = AIA(**settings["attack"])
    with bar(len(question.x), job.name) as progress:
        crafted = evaluation.craft(
            job.name,
            attack,
            needs.model(),
            question,
            budget,
            [eps],
            independent=not needs.has("previous"),
            start=needs.crafted("previous") if needs.has("previous") else None,
            batch_size=desk.batch_size,
            progress=progress,
        )
    return changed(crafted.x_adv.to("cpu"), budget)


def _minimal(job: Job, needs: Needs, desk: Desk) -> Result:
    question = needs.question()
    budget = budget_of(needs.setting("budget"), needs.setting("eps"), needs.device)
    kappa = tolerance.Tolerance(**needs.setting("tolerance"))
    search = MinimalPerturbation(AIA(**needs.setting("attack")))
    goal = kappa.goals(question.target, question.x.lengths)
    with bar(len(question.x), job.name) as progress:
        found = evaluation.smallest(
            search,
            needs.model(),
            question,
            budget,
            goal,
            batch_size=desk.batch_size,
            progress=progress,
        )
    rows = evaluation.minimal_rows("", question, found, goal)
    tensors, told = changed(found.x_adv.to("cpu"), budget)
    return tensors, {**told, "rows": rows.drop("source").to_dict(as_series=False)}


def _score(job: Job, needs: Needs, desk: Desk) -> Result:
    needs = needs.on_cpu()  # so that distances are those of one processor, whoever attacked
    question = needs.question()
    crafted = evaluation.clean(question)
    if needs.has("crafted"):
        eps = needs.setting("eps")
        each, x_adv = crafted.sequence, needs.crafted("crafted")
        evaluation.verify(job.name, x_adv, question.x, budget_of(needs.setting("budget"), eps))
        crafted = Crafted("", torch.full((len(each),), eps), each, x_adv)
    spoken = form_of(needs.setting("skeleton"))
    rows, answers = evaluation.score(
        needs.model(), question, crafted, spoken, source_name="", victim_name=""
    )
    told = rows.drop("source", "victim", "attack").to_dict(as_series=False)
    return {"values": answers.values, "lengths": answers.lengths}, {"rows": told}


KINDS: Mapping[str, Callable[[Job, Needs, Desk], Result]] = {
    "tolerance": _tolerance,
    "train": _train,
    "load": _load,
    "gate": _gate,
    "question": _question,
    "noise": _noise,
    "attack": _attack,
    "minimal": _minimal,
    "score": _score,
}
