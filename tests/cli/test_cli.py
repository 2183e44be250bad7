"""The commands a user types."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from feint.cli.main import app
from feint.cli.main import main as entry_point
from feint.cli.options import RunOptions
from feint.data.sbu import constants, dataset
from feint.evaluation import rows
from feint.jobs import lock as lock_module
from feint.jobs.lock import Lock
from feint.jobs.store import Store

SMALL = """
name = "small"
[data]
repetitions = 1
[[model]]
kind = "TCN"
width = 8
depth = 2
training = { epochs = 1 }
[attack]
settings = { steps = 3, restarts = 1 }
eps = [2, 6]
eps_unit = "cm"
[target]
labels = ["punching"]
[evaluation]
max_sequences = 2
"""
pytestmark = pytest.mark.usefixtures("generated_once")


def invoke(*words: object):
    return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)


def main(monkeypatch, *words: object) -> int | None:
    monkeypatch.setattr(sys, "argv", ["feint", *map(str, words)])
    try:
        entry_point()
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) or stop.code is None else 1
    return 0


COMMANDS = {
    "demo", "run", "train", "attack", "check-model", "min-eps", "evaluate", "reproduce", "status",
    "verify", "diff", "report", "figure", "animate", "rerun", "data", "survey",
}  # fmt: skip


def commands(*words: str) -> set[str]:
    """The commands that a help text lists: the first word of each line of the table."""
    listed = invoke(*words, "--help").output.partition("Commands")[2]
    return set(re.findall(r"^│ (\S+)", listed, flags=re.MULTILINE))


def test_help_lists_every_command_and_no_other():
    assert commands() == COMMANDS
    assert commands("data") == {"check-sbu", "download-sbu", "synthetic", "show"}


@pytest.mark.parametrize("command", sorted(COMMANDS - {"data", "survey"}))
def test_every_command_has_a_help_text_of_its_own(command):
    done = invoke(command, "--help")
    assert done.exit_code == 0
    usage, *text = [line for line in done.output.partition("╭")[0].splitlines() if line.strip()]
    assert f" {command} " in usage
    assert text


def test_options_of_a_block_reach_the_command(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(RunOptions, "make_run", lambda self, *_: seen.append(self) or 1 / 0)
    words = ("train", tmp_path, "--cpus", 2, "--model", "a:b", "--model", "c:d", "--wait")
    with pytest.raises(ZeroDivisionError):
        invoke(*words)
    (options,) = seen
    assert (options.cpus, options.model, options.wait) == (2.0, ["a:b", "c:d"], True)
    assert (options.engine, options.out, options.tensorboard) == ("local", None, False)


def test_help_answers_without_torch():
    code = "import sys; sys.argv = ['feint', '--help']\nfrom feint import cli\n"
    code += "try: cli.app()\nexcept SystemExit: pass\n"
    code += "sys.exit(any(m in sys.modules for m in ('torch', 'polars', 'matplotlib', 'numpy')))"
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 0
    assert time.monotonic() - began < 30  # hangs, not speed


def test_an_error_is_one_message_and_status_2(monkeypatch, capsys, tmp_path):
    assert main(monkeypatch, "run", tmp_path / "nothing.toml") == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("error: Could not read the experiment")
    assert "Traceback" not in told.err


def test_sbu_without_a_folder_says_what_to_pass(monkeypatch, capsys, tmp_path):
    path = tmp_path / "x.toml"
    path.write_text(SMALL.replace("repetitions = 1", 'source = "sbu"'))
    assert main(monkeypatch, "run", path, "--out", tmp_path / "run") == 2
    assert "--data DIR" in capsys.readouterr().err


def kinds(folder: Path) -> set[str]:
    """Of the finished jobs."""
    store = Store(folder)
    return {store.about(key)["kind"] for key in store}


def test_the_whole_run_stage_by_stage_and_at_once(tmp_path):
    path, folder = tmp_path / "x.toml", tmp_path / "run"
    sets = f"repetitions = 1\ntest_sets = {list(constants.SETS[4:])}"  # little to learn from
    path.write_text(SMALL.replace("repetitions = 1", sets))
    assert "hold first pose" in invoke("train", path, "--out", folder).output
    assert not kinds(folder) & {"attack", "noise", "score"}
    invoke("attack", path, "--out", folder)
    assert {"attack", "noise"} <= kinds(folder)
    assert not (folder / "rows.parquet").exists()
    invoke("evaluate", path, "--out", folder)
    assert len(rows.read(folder / "rows.parquet")) == 2 * (1 + 2 * 3)
    shown = invoke("min-eps", path, "--out", folder).output
    smallest = rows.read(folder / "minimal.parquet")
    assert len(smallest) == 2
    assert re.search(rf"tcn.*\b{len(smallest)}\b", shown)
    told = invoke("report", folder).output
    assert "Report:" in told
    assert "index.html" in told
    invoke("run", path, "--out", folder)
    page = (folder / "report" / "index.html").read_text()
    invoke("run", path, "--out", folder)
    assert (folder / "report" / "index.html").read_text() == page


def test_report_on_no_run_is_refused(monkeypatch, capsys, tmp_path):
    assert main(monkeypatch, "report", tmp_path) == 2
    assert "no run.json" in capsys.readouterr().err


def test_synthetic_data_passes_through_sbus_code(tmp_path):
    told = invoke("data", "synthetic", tmp_path, "--repetitions", 1)
    assert "189 interactions" in told.output
    assert len(dataset.read(tmp_path)) == 189


def test_check_on_damage_exits_with_1(tmp_path):
    path = tmp_path / "s01s02" / "01" / "001" / "skeleton_pos.txt"
    path.parent.mkdir(parents=True)
    path.write_text("1,2,3\n")
    done = invoke("data", "check-sbu", tmp_path)
    assert done.exit_code == 1
    assert "282" in done.output  # what should be there


def test_check_on_the_real_data_is_content(sbu_root: Path):
    done = invoke("data", "check-sbu", sbu_root)
    assert done.exit_code == 0
    assert "6822" in done.output


@pytest.mark.parametrize("words", [["demo", "--nothing"], ["nothing"]])
def test_a_wrong_word_is_a_usage_error(words):
    assert CliRunner().invoke(app, words).exit_code == 2


# -- a run that is there --------------------------------------------------------------------


@pytest.fixture
def there(tiny: Any, tmp_path: Path) -> tuple[Path, Path]:
    """An experiment's file, and its finished run."""
    path = tmp_path / "tiny.toml"
    path.write_text(tiny.text)
    return path, tiny.copy(tmp_path)


def test_status_tells_what_is_done_and_left(there) -> None:
    _, folder = there
    done = invoke("status", folder)
    assert done.exit_code == 0
    assert "The run is complete." in done.output
    store = Store(folder)
    key = next(key for key in store if store.about(key)["kind"] == "attack")
    store.path(key).unlink()
    told = invoke("status", folder).output
    assert "complete" not in told
    assert ["attack", "7", "1", "0"] in [line.split()[:4] for line in told.splitlines()]


def test_status_lists_every_job(there) -> None:
    _, folder = there
    store = Store(folder)
    gone = next(key for key in store if store.about(key)["kind"] == "score")
    store.path(gone).unlink()
    lines = [
        line.split(maxsplit=2) for line in invoke("status", folder, "--jobs").output.split("\n")
    ]
    told = {line[1]: (line[0], line[2]) for line in lines if line}
    assert told.pop(gone)[0] == "left"
    assert {state for state, _ in told.values()} == {"done"}
    assert all(store.about(key)["name"] == name for key, (_, name) in told.items())


def test_verify_is_content_with_a_run_and_exits_with_1_where_something_is_wrong(there) -> None:
    _, folder = there
    done = invoke("verify", folder)
    assert done.exit_code == 0
    assert "All rows agree with the tensors." in done.output
    path = folder / "rows.parquet"
    table = rows.read(path).with_columns(distance_frame=pl.col("distance_frame") * 0.5)
    rows.write(path, [table], rows.about(path))
    done = invoke("verify", folder)
    assert done.exit_code == 1
    assert "is off by" in done.output
    assert "Everything is as" not in done.output


@pytest.mark.parametrize("command", ["status", "verify", "report"])
def test_a_folder_that_is_no_run_is_left_as_it_is(monkeypatch, capsys, tmp_path, command) -> None:
    assert main(monkeypatch, command, tmp_path / "nothing") == 2
    assert "no run.json" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_diff_tells_what_differs(tiny: Any, there) -> None:
    _, folder = there
    done = invoke("diff", tiny.folder, folder)
    assert done.exit_code == 0
    assert "Differences in settings: none" in done.output
    path = folder / "rows.parquet"
    rows.write(path, [rows.read(path).with_columns(distance_frame=pl.lit(1e-6))], {})
    told = " ".join(invoke("diff", tiny.folder, folder).output.split())
    assert "0 of them have the same distance" in told


def test_diff_with_no_run_is_refused(monkeypatch, capsys, tiny: Any, tmp_path) -> None:
    assert main(monkeypatch, "diff", tiny.folder, tmp_path) == 2
    assert "no run.json" in capsys.readouterr().err


def test_running_again_in_this_process_does_nothing_new(there) -> None:
    path, folder = there
    before = {p: p.stat().st_mtime_ns for p in (folder / "jobs").rglob("*.safetensors")}
    done = invoke("run", path, "--out", folder, "--engine", "local", "--device", "cpu")
    assert done.exit_code == 0
    assert "Report:" in done.output
    after = {p: p.stat().st_mtime_ns for p in (folder / "jobs").rglob("*.safetensors")}
    assert after == before


@pytest.mark.parametrize("command", ["run", "train", "attack", "evaluate", "min-eps"])
def test_an_address_needs_ray(monkeypatch, capsys, there, command) -> None:
    path, folder = there
    words = (command, path, "--out", folder, "--address", "ray://somewhere:1")
    assert main(monkeypatch, *words) == 2
    assert "--address ray://somewhere:1 needs --engine ray" in capsys.readouterr().err


def test_an_engine_that_is_none_is_a_usage_error(there) -> None:
    path, _ = there
    done = CliRunner().invoke(app, ["run", str(path), "--engine", "elsewhere"])
    assert done.exit_code == 2
    assert "elsewhere" in done.output


def test_a_run_that_somebody_works_on_is_refused_or_waited_for(monkeypatch, capsys, there) -> None:
    path, folder = there
    held = Lock(folder)
    held.__enter__()
    for words in (("train", path, "--out", folder), ("verify", folder)):
        assert main(monkeypatch, *words) == 2
        assert "is being worked on by process" in capsys.readouterr().err
    assert "In use by process" in invoke("status", folder).output
    said = []

    def let_go(message: str, **_: object) -> None:
        if not said:
            held.__exit__()
        said.append(message)

    monkeypatch.setattr(lock_module.console, "print", let_go)
    assert main(monkeypatch, "train", path, "--out", folder, "--wait") == 0
    assert f"process {os.getpid()}" in said[0]
    assert "hold first pose" in capsys.readouterr().out
