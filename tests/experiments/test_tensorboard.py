"""TensorBoard gets the curves of a training as they grow, where it is asked for."""

import importlib.util
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.errors import refused

from feint.experiments.run import Run
from feint.experiments.tensorboard import Tracker
from feint.models.training_settings import History


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """What TensorBoard would show."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    read = EventAccumulator(str(folder))
    read.Reload()
    return {
        tag: [(one.step, round(one.value, 4)) for one in read.Scalars(tag)]
        for tag in read.Tags()["scalars"]
    }


needs_tensorboard = pytest.mark.skipif(
    importlib.util.find_spec("tensorboard") is None, reason="needs feint[tensorboard]"
)


@needs_tensorboard
def test_every_epoch_is_written_when_it_is_done(tmp_path: Path) -> None:
    callback = Tracker(tmp_path).training("training tcn", "0123456789")
    place = tmp_path / "training-tcn-01234567"
    callback(1, History([0.5], [0.4]))
    assert scalars(place) == {"loss": [(1, 0.5)], "validation": [(1, 0.4)]}
    callback(2, History([0.5, 0.25], [0.4, 0.2]))
    assert scalars(place)["loss"] == [(1, 0.5), (2, 0.25)]


@needs_tensorboard
def test_without_validation_there_is_no_such_curve(tmp_path: Path) -> None:
    Tracker(tmp_path).training("t", "k")(1, History([0.5], []))
    assert scalars(tmp_path / "t-k") == {"loss": [(1, 0.5)]}


@needs_tensorboard
def test_results_are_written_under_their_names(tmp_path: Path) -> None:
    tracker = Tracker(tmp_path)
    tracker.results({"distance/a": 1.5, "distance/b": 2.5}, 3)
    tracker.results({"distance/a": 0.5}, 6)
    told = scalars(tmp_path / "results")
    assert told == {"distance/a": [(3, 1.5), (6, 0.5)], "distance/b": [(3, 2.5)]}


@needs_tensorboard
def test_a_run_is_tracked_and_its_rows_are_the_same(tiny: Any, tmp_path: Path) -> None:
    from feint.evaluation import rows

    run: Run = tiny.run(tmp_path / "run", tensorboard=True)
    run.attack()
    scored = run.score()
    assert scored.equals(rows.read(tiny.folder / "rows.parquet"))
    assert (tmp_path / "run" / "run.json").exists()
    folder = tmp_path / "run" / "tensorboard"
    curves = {p.name: scalars(p) for p in folder.iterdir() if p.name.startswith("training-")}
    assert sorted(name.rpartition("-")[0] for name in curves) == ["training-a", "training-b"]
    for one in curves.values():
        assert [step for step, _ in one["loss"]] == [1]
    group = ("surrogate", "victim", "attack", "eps")
    told = scalars(folder / "results")
    means = scored.group_by(group).agg(pl.col("distance_frame").mean())
    for surrogate, victim, attack, eps, d in means.rows():
        shown = dict(told[f"distance/{surrogate}-{victim}-{attack}"])
        assert shown[round(eps * 1000)] == pytest.approx(d, abs=1e-3)


def test_nothing_is_written_where_it_is_not_asked_for(tiny: Any) -> None:
    assert not (tiny.folder / "tensorboard").exists()


def test_without_tensorboard_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with refused("not-installed", names=("feint[tensorboard]",)):
        Tracker(tmp_path).check()
