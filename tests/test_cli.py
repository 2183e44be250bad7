"""The commands a user types."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from feint import cli
from feint.data import sbu

SMALL = """
name = "small"
[data]
runs = 1
[[model]]
kind = "TCN"
width = 8
depth = 2
training = { epochs = 1 }
[attack]
settings = { steps = 3, restarts = 1 }
eps = [2, 6]
unit = "cm"
[target]
labels = ["punching"]
[evaluation]
limit = 6
"""


def invoke(*words: object):
    return CliRunner().invoke(cli.app, [str(word) for word in words], catch_exceptions=False)


def main(monkeypatch, *words: object) -> int | None:
    monkeypatch.setattr(sys, "argv", ["feint", *map(str, words)])
    try:
        cli.main()
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) or stop.code is None else 1
    return 0


def test_help_names_every_command():
    told = invoke("--help").output
    for command in ("demo", "run", "data", "train", "attack", "score", "minimal", "report"):
        assert command in told


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
    path.write_text(SMALL.replace("runs = 1", 'source = "sbu"'))
    assert main(monkeypatch, "run", path, "--out", tmp_path / "run") == 2
    assert "--data DIR" in capsys.readouterr().err


def test_the_whole_run_stage_by_stage_and_at_once(tmp_path):
    path, folder = tmp_path / "x.toml", tmp_path / "run"
    path.write_text(SMALL)
    assert "hold first pose" in invoke("train", path, "--out", folder).output
    assert not (folder / "adversarial").exists()
    invoke("attack", path, "--out", folder)
    assert not (folder / "rows.parquet").exists()
    invoke("score", path, "--out", folder)
    told = invoke("minimal", path, "--out", folder).output
    assert "The smallest eps that is enough" in told
    told = invoke("report", folder).output
    assert "Report:" in told
    assert "index.html" in told
    page = (folder / "report" / "index.html").read_text()
    invoke("run", path, "--out", folder)
    assert (folder / "report" / "index.html").read_text() == page


def test_report_on_no_run_is_refused(monkeypatch, capsys, tmp_path):
    assert main(monkeypatch, "report", tmp_path) == 2
    assert "no run.json" in capsys.readouterr().err


def test_synthetic_data_passes_through_sbus_code(tmp_path):
    told = invoke("data", "synthetic", tmp_path, "--runs", 1)
    assert "189 interactions" in told.output
    assert len(sbu.read(tmp_path)) == 189


def test_check_on_damage_exits_with_1(tmp_path):
    path = tmp_path / "s01s02" / "01" / "001" / "skeleton_pos.txt"
    path.parent.mkdir(parents=True)
    path.write_text("1,2,3\n")
    done = invoke("data", "check", tmp_path)
    assert done.exit_code == 1
    assert "282" in done.output  # what should be there


def test_check_on_the_real_data_is_content(sbu_root: Path):
    done = invoke("data", "check", sbu_root)
    assert done.exit_code == 0
    assert "6822" in done.output


@pytest.mark.parametrize("words", [["demo", "--nothing"], ["nothing"]])
def test_a_wrong_word_is_a_usage_error(words):
    assert CliRunner().invoke(cli.app, words).exit_code == 2
