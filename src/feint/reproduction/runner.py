"""What the parts of a reproduction share: one run's folder, recognisers, and where tables go.

OUT/run/         one run's folder: every part's jobs, shared where parts ask for the same
OUT/recognisers/ the trained recognisers
OUT/results/     what measures.py, pictures.py and page.py read: Parquet, JSON
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
from feint.reproduction.profiles import PAPER, REGULAR, Profile, profile
from feint.reproduction.row_metrics import judged
from feint.sequences import Sequences
from feint.skeleton import Skeleton

SCHEMA = 1


class Reproduction:
    """All parts of one profile in one folder.

    Args:
        profile: what is run, and at what size.
        root: SBU's folder; None for generated data.
        out: where everything is kept; run again, it goes on.
        again: which of `PAPER` are trained once more, for the transfer matrix.
        engine, device, wait: as of `Run`.
    """

    def __init__(
        self,
        profile: Profile,
        root: Path | None,
        out: Path,
        *,
        again: Sequence[str] = PAPER,
        engine: Engine | None = None,
        device: str = "cpu",
        wait: bool = False,
    ) -> None:
        if profile.source == "sbu" and root is None:
            raise FeintError(
                "A reproduction needs SBU and no folder was given. Pass --data DIR; "
                "`feint data download-sbu DIR` downloads it."
            )
        self.profile, self.root, self.out = profile, root, out
        for name in again:
            if name not in PAPER:
                raise FeintError(
                    f"--second-seed got {name!r}; expected some of {', '.join(PAPER)}."
                )
        self.again = tuple(f"{name}-again" for name in PAPER if name in again)
        self._how: dict[str, Any] = {"engine": engine, "device": device, "wait": wait}
        self.results = out / "results"
        self._made: dict[str, str] = {}
        self._scored: dict[str, pl.DataFrame] = {}

    # -- what the parts share ---------------------------------------------------------------

    def experiment(
        self, part: str, models: tuple[str, ...], preset: str = "strong", **more: Any
    ) -> Experiment:
        """`Profile.experiment` on this data."""
        return self.profile.experiment(part, models, preset, root=self.root, **more)

    @contextmanager
    def working(self, experiment: Experiment) -> Iterator[Run]:
        """A run of the shared folder."""
        test = len(self.data.test)
        data = replace(self.data, n_attacked=min(experiment.evaluation.max_sequences or test, test))
        run = Run(experiment, self.out / "run", announce=False, data=data, **self._how)
        with run.working():
            yield run

    def rows(self, experiment: Experiment, **columns: str) -> pl.DataFrame:
        """Craft, score and judge; `columns` are put before what is told."""
        return self.judge(self.scored(experiment), own=False, **columns)

    def judge(self, rows: pl.DataFrame, own: bool = False, **columns: str) -> pl.DataFrame:
        """All that is told of a run's rows (`judging.judged`), behind some columns.

        Sequences of the target's own class have nothing to be moved to, and are left out unless
        `own` is given.
        """
        rows = rows.filter(pl.lit(own) | (pl.col("true_class") != pl.col("target")))
        recognisers = self.recognisers
        names = rows.select("surrogate", "victim", "target", "attack", "eps", "job", "row")
        made = digest([SCHEMA, sorted(self._made.items()), names.rows()])
        path = self.out / "judged" / f"{made}.parquet"
        try:
            told = pl.read_parquet(path)
        except (OSError, pl.exceptions.PolarsError):  # not there, or damaged
            told = judged(rows, TensorReader(self.out / "run"), recognisers, self.skeleton)
            path.parent.mkdir(parents=True, exist_ok=True)
            with atomic_write(path) as temporary:
                told.write_parquet(temporary, compression="zstd")
        return told.select(*(pl.lit(v).alias(k) for k, v in columns.items()), pl.all())

    def scored(self, experiment: Experiment) -> pl.DataFrame:
        """Craft and score: a run's own rows; parts that ask for the same read them once."""
        asked = experiment.model_dump_json()
        if asked not in self._scored:
            with self.working(experiment) as run:
                run.attack()
                self._scored[asked] = run.score()
        return self._scored[asked]

    @cached_property
    def data(self) -> LoadedData:
        """The data of every part: all test rows, in the seeded order."""
        experiment = self.experiment("strong", PAPER)
        return load_data(experiment.data, experiment.evaluation.max_sequences, experiment.seed)

    @property
    def skeleton(self) -> Skeleton:
        """Of the data."""
        return self.data.train.skeleton

    def model(self, name: str) -> Any:
        """A trained reactor."""
        path = self.out / "run" / "models" / name
        if not checkpoints.is_saved(path):
            with self.working(self.experiment("strong", (name,))) as run:
                run.train()
        return checkpoints.load(path)

    @cached_property
    def recognisers(self) -> dict[str, Recogniser]:
        """Trained on real reactions alone ("real"), and on reactors' answers too ("both").

        The answers are those of the regular reactors to the training actors: an overfit one
        answers those with what was recorded.
        """
        train = self.data.train
        real = self._recogniser("real", [train.reactor], [])
        answers = [predict(self.model(name), train.actor) for name in REGULAR]
        both = self._recogniser("both", [train.reactor, *answers], list(REGULAR))
        return {"real": real, "both": both}

    def _recogniser(self, name: str, reactions: list[Sequences], models: list[str]) -> Recogniser:
        settings, train = self.profile.recognising, self.data.train
        weights = [checkpoints.fingerprint(self.model(one)) for one in models]
        made = digest([SCHEMA, asdict(settings), train.fingerprint(), weights])
        self._made[name] = made
        path = self.out / "recognisers" / f"{name}.safetensors"
        try:
            if path.exists():
                tensors, about = read_tensors(path)
                if about["made"] == made:
                    return restore(tensors, about)
        except DamagedError:
            pass  # made anew
        every = Sequences.pad([one for part in reactions for one in part])
        labels = list(train.labels) * len(reactions)
        recogniser = train_recogniser(every, labels, train.skeleton, settings)
        tensors, about = recogniser.state()
        path.parent.mkdir(parents=True, exist_ok=True)
        write_tensors(path, tensors, {**about, "made": made})
        return recogniser

    def save(self, name: str, table: pl.DataFrame) -> None:
        """Write a table of results, whole or not at all."""
        with atomic_write(self.results / f"{name}.parquet") as temporary:
            table.write_parquet(temporary, compression="zstd")

    def tell(self, part: str) -> None:
        """Write down that a part was run, and how much of it."""
        path = self.results / "about.json"
        before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        test, usual = self.data.test, profile(self.profile.name)
        told = {
            "schema": SCHEMA,
            "profile": self.profile.name,
            "seed": self.profile.seed,
            "feint": feint.__version__,
            "torch": torch.__version__,
            "test": len(test),
            "train": len(self.data.train),
            "parts": sorted({*before.get("parts", []), part}),
            "rows": dict(self.profile.rows),
            "fewer": {name: n for name, n in self.profile.rows.items() if n != usual.rows[name]},
            "again": list(self.again),
            "strong": dict(self.profile.strong),
            "paper": dict(self.profile.paper),
            "eps": list(self.profile.epsilons),
            "epochs": self.profile.training.get("epochs"),
            "recognising": asdict(self.profile.recognising),
        }
        with atomic_write(path) as temporary:
            temporary.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")

    def motion(self, name: str, rows: pl.DataFrame, every: pl.DataFrame) -> pl.DataFrame:
        """The motion of some rows in metres: one line a frame and joint.

        Args:
            rows: attacked ones of `every`.
            every: of rows.parquet.
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
                "actor_adv": reader.seen(job).values[i],
                "answer_adv": reader.score(job)[0].values[i],
                "answer": reader.score(row["clean_job"])[0].values[row["clean_row"]],
                "wanted": asked.targets.values[i],
            }
            at = {}
            for who, values in motions.items():
                metres = self.skeleton.to_metres(values[:long, : self.skeleton.features])
                for axis, of in zip("xyz", metres.unbind(-1), strict=True):
                    at[f"{who}_{axis}"] = of.flatten().tolist()
            joints = len(self.skeleton.joints)
            told = {
                "case": [name] * (long * joints),
                "surrogate": [row["surrogate"]] * (long * joints),
                "target": [row["target"]] * (long * joints),
                "eps": [row["eps"]] * (long * joints),
                "sequence": [row["sequence"]] * (long * joints),
                "frame": [f for f in range(long) for _ in range(joints)],
                "joint": list(range(joints)) * long,
            }
            frames.append(
                pl.DataFrame({**told, **at}).with_columns(
                    pl.col(list(at)).cast(pl.Float32), pl.col("frame", "joint").cast(pl.Int16)
                )
            )
        return pl.concat(frames)
