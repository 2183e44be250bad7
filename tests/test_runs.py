"""A whole run, small: what it writes, that it resumes, and what it refuses."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
import torch

import feint
from feint import artefacts, experiment
from feint.artefacts import describe, tensor_path
from feint.errors import FeintError
from feint.files import read_tensors, write_tensors
from feint.models import loading
from feint.report import terminal
from feint.runs import Run
from feint.sequences import Sequences

SMALL = """
name = "small"
[data]
runs = 1
[[model]]
kind = "TCN"
width = 8
depth = 2
training = { epochs = 2, checkpoint_every = 1 }
[[model]]
kind = "DeepGRU"
widths = [8, 8, 8]
training = { epochs = 1 }
[attack]
settings = { steps = 5, restarts = 1 }
eps = [2, 6]
unit = "cm"
axes = ["x", "y", "z"]
[target]
labels = ["punching", "hugging"]
role = "initiates"
[evaluation]
limit = 6
noise = ["sign", "uniform"]
"""


def parse(text: str = SMALL) -> experiment.Experiment:
    return experiment.parse(text, "small.toml")


def whole(folder: Path, text: str = SMALL) -> tuple[Run, pl.DataFrame]:
    run = Run(parse(text), folder)
    run.train()
    run.tolerance  # noqa: B018
    run.attack()
    return run, run.score()


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    return whole(tmp_path_factory.mktemp("runs") / "small")


def test_there_is_a_row_for_every_question(done):
    _, rows = done
    models, targets, sequences, eps = 2, 2, 6, 2
    attacks = 2 + 1  # two noises and the attack
    assert len(rows) == models * models * targets * sequences * (1 + attacks * eps)
    key = ["source", "victim", "target", "attack", "eps", "sequence"]
    assert rows.select(key).n_unique() == len(rows)
    assert rows.null_count().sum_horizontal().item() == 0


def test_rows_are_what_the_stored_tensors_say(done):
    """Distances, budget and answers recomputed from the files with the public API."""
    run, rows = done
    skeleton, unit = feint.SBU_15, torch.ones(90)
    unit[:45] = skeleton.centimetres()
    for (source, victim, target, attack), some in rows.group_by(
        "source", "victim", "target", "attack"
    ):
        asked, _ = read_tensors(tensor_path(run.folder, "questions", source, target))
        answered, _ = read_tensors(
            tensor_path(run.folder, "answers", source, victim, target, attack)
        )
        x, wanted = (Sequences(asked[k], asked["lengths"]) for k in ("x", "wanted"))
        keys = read_keys(run, source, target)
        at = [keys.index(k) for k in some["sequence"]]
        x_adv = x[at]
        if attack != "none":
            crafted, _ = read_tensors(
                tensor_path(run.folder, "adversarial", source, target, attack)
            )
            index = some["row"].to_list()
            x_adv = Sequences(crafted["x_adv"][index], crafted["lengths"][index])
            assert crafted["sequence"][index].tolist() == at
            coords = torch.arange(90) < 45
            budget = feint.Budget(torch.tensor(some["eps"].to_list()), coords, unit=unit)
            longest = int(x_adv.lengths.max())
            cut = Sequences(x_adv.values[:, :longest], x_adv.lengths)
            assert float(budget.excess(cut, x[at]).max()) < 1e-6
            x_adv = cut
        model = loading.load(run.folder / "models" / victim)
        d = feint.distance(feint.predict(model, x_adv), wanted[at])
        torch.testing.assert_close(
            d, torch.tensor(some["distance_frame"].to_list()), rtol=1e-4, atol=1e-4
        )
        stored = Sequences(answered["values"], answered["lengths"])[some["row"].to_list()]
        torch.testing.assert_close(feint.distance(stored, wanted[at]), d, rtol=1e-4, atol=1e-4)


def read_keys(run: Run, source: str, target: str) -> list[str]:
    _, about = read_tensors(tensor_path(run.folder, "questions", source, target))
    return about["keys"]


def test_changes_are_told_in_centimetres(done):
    _, rows = done
    crafted = rows.filter(pl.col("attack") != "none")
    # eps on each of three axes: a joint moves at most sqrt(3) eps
    assert bool((crafted["change_max_cm"] <= 3**0.5 * crafted["eps"] + 1e-3).all())
    sign = rows.filter(pl.col("attack") == "sign-noise")
    torch.testing.assert_close(
        torch.tensor(sign["change_cm"].to_list()),
        3**0.5 * torch.tensor(sign["eps"].to_list(), dtype=torch.float32),
        rtol=1e-3,
        atol=1e-3,
    )


def test_the_gate_is_stored_beside_the_model(done):
    run, _ = done
    gates = dict(artefacts.gates(run.folder, ["tcn", "deepgru"]))
    assert set(gates["tcn"].trivial) == {"hold first pose", "mean pose", "framewise ridge"}
    assert gates["tcn"].error > 0


def test_running_again_does_nothing_and_gives_the_same_rows(done):
    run, rows = done
    before = {
        p: p.stat().st_mtime_ns for p in sorted(run.folder.rglob("*")) if "answers" not in str(p)
    }
    _, again = whole(run.folder)
    assert again.equals(rows)
    after = {p: p.stat().st_mtime_ns for p in before}
    changed = {p.name for p in before if p.is_file() and before[p] != after[p]}
    assert changed == {"rows.parquet"}


def test_another_folder_gives_the_same_rows(done, tmp_path):
    _, rows = done
    _, other = whole(tmp_path)
    assert other.equals(rows)


def test_another_experiment_does_not_mix_with_a_run(done):
    run, _ = done
    with pytest.raises(FeintError, match=r"holds another run: its experiment differs.*--out"):
        Run(parse(SMALL.replace("eps = [2, 6]", "eps = [3]")), run.folder)


def test_an_unknown_target_is_named_before_anything_is_trained(tmp_path):
    with pytest.raises(FeintError, match=r"no reaction 'dancing'.*it has approaching, departing"):
        Run(parse(SMALL.replace('"hugging"', '"dancing"')), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_tolerance_without_a_target_is_named(tmp_path):
    path = tmp_path / "kappa.json"
    feint.Tolerance({"punching": 1.0}).save(path)
    text = SMALL.replace("limit = 6", f'limit = 6\ntolerance = "{path}"')
    with pytest.raises(FeintError, match="no kappa for 'hugging'"):
        Run(parse(text), tmp_path / "run").tolerance  # noqa: B018


def test_scoring_before_attacking_says_so(tmp_path):
    one = SMALL.replace("epochs = 2", "epochs = 1")
    run = Run(parse(one), tmp_path)
    with pytest.raises(FeintError, match=r"nothing was crafted yet.*feint attack"):
        run.score()


def test_files_without_a_run_json_are_nobodys(tmp_path):
    (tmp_path / "models").mkdir()
    with pytest.raises(FeintError, match=r"no run\.json"):
        Run(parse(), tmp_path)


def test_a_folder_for_generated_data_is_refused(tmp_path):
    text = SMALL.replace("runs = 1", f'runs = 1\nroot = "{tmp_path}"')
    with pytest.raises(FeintError, match="data is generated"):
        Run(parse(text), tmp_path / "run")


def test_a_folder_without_a_run_is_named(tmp_path):
    with pytest.raises(FeintError, match=r"no run\.json"):
        describe(tmp_path)


def test_a_damaged_tensor_file_is_never_read(done, tmp_path):
    run, _ = done
    path = tensor_path(run.folder, "adversarial", "tcn", "punching", "attack")
    whole_file = path.read_bytes()
    try:
        path.write_bytes(whole_file[: len(whole_file) // 2])
        with pytest.raises(FeintError, match=r"attack\.safetensors"):
            run.score()
        tensors, about = read_tensors(
            tensor_path(run.folder, "adversarial", "tcn", "punching", "sign-noise")
        )
        write_tensors(path, tensors, about)  # another attack's file under this name
        with pytest.raises(FeintError, match="does not belong"):
            run.score()
        path.write_bytes(whole_file)
        tensors, about = read_tensors(path)
        tensors["x_adv"][0, 0, 0] += 1.0  # outside the budget
        write_tensors(path, tensors, about)
        with pytest.raises(FeintError, match="left its budget"):
            run.score()
    finally:
        path.write_bytes(whole_file)


def test_kappa_reaches_the_attacks_that_need_it(tmp_path):
    text = SMALL.replace(
        "settings = { steps = 5, restarts = 1 }",
        'preset = "paper-eq6"\nsettings = { steps = 2 }',
    ).replace('unit = "cm"', 'unit = "data"')
    run = Run(parse(text), tmp_path)
    attack = run._with_kappa(run.attacks["attack"], "punching")
    assert attack.eta == run.tolerance.kappa["punching"]  # natural: per frame
    paper = text.replace("limit = 6", 'limit = 6\ntolerance = "paper"')
    run = Run(parse(paper), tmp_path / "paper")
    attack = run._with_kappa(run.attacks["attack"], "punching")
    assert (attack.kappa, attack.eta) == (52.04, None)
    run = Run(
        parse(text.replace("limit = 6", 'limit = 6\ntolerance = "paper-joint"')), tmp_path / "j"
    )
    assert run._with_kappa(run.attacks["attack"], "punching").reading == "joint"
    fixed = replace(run.attacks["attack"], kappa=3.0)
    assert run._with_kappa(fixed, "punching") is fixed


@pytest.mark.slow
def test_a_killed_run_goes_on_and_ends_the_same(done, tmp_path):
    """SIGKILL at several moments; the rows are those of an undisturbed run."""
    _, rows = done
    code = (
        "import sys; from pathlib import Path\n"
        "from feint import experiment; from feint.runs import Run\n"
        "run = Run(experiment.parse(Path(sys.argv[1]).read_text(), 'x'), Path(sys.argv[2]))\n"
        "run.train(); run.tolerance; run.attack(); run.score()\n"
    )
    text = tmp_path / "small.toml"
    text.write_text(SMALL)
    folder = tmp_path / "run"
    command = [sys.executable, "-c", code, str(text), str(folder)]
    marks = ["checkpoints/tcn.safetensors", "models/deepgru.json", "adversarial/deepgru/punching"]
    for mark in marks:
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)
        deadline = time.monotonic() + 120
        while not (folder / mark).exists() and time.monotonic() < deadline:
            assert process.poll() is None, "the run ended before it was killed"
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert not (folder / "rows.parquet").exists()
    _, resumed = whole(folder)
    assert resumed.equals(rows)


@pytest.mark.slow
def test_a_reduced_run_on_real_sbu(sbu_root, tmp_path):
    """examples/sbu.toml, reduced: real motion through every stage."""
    text = (Path(__file__).parents[1] / "examples" / "sbu.toml").read_text()
    one = experiment.parse(text, "sbu.toml").model_dump(mode="json")
    one["data"]["root"] = sbu_root
    for model in one["model"]:
        model["training"] |= {"epochs": 12}
    one["model"][0] |= {"width": 32, "depth": 4}
    one["model"][1] |= {"widths": (32, 24, 16)}
    one["attack"] |= {"eps": (0.075, 0.45), "settings": {"steps": 60, "restarts": 1}}
    one["evaluation"] |= {"limit": 12}
    run = Run(experiment.Experiment(**one), tmp_path)
    assert (len(run.data.train), len(run.data.test)) == (454, 12)
    run.train()
    run.attack()
    white = run.score().filter(pl.col("source") == pl.col("victim"))
    question = ["source", "target", "sequence"]
    clean = white.filter(pl.col("attack") == "none").select(*question, clean="distance_frame")
    asked = white.filter(pl.col("attack") != "none").join(clean, on=question)
    closed = pl.col("distance_frame") / pl.col("clean")
    # The best iterate is kept, and the clean input is the first: no row can get worse.
    assert bool((asked.filter(pl.col("attack") == "attack").select(closed).to_series() < 1).all())
    at_most = asked.filter(pl.col("eps") == 0.45)
    mean = {
        (source, attack): share
        for source, attack, share in at_most.group_by("source", "attack").agg(closed.mean()).rows()
    }
    for source in ("tcn", "deepgru"):
        # Twelve epochs: such a reactor hardly follows depth.  Noise brings it no nearer.
        noise = min(mean[source, "sign-noise"], mean[source, "offset-noise"])
        assert mean[source, "attack"] < noise - 0.05


def test_the_smallest_eps_of_a_run(done, tmp_path, capsys):
    run, rows = done
    found = run.minimal()
    assert found.height == 2 * 2 * 6
    assert found["eps"].drop_nulls().is_between(0, 6).all()
    judged = found.with_columns(reached=pl.col("eps").is_not_null())
    assert (judged["reached"] == (judged["distance"] < judged["kappa"])).all()
    # What needed nothing is what counts as the target without an attack.
    clean = rows.filter((pl.col("attack") == "none") & (pl.col("source") == pl.col("victim")))
    clean = clean.with_columns(run.tolerance.reached(clean))
    both = found.join(clean, on=["source", "target", "sequence"], suffix="_clean")
    assert both.height == found.height
    assert ((both["eps"].fill_null(1) == 0) == both["reached"]).all()
    # A second time it only reads, and it refuses what is not its own.
    path = tensor_path(run.folder, "minimal", "tcn", "hugging")
    before = path.stat().st_mtime_ns
    assert run.minimal().equals(found)
    assert path.stat().st_mtime_ns == before
    terminal.show_minimal(run.folder)
    told = capsys.readouterr().out
    assert "The smallest eps that is enough, in cm" in told
    tensors, about = read_tensors(path)
    write_tensors(path, tensors | {"lengths": tensors["lengths"] - 1}, about)
    with pytest.raises(FeintError, match="does not belong to this run"):
        run.minimal()
    path.unlink()
    assert run.minimal().equals(found)


def test_the_smallest_eps_needs_a_search_first(done, tmp_path):
    with pytest.raises(FeintError, match="feint minimal"):
        terminal.show_minimal(tmp_path)
