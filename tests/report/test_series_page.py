"""A series from its table to its report: budgets in each column's unit, checked from outside."""

import os
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from tests.errors import refused

from feint.experiments import config_file
from feint.experiments.run import Run
from feint.experiments.tensor_reader import TensorReader
from feint.experiments.verification import verify
from feint.report import json_report, page
from feint.report.cases.case import choose, read
from feint.report.run_data import RunData

TEXT = """
name = "series"
[data]
source = "windows"
inputs = ["load", "count", "fixed"]
outputs = ["heat"]
units = { load = "kW", heat = "K" }
step = "minute"
input_size = 12
train_stride = 4
n_segments = 4
test_sets = ["t-4"]
[[model]]
kind = "TCN"
width = 8
depth = 2
dropout = 0.0
training = { epochs = 15, learning_rate = 0.01, batch_size = 16 }
[attack]
settings = { steps = 15 }
eps = [0.5, 2.0]
eps_per_column = { load = 0.5, count = 1.5 }
columns = ["load", "count"]
bounds = { load = [-2.0, 2.0], count = [0, 6] }
integer_columns = ["count"]
[[target.curves]]
name = "warmer"
kind = "offset"
by = 0.3
[[target.curves]]
name = "<b>given</b>"
kind = "curve"
values = [[0.0], [1.0]]
[evaluation]
tolerance = 0.2
max_sequences = 6
"""
ETT = Path(__file__).parents[2] / "examples" / "ett.toml"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("series")
    rng, time = np.random.default_rng(0), np.arange(400)
    load = np.sin(time / 5) + 0.1 * rng.normal(size=400)
    count, fixed = rng.integers(0, 7, 400), rng.normal(size=400)
    heat = 0.8 * load + 0.1 * count + 0.05 * fixed
    frame = pl.DataFrame({"load": load.clip(-2, 2), "count": count, "fixed": fixed, "heat": heat})
    frame.write_csv(folder / "t.csv")
    one = config_file.parse(TEXT, "series.toml")
    one = one.model_copy(update={"data": one.data.model_copy(update={"root": folder / "t.csv"})})
    made = Run(one, folder / "run")
    made.attack()
    made.score()
    made.minimal()
    return made


def test_every_change_keeps_to_its_columns_units_ranges_and_whole_numbers(run):
    tensors, rows = TensorReader(run.folder), RunData.load(run.folder).rows
    changed = 0
    for (job, eps), _ in rows.group_by("job", "eps"):
        x, seen = tensors.attack_task(job).x.values, tensors.victim_input(job).values
        change = (seen - x).abs().amax(dim=(0, 1))
        assert bool((change <= torch.tensor([0.5, 1.5, 0.0]) * eps + 1e-5).all())
        assert torch.equal(seen[..., 1], seen[..., 1].round())
        assert float(seen[..., 0].abs().max()) <= 2
        assert 0 <= float(seen[..., 1].min()) <= float(seen[..., 1].max()) <= 6
        changed += int(change[1] >= 1)
    assert changed > 0


def test_the_attack_moves_what_noise_does_not_and_verifies(run):
    rates = RunData.load(run.folder).rates
    last = rates.filter((pl.col("attack") == "aia") & (pl.col("eps") == 2)).row(0, named=True)
    assert last["success_rate_if_clean_fails"] > last["noise_success_rate_if_clean_fails"]
    assert verify(run.folder).ok
    small = pl.read_parquet(run.folder / "minimal.parquet")
    assert set(small["target"]) == {"warmer", "<b>given</b>"}


def test_the_page_shows_lines_and_the_columns_units(run):
    text = page.write(run.folder).read_text()
    assert text.count("data:image/svg+xml") >= 2
    assert not re.search(r"(src|href)=\"(?!data:)", text)
    assert "<script" not in text
    assert "<b>given" not in text
    assert "fixed cannot be changed" in text
    assert "load 1 kW, count 3" in text
    assert "0.200 K a step" in text
    assert "Minimal eps" in text
    assert len(list((run.folder / "report").glob("window-*.svg"))) >= 1
    run_data = RunData.load(run.folder)
    assert '"eps_unit": "units of each column"' in json_report.to_json(run_data)
    with refused("no-skeleton"):
        read(run_data, *choose(run_data))


def test_ett_from_the_example_reduced(tmp_path):
    root = Path(os.environ.get("FEINT_DATA", ETT.parents[2] / "shared" / "data")) / "ett"
    if not root.is_dir():
        pytest.skip(f"no ETTh1 at {root}; set FEINT_DATA to a folder that holds ett/")
    told = config_file.read(ETT).model_dump(mode="json")
    told["data"] |= {"root": str(root / "ETTh1.csv"), "train_stride": 48}
    model = {**told["model"][0], "width": 8, "depth": 3}
    told["model"] = [{**model, "training": {"epochs": 4, "batch_size": 32, "learning_rate": 0.01}}]
    told["attack"][0] |= {"eps": [0.5, 1.0], "settings": {"steps": 10}}
    told["evaluation"] |= {"max_sequences": 6}
    one = Run(config_file.restore(told, "ett"), tmp_path / "run")
    one.attack()
    rows = one.score()
    attacked = rows.filter(pl.col("attack") == "aia", pl.col("eps") == 1)["distance_frame"]
    clean = rows.filter(pl.col("attack") == "none")["distance_frame"]
    assert attacked.mean() < 0.9 * clean.mean()
    assert page.write(one.folder).exists()


def test_the_docs_example_of_reading_tensors_works(run):
    """docs/data.md, "Load a trained model, read stored tensors"."""
    text = (ETT.parents[1] / "docs" / "data.md").read_text()
    code = re.search(r"read stored tensors\n.*?```python\n(.*?)```", text, re.DOTALL)[1]
    name = next((run.folder / "models").glob("*.safetensors")).stem
    found = {}
    exec(code.replace("runs/ett", str(run.folder)).replace('"tcn"', f'"{name}"'), found)
    assert found["perturbation"].shape == (12, found["x_adv"].values.shape[-1])
    assert found["perturbation"].abs().max() > 0
    answers, _ = found["reader"].score(found["row"]["job"])
    i, n = found["i"], found["n"]
    torch.testing.assert_close(found["prediction"][0, :n], answers.values[i, :n])
