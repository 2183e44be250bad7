"""A run's folder made by hand: toy models, no training, the files of `feint.experiments.run`."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import polars as pl
import pytest
import torch
from torch import Tensor, nn

import feint
from feint.evaluation import attack_task, scoring
from feint.evaluation.attack_task import AttackTask, Crafted
from feint.evaluation.model_checks import BaselineComparison
from feint.evaluation.rows import write
from feint.evaluation.tolerance import Tolerance
from feint.experiments import run_folder
from feint.experiments.results import pack_perturbed
from feint.io.sealed import write_json
from feint.jobs.job import Common, Job
from feint.jobs.store import Store, result

SKELETON = feint.SBU_15
LABELS = ("handshaking", "punching", "departing")


class Copycat(nn.Module):
    """Answers with what it sees, a little smaller."""

    def __init__(self, gain: float) -> None:
        super().__init__()
        self.gain = gain

    def forward(self, x: Tensor) -> Tensor:
        return self.gain * x[..., : SKELETON.features]


@dataclass(frozen=True)
class Fake:
    """What varies from one made-up run to the next."""

    name: str = "fake"
    models: tuple[str, ...] = ("tcn", "gru")
    targets: tuple[str, ...] = ("punching", "hugging")
    labels: tuple[str, ...] = LABELS
    eps: tuple[float, ...] = (1.0, 3.0, 6.0)
    unit: str = "cm"
    axes: tuple[str, ...] = ("x", "y", "z")
    noise: tuple[str, ...] = ("sign",)
    transfer: bool = True
    kappa: float = 0.35
    per_frame: bool = True
    weak: bool = False
    frames: int = 12

    def write(self, folder: Path) -> Path:
        """Write the folder as a finished run leaves it."""
        generator = torch.Generator().manual_seed(0)
        n, width = 2 * len(self.labels), SKELETON.features
        keys = tuple(f"s01s02/0{i // 2 + 1}/001/{'AB'[i % 2]}" for i in range(n))
        labels = tuple(self.labels[i // 2] for i in range(n))
        lengths = torch.tensor([self.frames - i % 3 for i in range(n)])
        stand = 0.3 + 0.4 * torch.rand(n, 1, 2 * width, generator=generator)
        sway = 0.02 * torch.randn(n, self.frames, 2 * width, generator=generator)
        x = feint.Sequences.pad(
            [one[:t] for one, t in zip(stand + sway.cumsum(dim=1), lengths.tolist(), strict=True)]
        )
        nets = {name: Copycat(1 - 0.02 * i) for i, name in enumerate(self.models)}
        kappa = self.kappa if self.per_frame else self.kappa * self.frames
        tolerance = Tolerance(
            dict.fromkeys(sorted({*self.targets, *self.labels}), kappa),
            per_frame=self.per_frame,
            source="made up",
            among_others=dict.fromkeys(self.targets, 0.1),
        )
        rows, store = [], Store(folder)
        for surrogate in self.models:
            for t, target in enumerate(self.targets):
                far = 0.02 + 0.02 * t + 0.05 * torch.rand(n, 1, 1, generator=generator)
                wanted = x.values[..., :width] + far * (x.values[..., :width] != 0)
                task = AttackTask(
                    target, x, x.with_values(wanted), keys, labels, ("left",) * n, keys
                )
                asked = Job("targets", Common(surrogate=surrogate, target=target))
                tensors = {
                    "x": x.values,
                    "targets": wanted,
                    "reactor": wanted,
                    "lengths": x.lengths,
                }
                told = {"target": target, "keys": keys, "labels": labels}
                told |= {"sides": task.sides, "exemplars": keys}
                store.put(asked.key, result(asked, tensors, told))
                for (name, eps), crafted in self._crafted(task, generator).items():
                    needs = {"targets": asked.key}
                    if name != "none":
                        kind = "attack" if name == "aia" else "noise"
                        made = Job(
                            kind, Common(surrogate=surrogate, target=target, name=name, eps=eps)
                        )
                        budget = feint.Budget(1.0)
                        store.put(made.key, result(made, *pack_perturbed(crafted.x_adv, budget)))
                        needs["crafted"] = made.key
                    for victim in self.models:
                        if victim != surrogate and not self.transfer:
                            continue
                        table, answers = scoring.score(
                            nets[victim], task, crafted, SKELETON,
                            surrogate_name=surrogate, victim_name=victim,
                        )  # fmt: skip
                        job = Job("score", Common(surrogate=surrogate, victim=victim), needs=needs)
                        values = {"values": answers.values, "lengths": answers.lengths}
                        store.put(job.key, result(job, values, {}))
                        rows.append(table.with_columns(job=pl.lit(job.key)).with_row_index("row"))
        write(folder / "rows.parquet", rows, {})
        tolerance.save(folder / "tolerance.json")
        error = 30.0 if self.weak else 10.0
        comparison = BaselineComparison(
            "cm a joint", error, {"hold first pose": 20.0, "mean pose": 50.0}, 9.0, 8.0
        )
        for name in self.models:
            write_json(
                folder / "models" / f"{name}.json", {"metadata": {"baselines": asdict(comparison)}}
            )
        write_json(folder / "run.json", self._described())
        return folder

    def _crafted(
        self, task: AttackTask, generator: torch.Generator
    ) -> dict[tuple[str, float], Crafted]:
        """No attack, noise, and the attack that a copycat cannot resist."""
        x, n, width = task.x, len(task.x), SKELETON.features
        reach = torch.zeros(x.values.shape[-1])
        unit = SKELETON.centimetres() if self.unit == "cm" else torch.ones(width)
        reach[:width] = unit * SKELETON.axis(*self.axes)
        made = {("none", 0.0): attack_task.clean(task)}
        for eps in self.eps:
            most = eps * reach * x.mask[..., None]
            towards = torch.zeros_like(x.values)
            towards[..., :width] = task.targets.values - x.values[..., :width]
            shakes = torch.rand(most.shape, generator=generator) * 2 - 1
            changes = {"aia": towards.clamp(-most, most)}
            changes |= {f"{kind}-noise": shakes * most for kind in self.noise}
            for name, change in changes.items():
                x_adv = x.with_values(x.values + change)
                made[name, eps] = Crafted(name, torch.full((n,), eps), torch.arange(n), x_adv)
        return made

    def _described(self) -> dict[str, object]:
        return {
            "schema": run_folder.SCHEMA,
            "experiment": {
                "name": self.name,
                "model": [{"kind": "TCN", "name": name} for name in self.models],
                "attack": {
                    "eps": list(self.eps),
                    "eps_unit": self.unit,
                    "axes": list(self.axes),
                    "joints": None,
                },
                "target": {"labels": list(self.targets)},
                "evaluation": {"noise": list(self.noise), "transfer": self.transfer},
            },
            "data": {
                "source": "synthetic",
                "train": 100,
                "test": 2 * len(self.labels),
                "train_fingerprint": "a" * 64,
                "test_fingerprint": "b" * 64,
                "labels": sorted(self.labels),
            },
            "feature_spec": asdict(SKELETON),
            "versions": {"feint": "0", "torch": "0", "python": "0"},
        }


@pytest.fixture
def fake_run(tmp_path: Path) -> Callable[..., Path]:
    """Make a run's folder: `fake_run(eps=(0.1,), unit="data")`."""
    return lambda **knobs: Fake(**knobs).write(tmp_path / "run")


@pytest.fixture(scope="session")
def make_run() -> Callable[..., Path]:
    """Make a run's folder in another: `make_run(folder, eps=(0.1,))`."""
    return lambda folder, **knobs: Fake(**knobs).write(folder / "run")


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One made-up run, to be read and not changed."""
    return Fake().write(tmp_path_factory.mktemp("finished") / "run")
