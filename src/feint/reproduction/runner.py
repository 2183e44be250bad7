"""What the parts of a reproduction share: one run folder, the recognisers, and the results.

OUT/run/         the run folder with the jobs of all parts; parts share equal jobs
OUT/recognisers/ the trained recognisers
OUT/judged/      a cache of rows with the columns of row_metrics.py
OUT/results/     the tables that metrics.py and page/ read: Parquet and JSON
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl
import torch

import feint
from feint.data.load import LoadedData, load_data
from feint.errors import DamagedError, FeintError
from feint.evaluation.attack_task import IS_ATTACK, NONE
from feint.evaluation.recogniser import Recogniser, restore, train_recogniser
from feint.experiments.config import Experiment
from feint.experiments.run import Run
from feint.experiments.tensor_reader import TensorReader
from feint.io.atomic import atomic_write
from feint.io.hashing import digest
from feint.io.sealed import read_tensors, write_tensors
from feint.jobs.engines import Engine
from feint.models import checkpoints
from feint.models.inference import predict
from feint.reproduction.profiles import PAPER, REGULARISED, Profile, profile
from feint.reproduction.results import SCHEMA
from feint.reproduction.row_metrics import add_metrics
from feint.sequences import Sequences
from feint.skeleton import Skeleton


class Reproduction:
    """All parts of one profile in one folder.

    Args:
        profile: settings and sizes.
        root: SBU's folder; None for generated data.
        out: the output folder; a second run in it continues the first.
        second_seed: models of `PAPER` that are trained with a second seed, for the transfer matrix.
        engine: as in `Run`.
        device: as in `Run`.
        wait: as in `Run`.
    """

    def __init__(
        self,
        profile: Profile,
        root: Path | None,
        out: Path,
        *,
        second_seed: Sequence[str] = PAPER,
        engine: Engine | None = None,
        device: str = "cpu",
        wait: bool = False,
    ) -> None:
        if profile.source == "sbu" and root is None:
            raise FeintError(
                "A reproduction needs the SBU data, but no folder was given. Pass --data DIR; "
                "`feint data download-sbu DIR` downloads it.",
                code="no-data-folder",
            )
        self.profile, self.root, self.out = profile, root, out
        for name in second_seed:
            if name not in PAPER:
                raise FeintError(
                    f"--second-seed got {name!r}; expected some of {', '.join(PAPER)}.",
                    code="unknown-model",
                )
        self.second_seed = tuple(f"{name}-second-seed" for name in PAPER if name in second_seed)
        self._run_options: dict[str, Any] = {"engine": engine, "device": device, "wait": wait}
        self.results = out / "results"
        self._recogniser_keys: dict[str, str] = {}
        self._scored: dict[str, pl.DataFrame] = {}

    def experiment(
        self, part: str, models: tuple[str, ...], preset: str = "strong", **more: Any
    ) -> Experiment:
        """`Profile.experiment`, on this reproduction's data."""
        return self.profile.experiment(part, models, preset, root=self.root, **more)

    @contextmanager
    def open_run(self, experiment: Experiment) -> Iterator[Run]:
        """Open the shared run folder with an experiment."""
        test = len(self.data.test)
        data = replace(self.data, n_attacked=min(experiment.evaluation.max_sequences or test, test))
        run = Run(experiment, self.out / "run", announce=False, data=data, **self._run_options)
        with run.working():
            yield run

    def rows(self, experiment: Experiment, **columns: str) -> pl.DataFrame:
        """Attack, evaluate and add metrics; `columns` are constant columns put first."""
        return self.add_metrics(self.scored_rows(experiment), False, **columns)

    def add_metrics(
        self, rows: pl.DataFrame, include_own_class: bool = False, **columns: str
    ) -> pl.DataFrame:
        """Add the columns of `row_metrics.add_metrics`; the result is cached in OUT/judged.

        Args:
            rows: rows of rows.parquet.
            include_own_class: keep sequences whose true class is the target.
            columns: constant columns, put first.
        """
        rows = rows.filter(pl.lit(include_own_class) | (pl.col("true_class") != pl.col("target")))
        recognisers = self.recognisers
        names = rows.select("surrogate", "victim", "target", "attack", "eps", "job", "row")
        key = digest([SCHEMA, sorted(self._recogniser_keys.items()), names.rows()])
        path = self.out / "judged" / f"{key}.parquet"
        try:
            table = pl.read_parquet(path)
        except (OSError, pl.exceptions.PolarsError):  # missing or damaged
            table = add_metrics(rows, TensorReader(self.out / "run"), recognisers, self.skeleton)
            path.parent.mkdir(parents=True, exist_ok=True)
            with atomic_write(path) as temporary:
                table.write_parquet(temporary, compression="zstd")
        return table.select(*(pl.lit(v).alias(k) for k, v in columns.items()), pl.all())

    def scored_rows(self, experiment: Experiment) -> pl.DataFrame:
        """Attack and evaluate: the run's rows; parts with the same experiment read them once."""
        asked = experiment.model_dump_json()
        if asked not in self._scored:
            with self.open_run(experiment) as run:
                run.attack()
                self._scored[asked] = run.score()
        return self._scored[asked]

    @cached_property
    def data(self) -> LoadedData:
        """The data of all parts: every test sequence, in the seeded order."""
        experiment = self.experiment("strong", PAPER)
        return load_data(experiment.data, experiment.evaluation.max_sequences, experiment.seed)

    @property
    def skeleton(self) -> Skeleton:
        """The data's skeleton."""
        return self.data.train.skeleton

    def model(self, name: str) -> Any:
        """A trained reactor; it is trained first if necessary."""
        path = self.out / "run" / "models" / name
        if not checkpoints.is_saved(path):
            with self.open_run(self.experiment("strong", (name,))) as run:
                run.train()
        return checkpoints.load(path)

    @cached_property
    def recognisers(self) -> dict[str, Recogniser]:
        """Two recognisers: of real reactions ("real"), and also of reactors' outputs ("both").

        The outputs are those of the regularised reactors for the training actors.  An overfit
        reactor reproduces the recording there.
        """
        train = self.data.train
        real = self._recogniser("real", [train.reactor], [])
        answers = [predict(self.model(name), train.actor) for name in REGULARISED]
        both = self._recogniser("both", [train.reactor, *answers], list(REGULARISED))
        return {"real": real, "both": both}

    def _recogniser(self, name: str, reactions: list[Sequences], models: list[str]) -> Recogniser:
        settings, train = self.profile.recogniser_settings, self.data.train
        weights = [checkpoints.fingerprint(self.model(one)) for one in models]
        key = digest([SCHEMA, asdict(settings), train.fingerprint(), weights])
        self._recogniser_keys[name] = key
        path = self.out / "recognisers" / f"{name}.safetensors"
        try:
            if path.exists():
                tensors, about = read_tensors(path)
                if about["key"] == key:
                    return restore(tensors, about)
        except DamagedError:
            pass  # train it again
        every = Sequences.pad([one for part in reactions for one in part])
        labels = list(train.labels) * len(reactions)
        recogniser = train_recogniser(every, labels, train.skeleton, settings)
        tensors, about = recogniser.state()
        path.parent.mkdir(parents=True, exist_ok=True)
        write_tensors(path, tensors, {**about, "key": key})
        return recogniser

    def save(self, name: str, table: pl.DataFrame) -> None:
        """Write a table of results, atomically."""
        with atomic_write(self.results / f"{name}.parquet") as temporary:
            table.write_parquet(temporary, compression="zstd")

    def record_part(self, part: str) -> None:
        """Record in about.json that a part was run, and its size."""
        path = self.results / "about.json"
        before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        sizes, usual = self.profile.max_sequences, profile(self.profile.name).max_sequences
        about = {
            "schema": SCHEMA,
            "profile": self.profile.name,
            "seed": self.profile.seed,
            "feint": feint.__version__,
            "torch": torch.__version__,
            "test": len(self.data.test),
            "train": len(self.data.train),
            "parts": sorted({*before.get("parts", []), part}),
            "max_sequences": dict(sizes),
            "reduced": {name: n for name, n in sizes.items() if n != usual[name]},
            "second_seed": list(self.second_seed),
            "strong": dict(self.profile.strong),
            "paper": dict(self.profile.paper),
            "eps": list(self.profile.epsilons),
            "epochs": self.profile.training.get("epochs"),
            "recogniser": asdict(self.profile.recogniser_settings),
        }
        with atomic_write(path) as temporary:
            temporary.write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")

    def motion(self, name: str, rows: pl.DataFrame, every: pl.DataFrame) -> pl.DataFrame:
        """The motion of some rows in metres: one row for each frame and joint.

        Args:
            name: value of the column "case".
            rows: some attacked rows of `every`.
            every: rows of rows.parquet; the clean rows are found in it.
        """
        reader, frames = TensorReader(self.out / "run"), []
        task = ["victim", "target", "sequence"]
        clean = every.filter(pl.col("attack") == NONE).unique(task)
        clean = clean.select(*task, clean_job="job", clean_row="row")
        rows = rows.filter(IS_ATTACK).join(clean, on=task, how="left")
        for row in rows.iter_rows(named=True):
            job, i, long = row["job"], row["row"], row["frames"]
            asked = reader.attack_task(job)
            motions = {
                "actor": asked.x.values[i],
                "actor_adv": reader.victim_input(job).values[i],
                "answer_adv": reader.score(job)[0].values[i],
                "answer": reader.score(row["clean_job"])[0].values[row["clean_row"]],
                "target": asked.targets.values[i],
            }
            at = {}
            for who, values in motions.items():
                metres = self.skeleton.to_metres(values[:long, : self.skeleton.features])
                for axis, of in zip("xyz", metres.unbind(-1), strict=True):
                    at[f"{who}_{axis}"] = of.flatten().tolist()
            joints = len(self.skeleton.joints)
            key = {
                "case": [name] * (long * joints),
                "surrogate": [row["surrogate"]] * (long * joints),
                "target": [row["target"]] * (long * joints),
                "eps": [row["eps"]] * (long * joints),
                "sequence": [row["sequence"]] * (long * joints),
                "frame": [f for f in range(long) for _ in range(joints)],
                "joint": list(range(joints)) * long,
            }
            frames.append(
                pl.DataFrame({**key, **at}).with_columns(
                    pl.col(list(at)).cast(pl.Float32), pl.col("frame", "joint").cast(pl.Int16)
                )
            )
        return pl.concat(frames)
