"""What stands in the terminal, and in which order."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from feint.data.sbu import check
from feint.data.sbu.files import Problem
from feint.models.sanity_checks import CHECKS, LEFT_OUT, ModelIssue
from feint.report import terminal

MakeRun = Callable[..., Path]


def test_warnings_then_models_then_rates_then_the_verdict(
    fake_run: MakeRun, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal.show(fake_run(weak=True))
    out = capsys.readouterr().out
    places = [
        out.rindex(words) if words == "tcn:" else out.index(words)
        for words in (
            "warning weak-model: tcn",
            terminal.BASELINES,
            "Attack success rate",
            "tcn:",
        )
    ]
    assert places == sorted(places)
    assert "without an attack (clean)" in out
    assert "gru from tcn" in out
    assert "…" not in out  # no number is cut


def test_a_check_that_was_not_made_is_not_ok(capsys: pytest.CaptureFixture[str]) -> None:
    for code, others in LEFT_OUT.items():
        terminal.show_issues("m", [ModelIssue(code, "has an issue")])
        lines = capsys.readouterr().out.splitlines()
        ok = {line[6:].strip() for line in lines if line.startswith("ok")}
        assert len(ok) == len(CHECKS) - 1 - len(others)
        assert not ok & {f"m {CHECKS[one]}" for one in (code, *others)}


def test_models_alone_need_no_rows(fake_run: MakeRun, capsys: pytest.CaptureFixture[str]) -> None:
    folder = fake_run(weak=True, models=("tcn",))
    (folder / "rows.parquet").unlink()
    (folder / "tolerance.json").unlink()
    terminal.show_models(folder)
    out = capsys.readouterr().out
    assert out.index("warning weak-model") < out.index("hold first pose")
    terminal.show(folder)
    out = " ".join(capsys.readouterr().out.split())
    assert re.search(
        r"missing: \S*tolerance\.json is not there.*feint evaluate.*hold first pose", out
    )
    assert "Attack success rate" not in out


@pytest.mark.parametrize(
    "knobs", [{"noise": ()}, {"kappa": 9.0}, {"targets": ("punching",), "labels": ("punching",)}]
)
def test_odd_runs_are_shown(
    fake_run: MakeRun, capsys: pytest.CaptureFixture[str], knobs: dict[str, object]
) -> None:
    terminal.show(fake_run(**knobs))
    assert "nan" not in capsys.readouterr().out


def test_a_sound_dataset(capsys: pytest.CaptureFixture[str]) -> None:
    whole = check.CheckReport(
        Path("data"), dict(check.EXPECTED), check.EXPECTED_FRAMES, (), damage=(), warnings=()
    )
    terminal.show_check(whole)
    out = capsys.readouterr().out
    assert "handshaking" in out
    assert "282 sequences of 282, 6822 frames of 6822" in out
    assert "complete and undamaged" in out


def test_a_damaged_dataset_tells_twenty_and_counts_the_rest(
    capsys: pytest.CaptureFixture[str],
) -> None:
    damage = tuple(Problem(f"s01s02.zip/[{i}]", i, "90 values") for i in range(1, 26))
    unusual = (Problem("s01s03/01/001/skeleton_pos.txt", None, "x of 7"),)
    report = check.CheckReport(Path("data"), {"01": 40}, 900, ("s07s03",), damage, unusual)
    terminal.show_check(report)
    out = capsys.readouterr().out
    assert "differs" in out
    assert "Missing sets: s07s03" in out
    assert "25 damaged:" in out
    assert "s01s02.zip/[20], line 20: 90 values" in out
    assert "[21]" not in out
    assert "... and 5 more" in out
    assert "1 unusual:" in out
    assert "Everything is there" not in out


def test_the_terminal_needs_no_matplotlib(finished: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from feint.report import terminal;"
        f"terminal.show(Path({str(finished)!r}));"
        "assert not {'matplotlib', 'jinja2', 'PIL'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
