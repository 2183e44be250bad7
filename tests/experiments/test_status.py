"""How far a run is, from its folder alone."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests.errors import refused

from feint.errors import FeintError
from feint.experiments import stages
from feint.experiments.run_folder import SCHEMA
from feint.experiments.status import plan_of, states, status
from feint.io.sealed import read_json, write_json
from feint.jobs import store as store_
from feint.jobs.lock import Lock
from feint.jobs.store import Store
from feint.report import terminal


def rewritten(folder: Path, *path: str | int, value: Any) -> Path:
    """run.json with something else in it, sealed again."""
    told = read_json(folder / "run.json")
    place = told
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    write_json(folder / "run.json", told)
    return folder


def counted(folder: Path) -> dict[str, tuple[int, int, int]]:
    return {one.kind: (one.done, one.left, one.failed) for one in status(folder).stages}


DONE = {
    "train": (2, 0, 0),
    "baselines": (2, 0, 0),
    "tolerance": (1, 0, 0),
    "targets": (2, 0, 0),
    "noise": (4, 0, 0),  # two parts, two eps
    "attack": (8, 0, 0),  # from two models
    "score": (28, 0, 0),
    "limits": (1, 0, 0),
    "nulls": (4, 0, 0),  # of two models, two parts
}


def test_a_finished_run_says_so(tiny: Any, capsys: pytest.CaptureFixture[str]) -> None:
    found = status(tiny.folder)
    assert counted(tiny.folder) == DONE
    assert (found.finished, found.seconds, found.failures) == (True, 0.0, [])
    assert (found.holder, found.damaged) == (None, 0)
    assert found.others == 4  # of `feint min-eps`: two models, two parts
    terminal.show_status(found)
    told = capsys.readouterr().out
    assert "The run is complete." in told
    assert "4 finished jobs belong to other settings" in told


def test_every_job_is_told_once(tiny: Any) -> None:
    told = list(states(tiny.folder))
    assert {state for state, _ in told} == {"done"}
    assert len({job.key for _, job in told}) == len(told) == sum(n for n, _, _ in DONE.values())


def test_looking_changes_nothing(tiny: Any) -> None:
    before = {p: p.stat().st_mtime_ns for p in tiny.folder.rglob("*")}
    status(tiny.folder)
    assert {p: p.stat().st_mtime_ns for p in tiny.folder.rglob("*")} == before


def test_what_is_left_is_counted_and_its_time_told(tiny: Any, tmp_path: Path) -> None:
    folder = tiny.copy(tmp_path)
    store, seconds = Store(folder), []
    attacks = [job for _, job in states(folder) if job.kind == "attack"]
    for job in attacks:
        tensors, about = store.read(job.key)
        about["made"]["seconds"] = 100.0 if job.group == "attack aia a" else 10.0
        store.put(job.key, store_.result(job, tensors, {"made": about["made"]}))
    left = [one for one in attacks if one.group == "attack aia a"][:3]
    left += [one for one in attacks if one.group == "attack aia b"][:1]
    for job in left:
        store.path(job.key).unlink()
    store.fail(left[0], "it ran out of luck.", "Traceback")
    found = status(folder)
    assert counted(folder) == {**DONE, "attack": (4, 3, 1)}
    assert found.failures == [(left[0].name, "it ran out of luck.")]
    assert not found.finished
    seconds = {one.kind: one.seconds for one in found.stages}
    assert seconds["attack"] == pytest.approx(3 * 100 + 10)
    assert found.seconds == pytest.approx(310)
    assert Counter(state for state, _ in states(folder))["failed"] == 1


def test_a_time_that_nothing_tells_is_unknown(
    tiny: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tiny.copy(tmp_path)
    store = Store(folder)
    for _, job in states(folder):
        if job.kind == "noise":
            store.path(job.key).unlink()
    found = status(folder)
    assert {one.kind: one.seconds for one in found.stages}["noise"] is None
    assert found.seconds is None
    terminal.show_status(found)
    assert "unknown" in capsys.readouterr().out


def test_a_run_that_just_began_has_everything_left(tiny: Any, tmp_path: Path) -> None:
    run = tiny.run(tmp_path)
    with run.session("train"):
        found = status(tmp_path)
        assert "process" in (found.holder or "")
    assert counted(tmp_path) == {kind: (0, n, 0) for kind, (n, _, _) in DONE.items()}
    assert found.others == 0
    run.measure_tolerance()
    assert counted(tmp_path)["tolerance"] == (1, 0, 0)
    run.train()
    assert counted(tmp_path)["baselines"] == (2, 0, 0)


def test_results_of_other_settings_are_told_as_such(tiny: Any, tmp_path: Path) -> None:
    folder = rewritten(tiny.copy(tmp_path), "experiment", "attack", 0, "eps", value=[2.0])
    found = status(folder)
    assert counted(folder) == {**DONE, "noise": (2, 0, 0), "attack": (4, 0, 0),
                               "score": (16, 0, 0)}  # fmt: skip
    assert found.others == 4 + 2 + 4 + 12


def test_a_result_that_does_not_tell_its_time_is_no_obstacle(tiny: Any, tmp_path: Path) -> None:
    folder = tiny.copy(tmp_path)
    store = Store(folder)
    one, other, third = [job for _, job in states(folder) if job.kind == "score"][:3]
    store.put(one.key, store_.result(one, {}, {}))
    store.put(other.key, store_.result(other, {}, {"made": {"seconds": "long"}}))
    store.path(third.key).write_bytes(b"")
    assert counted(folder) == DONE


def test_files_set_aside_are_counted(tiny: Any, tmp_path: Path) -> None:
    folder = tiny.copy(tmp_path)
    store = Store(folder)
    for key in list(store)[:2]:
        store.quarantine(store.path(key), "it was damaged.")
    assert status(folder).damaged == 2


def test_a_run_at_work_names_who_works(tiny: Any, tmp_path: Path) -> None:
    folder = tiny.copy(tmp_path)
    with Lock(folder):
        assert "process" in (status(folder).holder or "")


def test_the_plan_is_the_runs(tiny: Any, tmp_path: Path) -> None:
    run = tiny.run(tiny.copy(tmp_path))
    run.measure_tolerance()
    run.train()
    assert [one.key for one in stages.run(plan_of(run.folder))] == [
        one.key for one in stages.run(run.plan())
    ]


@pytest.mark.parametrize("schema", [SCHEMA - 1, SCHEMA + 1, "x"])
def test_a_run_of_another_feint_is_refused(tiny: Any, tmp_path: Path, schema: Any) -> None:
    rewritten(tiny.copy(tmp_path), "schema", value=schema)
    with refused("schema-mismatch", names=(schema, SCHEMA, "run.json")):
        status(tmp_path / "copy")


def test_no_run_is_told(tmp_path: Path) -> None:
    with refused("not-a-run", names=("run.json",)):
        status(tmp_path)


@pytest.mark.parametrize(
    "path, value, told",
    [
        ("experiment", None, "experiment"),
        ("experiment", [], "experiment"),
        ("experiment.model", [], "model"),
        ("experiment.attack.0.eps", [0], "eps"),
        ("experiment.attack.0.settings", {"steps": 10**400, "step_size": 10**400}, "experiment"),
        ("experiment.name", "../../x", "name"),
        ("experiment.colour", "red", "unknown key"),
        ("data", 3, "data"),
        ("data.test", "4", "data.test"),
        ("data.test", 0, "0 test sequences"),
        ("data.test", -3, "-3 test sequences"),
        ("data.test", 10**15, "test sequences; expected some, and at most"),
        ("data.test_fingerprint", 3, "data.test_fingerprint"),
        ("weights", {"a": 3}, "weights.a"),
        ("weights", ["a"], "weights"),
        ("feature_spec", "bones", "feature_spec"),
        ("sessions", {"first": 1}, "sessions"),
        ("sessions", [3], "sessions"),
        ("versions", {"feint": 1}, "versions"),
    ],
)
def test_a_run_json_that_tells_no_run_is_refused(
    tiny: Any, tmp_path: Path, path: str, value: Any, told: str
) -> None:
    names = (int(n) if n.isdigit() else n for n in path.split("."))
    rewritten(tiny.copy(tmp_path), *names, value=value)
    with pytest.raises(FeintError, match=rf"(?s)run\.json.*{told}"):
        status(tmp_path / "copy")


def test_an_edited_run_json_is_damage(tiny: Any, tmp_path: Path) -> None:
    path = tiny.copy(tmp_path) / "run.json"
    path.write_text(path.read_text().replace('"max_sequences": 4', '"max_sequences": 5'))
    with pytest.raises(FeintError, match=r"run\.json"):
        status(tmp_path / "copy")
