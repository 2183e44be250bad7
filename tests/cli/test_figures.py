"""The commands that draw: what they write, and what they say where they cannot."""

import importlib.util
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

pytest.importorskip("matplotlib")
Pillow = pytest.importorskip("PIL.Image")

from feint.cli.main import app, main  # noqa: E402
from feint.report.cases.player import notable_cases  # noqa: E402
from feint.report.run_data import RunData  # noqa: E402

BEGINS = {"pdf": b"%PDF-", "svg": b"<?xml", "png": b"\x89PNG", "gif": b"GIF89a"}


def invoke(*words: object) -> Any:
    return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a command that must fail with one message, which is given back."""

    def run(*words: object) -> str:
        monkeypatch.setattr(sys, "argv", ["feint", *map(str, words)])
        with pytest.raises(SystemExit) as stop:
            main()
        assert stop.value.code == 2
        told = capsys.readouterr().err
        assert told.startswith("error: ")
        assert "Traceback" not in told
        return " ".join(told.split())

    return run


@pytest.fixture(scope="module")
def some(tiny: Any) -> dict[str, Any]:
    """One of the tiny run's cases."""
    row, _ = next(iter(notable_cases(RunData.load(tiny.folder))))
    return row


@pytest.mark.parametrize("name", ["case", "fig4", "fig5"])
@pytest.mark.parametrize("form", ["pdf", "svg", "png"])
def test_a_figure_of_a_real_run_is_the_same_every_time(
    tiny: Any, tmp_path: Path, name: str, form: str
) -> None:
    paths = [tmp_path / f"{i}.{form}" for i in range(2)]
    for path in paths:
        assert f"Figure: {path}" in invoke("figure", name, tiny.folder, "--out", path).output
    first, second = (path.read_bytes() for path in paths)
    assert first == second
    assert first.startswith(BEGINS[form])
    assert b"CreationDate" not in first
    assert b"dc:date" not in first
    assert b"Matplotlib" not in first


def test_without_a_file_it_lies_in_the_runs_report(tiny: Any, tmp_path: Path) -> None:
    folder = tiny.copy(tmp_path)
    invoke("figure", "case", folder, "--format", "svg")
    assert (folder / "report" / "case.svg").read_bytes().startswith(BEGINS["svg"])
    invoke("animate", folder)
    assert (folder / "report" / "animation.gif").read_bytes().startswith(BEGINS["gif"])


def test_the_options_choose_and_what_was_chosen_is_said(
    tiny: Any, tmp_path: Path, some: dict[str, Any]
) -> None:
    words = [
        w
        for key in ("target", "true_class", "victim", "sequence")
        for w in (f"--{key.replace('_', '-')}", some[key])
    ]
    done = invoke("figure", "case", tiny.folder, "--out", tmp_path / "a.svg", *words, "--eps", 2)
    assert f"sequence {some['sequence']}" in done.output
    assert "eps 2 cm" in done.output
    done = invoke("figure", "case", tiny.folder, "--out", tmp_path / "b.svg", "--case", 1)
    assert "case 1 of the player's list" in done.output


def test_fig4_has_a_row_an_eps_or_a_row_a_run(tiny: Any, tmp_path: Path) -> None:
    tall = {}
    for name, words in {
        "every": [tiny.folder],
        "one": [tiny.folder, "--eps", 6],
        "runs": [tiny.folder, tiny.folder, tiny.folder],
    }.items():
        path = tmp_path / f"{name}.png"
        invoke("figure", "fig4", *words, "--out", path)
        with Pillow.open(path) as image:
            tall[name] = image.height
    assert tall["one"] < tall["every"] < tall["runs"]


def test_fig5_of_one_model_and_target(tiny: Any, tmp_path: Path) -> None:
    sizes = []
    for words in ([], ["--victim", "a"], ["--victim", "a", "--target", "punching"]):
        path = tmp_path / "x.png"
        invoke("figure", "fig5", tiny.folder, "--out", path, *words)
        with Pillow.open(path) as image:
            sizes.append(image.size)
    assert sizes[0][1] > sizes[1][1] == sizes[2][1]


def test_a_video_is_as_long_as_the_motion(tiny: Any, tmp_path: Path, some: dict[str, Any]) -> None:
    ffmpeg = pytest.importorskip("imageio_ffmpeg")
    paths = [tmp_path / f"{i}.mp4" for i in range(2)]
    for path in paths:
        invoke("animate", tiny.folder, "--out", path)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    frames, _ = ffmpeg.count_frames_and_secs(str(paths[0]))
    assert frames == some["frames"] + 22  # 1.5 s of 15 frames, at the end


def test_a_page_of_one_case_needs_nothing_else(
    tiny: Any, tmp_path: Path, some: dict[str, Any]
) -> None:
    pytest.importorskip("jinja2")
    path = tmp_path / "case.html"
    invoke("animate", tiny.folder, "--out", path)
    text = path.read_text()
    assert f'"sequence":"{some["sequence"]}"' in text
    assert text.count('"motions":') == 1
    assert "default-src 'none'" in text
    assert "src=" not in text.split("<script")[0]
    for sentence in RunData.load(tiny.folder).verdicts:
        assert sentence in text.replace("&#39;", "'")
    for one in RunData.load(tiny.folder).warnings:
        assert one.code in text


@pytest.mark.parametrize("command", [["figure", "case"], ["animate"]])
def test_no_such_case_says_what_there_is(
    tiny: Any, tmp_path: Path, refused: Any, command: list[str]
) -> None:
    for option, value in {
        "--target": "kicking", "--true-class": "nodding", "--victim": "c", "--sequence": "s",
        "--eps": 7,
    }.items():  # fmt: skip
        said = refused(*command, tiny.folder, option, value)
        assert f"no attacked sequence with {option[2:].replace('-', '_')} {value}" in said
        assert "target punching of" in said
        assert "victims a, b; eps 2, 6" in said
    said = refused(*command, tiny.folder, "--case", "99")
    assert "no case '99'" in said
    assert "a place in its list, 1 to" in said


def test_fig1_to_3_say_what_they_are_where_the_run_has_not_got_it(tiny: Any, refused: Any) -> None:
    said = refused("figure", "fig2", tiny.folder)
    assert "fig2 shows punching with target handshaking" in said
    assert "target.labels = ['handshaking']" in said
    assert "target punching of" in said
    said = refused("figure", "fig1", tiny.folder, "--target", "hugging")
    assert "fig1 shows handshaking with target punching, and the options ask for" in said
    assert "feint figure case" in said


def test_what_does_not_go_together_is_refused(tiny: Any, tmp_path: Path, refused: Any) -> None:
    assert "got eps 2" in refused("figure", "fig5", tiny.folder, "--eps", 2)
    assert (
        "no success rate with target x"
        in refused("figure", "fig5", tiny.folder, "--target", "x").lower()
    )
    assert "drawn from one run; got 2" in refused("figure", "case", tiny.folder, tiny.folder)
    said = refused("figure", "case", tiny.folder, "--out", tmp_path / "x.gif")
    assert "expected .pdf, .svg, .png" in said
    said = refused("animate", tiny.folder, "--out", tmp_path / "x.pdf")
    assert "expected .gif, .mp4, .html" in said
    said = refused("animate", tiny.folder, "--out", tmp_path / "x.gif", "--format", "mp4")
    assert "ends in .gif, and --format is mp4" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [["figure", "fig6", "x"], ["animate", "x", "--format", "avi"]])
def test_an_unknown_figure_or_format_is_a_usage_error(words: list[str]) -> None:
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 2
    assert words[-1 if "avi" in words else 1] in done.output


@pytest.mark.parametrize("command", [["figure", "fig5"], ["figure", "fig4"], ["animate"]])
def test_a_run_without_an_attack_is_refused(
    tiny: Any, tmp_path: Path, refused: Any, command: list[str]
) -> None:
    folder = tiny.copy(tmp_path)
    (folder / "rows.parquet").unlink()
    assert "feint evaluate" in refused(*command, folder)
    assert "no run.json" in refused(*command, tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize("command", [["figure", "case"], ["animate"]])
def test_a_path_that_cannot_be_written_is_named(
    tiny: Any, tmp_path: Path, refused: Any, command: list[str]
) -> None:
    (tmp_path / "file").touch()
    suffix = "gif" if command == ["animate"] else "png"
    path = tmp_path / "file" / f"x.{suffix}"
    assert f"Could not write {path}" in refused(*command, tiny.folder, "--out", path)
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


def test_a_library_that_is_not_there_is_named_with_the_extra(
    tiny: Any, refused: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    true = importlib.util.find_spec
    gone = "imageio_ffmpeg"
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if name == gone else true(name, *more)
    )
    said = refused("animate", tiny.folder, "--format", "mp4")
    assert "needs imageio-ffmpeg, which is not installed" in said
    assert "feint[video]" in said


def test_the_viewers_recording_has_everybody_in_it(tiny: Any, tmp_path: Path) -> None:
    pytest.importorskip("rerun")
    path = tmp_path / "case.rrd"
    assert f"Recording: {path}" in invoke("rerun", tiny.folder, "--out", path).output
    content = path.read_bytes()
    assert content.startswith(b"RRF")
    for name in (
        "clean/answer",
        "attacked/actor",
        "attacked/displacement",
        "target",
        "distance_cm",
    ):
        assert name.encode() in content


def test_without_the_viewer_it_says_what_to_install(
    tiny: Any, refused: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    true = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *m: None if name == "rerun" else true(name, *m)
    )
    said = refused("rerun", tiny.folder)
    assert "needs rerun-sdk, which is not installed" in said
    assert "feint[view]" in said


def test_an_ffmpeg_that_fails_is_one_message(
    tiny: Any, refused: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ffmpeg = pytest.importorskip("imageio_ffmpeg")

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("No ffmpeg exe could be found")

    monkeypatch.setattr(ffmpeg, "write_frames", broken)
    said = refused("animate", tiny.folder, "--format", "mp4")
    assert "No ffmpeg exe could be found" in said
    assert "--format gif" in said


def test_the_gif_is_the_reports(tiny: Any, tmp_path: Path, some: dict[str, Any]) -> None:
    path = tmp_path / "x.gif"
    invoke("animate", tiny.folder, "--out", path)
    with Pillow.open(BytesIO(path.read_bytes())) as image:
        assert image.n_frames == some["frames"]
