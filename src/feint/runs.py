"""A run: one experiment in one folder, stage by stage; what is done already is not done again.

    run.json                            settings, data, versions
    models/<name>.safetensors, .json    trained reactors, and how they compare (checks.Gate)
    tolerance.json                      kappa per class
    questions/<source>/<target>         clean inputs, true reactions, targets
    adversarial/<source>/<target>/<attack>
    answers/<source>/<victim>/<target>/<attack>
    rows.parquet                        one row an attacked sequence; `row` is its place in a file
    minimal/<source>/<target>           the smallest perturbations, if asked for; minimal.parquet

Tensors are safetensors.  `source` is the model an attack was crafted on, `victim` the one that
answered.  Names are checked (`experiment.Name`), so they can be paths.
"""

import io
import json
import platform
from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl
import torch
from torch import nn

import feint
from feint import checks, evaluation, tolerance
from feint.artefacts import (
    SCHEMA,
    describe,
    read_crafted,
    read_minimal,
    tensor_path,
    write_crafted,
    write_minimal,
)
from feint.attacks import AIA, Attack, MinimalPerturbation, Noise
from feint.budget import Budget
from feint.errors import FeintError
from feint.evaluation import ATTACK, NONE, Question
from feint.experiment import DeepGRUModel, Experiment, TCNModel
from feint.files import replacing, write_json, write_tensors
from feint.models import loading
from feint.models.deepgru import DeepGRU
from feint.models.tcn import TCN
from feint.prepared import Prepared, prepare
from feint.progress import bar
from feint.sequences import predict
from feint.training import Training, train


class Run:
    """One experiment in one folder.

    Args:
        experiment: what to do.
        folder: where; created, or continued if it holds the same experiment on the same data.

    Raises:
        FeintError: the folder holds another experiment, or cannot be written; a target is not
            among the training set's reactions.
    """

    def __init__(self, experiment: Experiment, folder: Path) -> None:
        self.experiment, self.folder = experiment, folder
        for label in experiment.target.labels:  # found wanting now, not after the training
            experiment.target.targets(experiment.seed).candidates(label, self.data.train)
        described = self._describe()
        path = folder / "run.json"
        if path.exists():
            before = describe(folder)
            for key in ("schema", "experiment", "data"):
                if before.get(key) != described[key]:
                    raise FeintError(
                        f"{folder} holds another run: its {key} differs from the one asked for. "
                        "Give another folder with --out, or remove it."
                    )
        elif any((folder / kind).exists() for kind in ("models", "adversarial", "checkpoints")):
            raise FeintError(
                f"{folder} holds a run's files and no run.json, so nobody knows whose they are. "
                "Restore run.json, or give another folder with --out."
            )
        else:
            write_json(path, described)

    @cached_property
    def data(self) -> Prepared:
        """The data, read or generated once."""
        return prepare(self.experiment)

    # -- train ------------------------------------------------------------------------------

    def train(self) -> dict[str, nn.Module]:
        """Train every model that is not trained yet, and put each beside the trivial predictors."""
        return {spec.name: self._trained(spec) for spec in self.experiment.model}

    def _trained(self, spec: TCNModel | DeepGRUModel) -> nn.Module:
        path = self.folder / "models" / spec.name
        if loading.saved(path):
            return loading.load(path)
        data, settings = self.data, Training(**{"seed": self.experiment.seed, **spec.training})
        widths = data.x_train.values.shape[-1], data.train.reactor.values.shape[-1]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            kind = TCN if isinstance(spec, TCNModel) else DeepGRU
            model = kind(*widths, **spec.settings(), first_pose=self.experiment.data.first_pose)
        checkpoint = self.folder / "checkpoints" / f"{spec.name}.safetensors"
        history = train(
            model,
            data.x_train,
            data.train.reactor,
            settings,
            groups=data.train.interactions,
            checkpoint=checkpoint,
            name=f"training {spec.name}",
        )
        gate = checks.gate(
            model,
            (data.x_train, data.train.reactor),
            (data.x_test, data.test.reactor),
            data.seen,
            self.experiment.skeleton,
            checks.strangers(data.test),
        )
        loading.save(
            model, path, training=asdict(settings), history=asdict(history), gate=asdict(gate)
        )
        return model

    # -- attack -----------------------------------------------------------------------------

    @cached_property
    def tolerance(self) -> tolerance.Tolerance:
        """kappa, measured or read once."""
        path = self.folder / "tolerance.json"
        if path.exists():
            return tolerance.Tolerance.load(path)
        asked, target = self.experiment.evaluation.tolerance, self.experiment.target
        if asked == "paper":
            found = tolerance.paper()
        elif asked == "paper-joint":
            found = tolerance.paper("joint")
        elif asked == "natural":
            found = tolerance.natural(self.data.train, target.time, target.place, target.role)
        else:
            found = tolerance.Tolerance.load(Path(asked))
        for label in target.labels:
            found.of(label)  # there, or an error that names it
        found.save(path)
        return found

    @property
    def attacks(self) -> dict[str, Attack]:
        """Everything that perturbs, by its name in the rows."""
        seed = self.experiment.seed
        noises = {f"{k}-noise": Noise(k, seed=seed) for k in self.experiment.evaluation.noise}
        return {**noises, ATTACK: self.experiment.attack.attack()}

    @property
    def budget(self) -> Budget:
        """What may be changed; evaluation puts each eps in its place."""
        attacker, skeleton = self.experiment.attack, self.experiment.skeleton
        reach = skeleton.axis(*attacker.axes)
        if attacker.joints is not None:
            reach &= skeleton.of_joints(attacker.joints)
        coords = self.data.seen
        coords[: skeleton.features] &= reach
        unit = None
        if attacker.unit == "cm":
            unit = torch.ones(len(coords))
            unit[: skeleton.features] = skeleton.centimetres()
        return Budget(attacker.eps[0], coords, unit=unit)

    def attack(self) -> None:
        """Craft every adversarial sequence that is not there yet."""
        models, data = self.train(), self.data
        attacker = self.experiment.attack
        labels = self.experiment.target.labels
        rows = len(models) * len(labels) * len(self.attacks) * len(attacker.eps) * len(data.test)
        with bar(rows, "attacking") as progress:
            for source, model in models.items():
                for label in labels:
                    question = self.question(source, model, label)
                    progress.tell(f"{source} -> {label}")
                    for name, attack in self.attacks.items():
                        path = self._path("adversarial", source, label, name)
                        if path.exists():
                            progress.advance(len(attacker.eps) * len(data.test))
                            continue
                        crafted = evaluation.craft(
                            name,
                            self._with_kappa(attack, label),
                            model,
                            question,
                            self.budget,
                            attacker.eps,
                            independent=attacker.independent,
                            batch_size=self.experiment.evaluation.batch_size,
                            progress=progress,
                        )
                        write_crafted(path, crafted)

    def _with_kappa(self, attack: Attack, label: str) -> Attack:
        """An AIA that needs the radius of equation 4 gets the target's own, in its norm."""
        if not isinstance(attack, AIA) or attack.surface == "point":
            return attack
        if attack.kappa is not None or attack.eta is not None:
            return attack
        kappa = self.tolerance.of(label)
        if self.tolerance.per_frame:
            return replace(attack, eta=kappa, reading=self.tolerance.reading)
        return replace(attack, kappa=kappa, reading=self.tolerance.reading)

    def question(self, source: str, model: nn.Module, label: str) -> Question:
        """The target asked of every test sequence, crafted on `source`."""
        data, spec = self.data, self.experiment.target
        targets = spec.targets(self.experiment.seed)
        keys, raw = targets.choose(label, data.train, data.test)
        wanted = targets.align(
            raw, data.test.reactor, predict(model, data.x_test), self.experiment.skeleton
        )
        path = self._path("questions", source, label)
        if not path.exists():
            tensors = {
                "x": data.x_test.values,
                "reactor": data.test.reactor.values,
                "wanted": wanted.values,
                "lengths": wanted.lengths,
            }
            write_tensors(path, tensors, {"schema": SCHEMA, "keys": data.test.keys})
        return Question(
            label,
            data.x_test,
            wanted,
            data.test.keys,
            data.test.labels,
            data.test.sides,
            tuple(keys),
        )

    def minimal(self) -> pl.DataFrame:
        """The smallest eps that brings each sequence to each target, on each model.

        Up to the experiment's largest eps; what is there already is not searched again.

        Returns:
            rows, as in minimal.parquet: source, target, exemplar, sequence, label, side, frames,
            kappa and distance (equation 7), eps: 0 where none was needed, null where the largest
            was not enough.
        """
        attacker, reading = self.experiment.attack, self.tolerance.reading
        search = MinimalPerturbation(AIA(steps=100, reading=reading, seed=self.experiment.seed))
        budget = replace(self.budget, eps=max(attacker.eps))
        models, labels = self.train(), self.experiment.target.labels
        parts = []
        with bar(len(models) * len(labels) * len(self.data.test), "smallest eps") as progress:
            for source, model in models.items():
                for label in labels:
                    progress.tell(f"{source} -> {label}")
                    question = self.question(source, model, label)
                    path = self._path("minimal", source, label)
                    kappa = self.tolerance.goals(label, question.x.lengths)
                    if not path.exists():
                        found = evaluation.smallest(
                            search,
                            model,
                            question,
                            budget,
                            kappa,
                            batch_size=self.experiment.evaluation.batch_size,
                            progress=progress,
                        )
                        write_minimal(path, found)
                    else:
                        progress.advance(len(question.x))
                    found = read_minimal(path, question)
                    parts.append(evaluation.minimal_rows(source, question, found, kappa))
        rows = pl.concat(parts)
        self._write_rows(rows, "minimal.parquet")
        return rows

    # -- score ------------------------------------------------------------------------------

    def score(self) -> pl.DataFrame:
        """Let every victim answer everything crafted, and write the rows."""
        models, labels = self.train(), self.experiment.target.labels
        names, transfer = [NONE, *self.attacks], self.experiment.evaluation.transfer
        pairs = [(s, v) for s in models for v in models if s == v or transfer]
        parts = []
        with bar(len(pairs) * len(labels) * len(names), "scoring") as progress:
            for source, victim in pairs:
                for label in labels:
                    question = self.question(source, models[source], label)
                    for name in names:
                        parts.append(self._scored(question, name, source, victim, models[victim]))
                        progress.advance()
        rows = pl.concat(parts)
        self._write_rows(rows, "rows.parquet")
        return rows

    def _write_rows(self, rows: pl.DataFrame, name: str) -> None:
        parquet = io.BytesIO()
        rows.write_parquet(parquet)
        with replacing(self.folder / name) as temporary:
            temporary.write_bytes(parquet.getvalue())

    def _scored(
        self, question: Question, name: str, source: str, victim: str, model: nn.Module
    ) -> pl.DataFrame:
        crafted = evaluation.clean(question)
        if name != NONE:
            path = self._path("adversarial", source, question.target, name)
            if not path.exists():
                raise FeintError(
                    f"{path} is not there: nothing was crafted yet. Run `feint attack` first."
                )
            crafted = read_crafted(path, name, question)
            for eps in sorted(set(crafted.eps.tolist())):
                some = crafted.eps == eps
                evaluation.verify(
                    name,
                    crafted.x_adv[some.nonzero()[:, 0]],
                    question.x[crafted.sequence[some]],
                    replace(self.budget, eps=eps),
                )
        rows, answers = evaluation.score(
            model,
            question,
            crafted,
            self.experiment.skeleton,
            source_name=source,
            victim_name=victim,
        )
        path = self._path("answers", source, victim, question.target, name)
        write_tensors(
            path, {"values": answers.values, "lengths": answers.lengths}, {"schema": SCHEMA}
        )
        return rows.with_row_index("row")

    def _path(self, kind: str, *names: str) -> Path:
        return tensor_path(self.folder, kind, *names)

    def _describe(self) -> dict[str, Any]:
        data = self.data
        return {
            "schema": SCHEMA,
            "experiment": json.loads(self.experiment.model_dump_json(exclude={"data": {"root"}})),
            "data": {
                "source": self.experiment.data.source,
                "train": len(data.train),
                "test": len(data.test),
                "train_fingerprint": data.train.fingerprint(),
                "test_fingerprint": data.test.fingerprint(),
                "labels": sorted(set(data.train.labels)),
            },
            "skeleton": asdict(self.experiment.skeleton),
            "versions": {
                "feint": feint.__version__,
                "torch": torch.__version__,
                "python": platform.python_version(),
            },
        }
