"""A whole run, small: what it writes, that it resumes, and what it refuses."""

import shutil
from dataclasses import replace
from functools import cache
from pathlib import Path

import polars as pl
import pytest
import torch
from tests.errors import refused

import feint
from feint.data import load
from feint.errors import FeintError
from feint.experiments import config, config_file, run_folder, tasks
from feint.experiments.run import Run
from feint.experiments.run_folder import describe
from feint.experiments.tensor_reader import TensorReader
from feint.io.sealed import write_tensors
from feint.jobs.store import Store
from feint.models import checkpoints
from feint.report import page, terminal

SMALL = """
name = "small"
[data]
repetitions = 1
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
eps_unit = "cm"
axes = ["x", "y", "z"]
[target]
labels = ["punching", "hugging"]
role = "initiator"
[evaluation]
max_sequences = 6
noise = ["sign", "uniform"]
"""


def parse(text: str = SMALL) -> config.Experiment:
    return config_file.parse(text, "small.toml")


@cache
def data() -> load.LoadedData:
    """The data of every run here; the embedded data takes a second to generate."""
    one = parse()
    return load.load_data(one.data, one.evaluation.max_sequences, one.seed)


def small_run(folder: Path, text: str = SMALL) -> Run:
    return Run(parse(text), folder, data=data())


def whole(folder: Path, text: str = SMALL) -> tuple[Run, pl.DataFrame]:
    run = small_run(folder, text)
    run.train()
    run.measure_tolerance()
    run.attack()
    return run, run.score()


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    return whole(tmp_path_factory.mktemp("runs") / "small")


def test_there_is_a_row_for_every_attack_task(done):
    _, rows = done
    models, targets, sequences, eps = 2, 2, 6, 2
    attacks = 2 + 1  # two noises and the attack
    assert len(rows) == models * models * targets * sequences * (1 + attacks * eps)
    key = ["surrogate", "victim", "target", "attack", "eps", "sequence"]
    assert rows.select(key).n_unique() == len(rows)
    assert rows.null_count().sum_horizontal().item() == 0


def test_rows_are_what_the_stored_tensors_say(done):
    """Distances, budget and answers recomputed from the files with the public API."""
    run, rows = done
    skeleton, unit = feint.SBU_15, torch.ones(90)
    unit[:45] = skeleton.centimetres()
    reader = TensorReader(run.folder)
    for (job, victim, attack, eps), some in rows.group_by("job", "victim", "attack", "eps"):
        task, at = reader.attack_task(job), some["row"].to_list()
        assert [task.keys[i] for i in at] == some["sequence"].to_list()
        x, wanted, x_adv = task.x[at], task.targets[at], reader.victim_input(job)[at]
        if attack == "none":
            assert torch.equal(x_adv.values, x.values)
        else:
            coords = torch.arange(90) < 45
            budget = feint.Budget(eps, coords, unit=unit)
            assert float(budget.violation(x_adv, x).max()) < 1e-6
        model = checkpoints.load(run.folder / "models" / victim)
        d = feint.distance(feint.predict(model, x_adv), wanted)
        told = torch.tensor(some["distance_frame"].to_list())
        torch.testing.assert_close(d, told, rtol=1e-4, atol=1e-4)
        answers = reader.score(job)[0][at]
        torch.testing.assert_close(feint.distance(answers, wanted), d, rtol=1e-4, atol=1e-4)


def test_changes_are_told_in_centimetres(done):
    _, rows = done
    crafted = rows.filter(pl.col("attack") != "none")
    # eps on each of three axes: a joint moves at most sqrt(3) eps
    assert bool((crafted["perturbation_max_cm"] <= 3**0.5 * crafted["eps"] + 1e-3).all())
    sign = rows.filter(pl.col("attack") == "sign-noise")
    torch.testing.assert_close(
        torch.tensor(sign["perturbation_cm"].to_list()),
        3**0.5 * torch.tensor(sign["eps"].to_list(), dtype=torch.float32),
        rtol=1e-3,
        atol=1e-3,
    )


def test_the_gate_is_stored_beside_the_model(done):
    run, _ = done
    comparisons = dict(run_folder.baseline_comparisons(run.folder, ["tcn", "deepgru"]))
    assert set(comparisons["tcn"].trivial) == {"hold first pose", "mean pose", "framewise ridge"}
    assert comparisons["tcn"].error > 0


def test_running_again_does_nothing_and_gives_the_same_rows(done):
    run, rows = done
    before = {p: p.stat().st_mtime_ns for p in sorted(run.folder.rglob("*"))}
    _, again = whole(run.folder)
    assert again.equals(rows)
    after = {p: p.stat().st_mtime_ns for p in before}
    changed = {p.name for p in before if p.is_file() and before[p] != after[p]}
    assert changed <= {"run.json", "lock", "tolerance.json", "limits.json"}
    assert set(run.folder.rglob("*")) == set(before)


def test_another_folder_gives_the_same_rows(done, tmp_path):
    _, rows = done
    _, other = whole(tmp_path)
    assert other.equals(rows)


def test_a_changed_setting_redoes_only_what_depends_on_it(done, tmp_path, capsys):
    before = done[1]
    copied(done, tmp_path)
    kept = {p: p.stat().st_mtime_ns for p in (tmp_path / "jobs").rglob("*") if p.is_file()}
    capsys.readouterr()
    run, after = whole(tmp_path, SMALL.replace("eps = [2, 6]", "eps = [2, 8]"))
    assert "experiment.attack[0].eps: [2.0, 6.0] -> [2.0, 8.0]" in capsys.readouterr().err
    new = {p for p in (tmp_path / "jobs").rglob("*") if p.is_file()} - set(kept)
    kinds = [run.store.about(p.name.partition(".")[0])["kind"] for p in new]
    # At the new eps alone: two noises, the attack on two models to two targets; each answered by
    # two models (the noises, which know no source, to two targets as well).
    assert sorted(set(kinds)) == ["attack", "noise", "score"]
    assert (kinds.count("noise"), kinds.count("attack")) == (2, 4)
    assert kinds.count("score") == 2 * 2 * 2 + 4 * 2
    assert all(p.stat().st_mtime_ns == time for p, time in kept.items())
    small = [rows.filter(pl.col("eps") < 3) for rows in (before, after)]
    assert small[0].equals(small[1])
    # What was there before is there still: the old rows come back without any job.
    _, back = whole(tmp_path)
    assert back.equals(before)
    assert {p for p in (tmp_path / "jobs").rglob("*") if p.is_file()} == set(kept) | new


def test_an_unknown_target_is_named_before_anything_is_trained(tmp_path):
    with pytest.raises(FeintError, match=r"no reaction 'dancing'.*it has approaching, departing"):
        small_run(tmp_path, SMALL.replace('"hugging"', '"dancing"')).train()
    assert list(tmp_path.iterdir()) == []


def test_a_tolerance_without_a_target_is_named(tmp_path):
    path = tmp_path / "kappa.json"
    feint.Tolerance({"punching": 1.0}).save(path)
    text = SMALL.replace("max_sequences = 6", f'max_sequences = 6\ntolerance = "{path}"')
    with refused("unknown-label", names=("hugging",)):
        small_run(tmp_path / "run", text).measure_tolerance()


def test_scoring_before_attacking_says_so(done, tmp_path):
    run = copied(done, tmp_path)
    run.store.path(one_of(run, "attack")).unlink()
    with refused("not-attacked", names=("feint attack",)):
        run.score()


def test_files_without_a_run_json_are_nobodys(tmp_path):
    (tmp_path / "models").mkdir()
    with refused("not-a-run", names=("run.json",)):
        small_run(tmp_path).train()


def test_a_folder_for_generated_data_is_refused(tmp_path):
    text = SMALL.replace("repetitions = 1", f'repetitions = 1\nroot = "{tmp_path}"')
    with refused("conflicting-keys", names=("data.source",)):
        Run(parse(text), tmp_path / "run").check()


def test_a_folder_without_a_run_is_named(tmp_path):
    with refused("not-a-run", names=("run.json",)):
        describe(tmp_path)


def copied(done, folder: Path) -> Run:
    """The finished run once more, in another folder."""
    shutil.copytree(done[0].folder, folder, dirs_exist_ok=True)
    return small_run(folder)


def one_of(run: Run, kind: str) -> str:
    return min(key for key in run.store if run.store.about(key)["kind"] == kind)


def test_damaged_results_are_set_aside_and_their_jobs_done_again(done, tmp_path):
    _, rows = done
    run = copied(done, tmp_path)
    keys = [one_of(run, kind) for kind in tasks.TASKS if kind not in ("minimal", "load")]
    for key in keys:
        content = run.store.path(key).read_bytes()
        run.store.path(key).write_bytes(content[: len(content) // 2])
    again, resumed = whole(tmp_path)
    assert resumed.equals(rows)
    assert again.store.n_quarantined == len(keys)
    assert all(again.store.has(key) for key in keys)


def test_damage_that_is_found_only_when_it_is_needed_is_mended_too(done, tmp_path, monkeypatch):
    run = copied(done, tmp_path)
    key = one_of(run, "attack")
    run.store.path(key).write_bytes(b"not a result")
    tcn = run.plan().training["tcn"].key
    needs = {k: run.store.about(k)["needs"] for k in run.store if k != key}
    (scored,) = (k for k, n in needs.items() if n.get("crafted") == key and n["model"] == tcn)
    run.store.path(scored).unlink()
    # As in a run that is too large to be looked at as a whole.
    monkeypatch.setattr(Store, "check", lambda self: False)
    again = small_run(tmp_path)
    assert again.score().equals(done[1])
    assert again.store.n_quarantined == 1
    assert again.store.has(key)


def test_a_result_of_another_job_under_its_name_is_no_result(done, tmp_path):
    _, rows = done
    run = copied(done, tmp_path)
    one, other = sorted(k for k in run.store if run.store.about(k)["kind"] == "attack")[:2]
    run.store.path(one).write_bytes(run.store.path(other).read_bytes())
    again, resumed = whole(tmp_path)
    assert again.store.n_quarantined == 1
    assert resumed.equals(rows)


def test_a_perturbation_outside_its_budget_is_not_scored(done, tmp_path):
    run = copied(done, tmp_path)
    key = one_of(run, "attack")
    tensors, about = run.store.read(key)
    tensors["changed"][0, 0, 0] += 1.0
    write_tensors(run.store.path(key), tensors, about)
    scored = [k for k in run.store if run.store.about(k)["needs"].get("crafted") == key]
    for one in scored:
        run.store.path(one).unlink()
    with refused("jobs-failed", names=("budget",)):
        small_run(tmp_path).score()


def kappa_for(run: Run, attack):
    run.measure_tolerance()
    return run.plan().settings.with_tolerance(attack, "punching")


def test_kappa_reaches_the_attacks_that_need_it(tmp_path):
    text = SMALL.replace(
        "settings = { steps = 5, restarts = 1 }",
        'preset = "paper-eq6"\nsettings = { steps = 2 }',
    ).replace('eps_unit = "cm"', 'eps_unit = "data"')
    run = small_run(tmp_path, text)
    attack = kappa_for(run, run.plan().attacks["aia"])
    assert attack.eta == run.measure_tolerance().values["punching"]  # natural: per frame
    paper = text.replace("max_sequences = 6", 'max_sequences = 6\ntolerance = "paper"')
    run = small_run(tmp_path / "paper", paper)
    attack = kappa_for(run, run.plan().attacks["aia"])
    assert (attack.kappa, attack.eta) == (52.04, None)
    run = small_run(tmp_path / "j", paper.replace('"paper"', '"paper-joint"'))
    assert kappa_for(run, run.plan().attacks["aia"]).norm == "joint"
    fixed = replace(run.plan().attacks["aia"], kappa=3.0)
    assert kappa_for(run, fixed) is fixed


@pytest.mark.slow
def test_a_reduced_run_on_real_sbu(sbu_root, tmp_path, request):
    """examples/sbu.toml, reduced: real motion through every stage, to a page in a browser."""
    text = (Path(__file__).parents[2] / "examples" / "sbu.toml").read_text()
    one = config_file.parse(text, "sbu.toml").model_dump(mode="json")
    one["data"]["root"] = sbu_root
    for model in one["model"]:
        model["training"] |= {"epochs": 12}
    one["model"][0] |= {"width": 32, "depth": 4}
    one["model"][1] |= {"widths": (32, 24, 16)}
    one["attack"][0] |= {"eps": (0.075, 0.45), "settings": {"steps": 60, "restarts": 1}}
    one["evaluation"] |= {"max_sequences": 12}
    run = Run(config.Experiment(**one), tmp_path)
    data = run.load_data()
    assert (len(data.train), len(data.test), data.n_attacked) == (454, 110, 12)
    run.train()
    run.attack()
    white = run.score().filter(pl.col("surrogate") == pl.col("victim"))
    task = ["surrogate", "target", "sequence"]
    clean = white.filter(pl.col("attack") == "none").select(*task, clean="distance_frame")
    asked = white.filter(pl.col("attack") != "none").join(clean, on=task)
    closed = pl.col("distance_frame") / pl.col("clean")
    # The best iterate is kept, and the clean input is the first: no row can get worse.
    assert bool((asked.filter(pl.col("attack") == "aia").select(closed).to_series() < 1).all())
    at_most = asked.filter(pl.col("eps") == 0.45)
    mean = {
        (source, attack): share
        for source, attack, share in at_most.group_by("surrogate", "attack")
        .agg(closed.mean())
        .rows()
    }
    for source in ("tcn", "deepgru"):
        # Twelve epochs: such a reactor hardly follows depth.  Noise brings it no nearer.
        noise = min(mean[source, "sign-noise"], mean[source, "offset-noise"])
        assert mean[source, "aia"] < noise - 0.05
    watch(request.getfixturevalue("browser"), page.write(run.folder))


def watch(browser, written):
    """The page of real motion: its player plays, its table and its charts are there."""
    tab = browser.new_page(viewport={"width": 1280, "height": 900})
    told, asked = [], []
    tab.on("console", lambda one: told.append(one.text))
    tab.on("pageerror", lambda one: told.append(str(one)))
    tab.on("request", lambda one: asked.append(one.url))
    tab.goto(f"{written.as_uri()}")
    first = tab.locator('#player [data-part="clock"]').inner_text()
    tab.locator('#player [data-part="play"]').click()
    tab.wait_for_function(
        "first => document.querySelector('#player [data-part=clock]').textContent !== first",
        arg=first,
    )
    assert tab.locator("#browse tbody tr").count() > 10
    assert tab.locator('[data-chart="success"] canvas').count() == 1
    assert tab.locator('[data-chart="success"] select').first.locator("option").count() >= 4
    link = tab.locator('#browse a[href^="#case="]').last.get_attribute("href")
    tab.goto(f"{written.as_uri()}{link}")
    assert tab.locator('#player [data-part="case"]').input_value() == link.removeprefix("#case=")
    assert [one for one in told if "GL Driver Message" not in one] == []
    assert all(url.startswith(("file:", "data:")) for url in asked)
    tab.close()


def test_the_smallest_eps_of_a_run(done, tmp_path, capsys):
    run, rows = done
    found = run.minimal()
    assert found.height == 2 * 2 * 6
    assert found["eps"].drop_nulls().is_between(0, 6).all()
    judged = found.with_columns(success=pl.col("eps").is_not_null())
    assert (judged["success"] == (judged["distance"] < judged["tolerance"])).all()
    # What needed nothing is what counts as the target without an attack.
    clean = rows.filter((pl.col("attack") == "none") & (pl.col("surrogate") == pl.col("victim")))
    clean = clean.with_columns(run.measure_tolerance().success(clean))
    both = found.join(clean, on=["surrogate", "target", "sequence"], suffix="_clean")
    assert both.height == found.height
    assert ((both["eps"].fill_null(1) == 0) == both["success"]).all()
    # A second time it only reads; what is not there is searched for again.
    path = run.store.path(one_of(run, "minimal"))
    before = path.stat().st_mtime_ns
    assert run.minimal().equals(found)
    assert path.stat().st_mtime_ns == before
    terminal.show_minimal(run.folder)
    told = capsys.readouterr().out
    assert "Minimal eps, in cm" in told
    path.unlink()
    (run.folder / "minimal.parquet").unlink()
    assert run.minimal().equals(found)


def test_the_smallest_eps_needs_a_search_first(done, tmp_path):
    with pytest.raises(FeintError, match="feint min-eps"):
        terminal.show_minimal(tmp_path)
