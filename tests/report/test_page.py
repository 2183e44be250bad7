"""The page: its numbers are the rates, it needs only itself, and odd runs do not break it."""

import re
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import polars as pl
import pytest
from tests.errors import refused
from typer.testing import CliRunner

pytest.importorskip("matplotlib")
pytest.importorskip("jinja2")
Pillow = pytest.importorskip("PIL.Image")

from feint.cli.main import app  # noqa: E402
from feint.errors import FeintError  # noqa: E402
from feint.evaluation import rows as table  # noqa: E402
from feint.evaluation import success_rates  # noqa: E402
from feint.io.optional import PACKAGES  # noqa: E402
from feint.io.sealed import read_json, write_json  # noqa: E402
from feint.jobs.store import Store  # noqa: E402
from feint.report import page, tables  # noqa: E402
from feint.report.cases import case  # noqa: E402
from feint.report.run_data import RunData  # noqa: E402

MakeRun = Callable[..., Path]


class Reader(HTMLParser):
    """The page's tables, images, and everything that would be fetched."""

    def __init__(self, text: str) -> None:
        super().__init__()
        text = re.sub(r"(<script\b[^>]*>).*?(</script>)", r"\1\2", text, flags=re.DOTALL)
        self.html = text
        self.tables: list[list[list[str]]] = []
        self.images: list[dict[str, str | None]] = []
        self.fetched: list[str] = re.findall(r"url\(([^)]*)\)", text) + re.findall("@import", text)
        self.words = ""
        self.open: list[str] = []
        self.cell: str | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.fetched += [str(values[k]) for k in ("src", "srcset", "href", "action") if k in values]
        assert tag not in ("iframe", "object", "embed")
        if tag == "img":
            self.images.append(values)
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag in ("td", "th"):
            self.cell = ""

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th") and self.cell is not None:
            self.tables[-1][-1].append(self.cell)
            self.cell = None

    def handle_data(self, data: str) -> None:
        self.words += data
        if self.cell is not None:
            self.cell += data

    def table(self, heads: tuple[str, ...]) -> list[list[str]]:
        """The rows of the one table with these heads."""
        (found,) = [one[1:] for one in self.tables if one[0] == list(heads)]
        return found


@pytest.fixture(scope="module")
def written(finished: Path) -> Path:
    return page.write(finished)


@pytest.fixture(scope="module")
def read(written: Path) -> Reader:
    return Reader(written.read_text(encoding="utf-8"))


def test_it_is_where_it_says(written: Path, finished: Path) -> None:
    assert written == finished / "report" / "index.html"


def test_the_verdict_is_the_summarys(read: Reader, finished: Path) -> None:
    run_data = RunData.load(finished)
    rates = success_rates.success_rates(run_data.judged)
    told = " ".join(read.words.split())
    for name in run_data.models:
        (sentence,) = success_rates.summarise(rates.filter(pl.col("victim") == name), "cm")
        assert " ".join(sentence.split()) in told


@pytest.mark.parametrize("by_target", [False, True])
def test_the_rates_are_the_summarys(read: Reader, finished: Path, by_target: bool) -> None:
    run_data = RunData.load(finished)
    rates = success_rates.success_rates(
        run_data.judged, success_rates.BY_TARGET if by_target else success_rates.BY
    )
    rates = rates.filter(pl.col("attack") == "aia")
    shown = read.table(tables.rates(run_data, by_target).heads)
    assert len(shown) == len(rates) == 2 * 2 * 3 * (2 if by_target else 1)
    for cells, one in zip(shown, rates.iter_rows(named=True), strict=True):
        names = [one["surrogate"], one["victim"], *([one["target"]] if by_target else [])]
        assert cells[: len(names)] == names
        eps, n, clean, noise, reached, failed, moved_noise, moved, interval, *rest = cells[
            len(names) :
        ]
        assert float(eps) == one["eps"]
        assert (int(n), int(failed)) == (one["n"], one["n_clean_failures"])
        for told, true in (
            (clean, one["clean_success_rate"]),
            (noise, one["noise_success_rate"]),
            (reached, one["success_rate"]),
            (moved, one["success_rate_if_clean_fails"]),
            (moved_noise, one["noise_success_rate_if_clean_fails"]),
        ):
            assert told == ("–" if true is None else f"{true:.0%}")
        if one["n_clean_failures"]:
            low, high = (one[f"success_rate_if_clean_fails_{side}"] for side in ("low", "high"))
            assert interval == f"{low:.0%}-{high:.0%}"
        assert rest == [
            f"{one['error_cm']:.1f}", f"{one['perturbation_cm']:.1f}",
            f"{one['bone_length_change']:.1%}",
        ]  # fmt: skip


def test_the_models_stand_beside_trivial_predictors(read: Reader, finished: Path) -> None:
    shown = read.table(tables.models(RunData.load(finished)).heads)
    assert shown == [
        ["tcn", "10.0", "20.0", "50.0", "9.0", "8.0"],
        ["gru", "10.0", "20.0", "50.0", "9.0", "8.0"],
    ]


def test_every_class_has_its_tolerance(read: Reader, finished: Path) -> None:
    shown = read.table(tables.tolerance(RunData.load(finished)).heads)
    assert shown[0] == ["punching", "yes", "0.350", "10%", "–"]
    assert {row[0] for row in shown} == {"punching", "hugging", "handshaking", "departing"}


def test_nothing_is_fetched(read: Reader) -> None:
    assert read.fetched
    assert all(one.startswith("data:") for one in read.fetched)


def test_every_image_says_what_it_is(read: Reader) -> None:
    assert len(read.images) >= 2 + 2 + 4 + 2 + 4
    assert all(image["alt"] for image in read.images)


def test_the_animation_moves_and_is_small(written: Path) -> None:
    content = written.with_name("case.gif").read_bytes()
    assert len(content) < 1e6
    with Pillow.open(BytesIO(content)) as image:
        assert image.n_frames > 5
        assert image.info["loop"] == 0
        assert image.info["duration"] == 70  # 15 frames a second, in GIF's hundredths
        image.seek(image.n_frames - 1)
        assert image.info["duration"] > 1000
        colours = {image.convert("RGB").getpixel((x, 1)) for x in range(image.width)}
    assert (255, 255, 255) in colours


def test_the_figures_lie_beside_the_page(written: Path) -> None:
    names = {path.name for path in written.parent.iterdir()}
    assert {"index.html", "case.gif", "strip.svg", "typical.svg", "success-tcn-tcn.svg"} <= names
    assert "distance-tolerances.svg" in names
    assert {
        "success-tcn-gru.svg",
        "success-gru-gru-hugging.svg",
        "distance-tolerances.svg",
    } <= names
    assert not [name for name in names if name.endswith(".part")]


def test_writing_again_writes_the_same(fake_run: MakeRun) -> None:
    folder = fake_run(models=("tcn",), targets=("punching",), eps=(2.0,))
    first = page.write(folder).read_bytes()
    assert page.write(folder).read_bytes() == first


def test_warnings_come_before_any_rate(fake_run: MakeRun) -> None:
    text = page.write(fake_run(weak=True, models=("tcn",))).read_text(encoding="utf-8")
    warned = text.index("does not beat the trivial predictors")
    assert warned < text.index('class="verdict"')
    assert "found no issue" not in text


@pytest.mark.parametrize(
    "knobs",
    [
        pytest.param({"eps": (2.0,)}, id="one eps"),
        pytest.param({}, id="one model"),
        pytest.param({"transfer": False, "models": ("tcn", "gru")}, id="no transfer"),
        pytest.param({"kappa": 9.0}, id="all count by themselves"),
        pytest.param({"kappa": 1e-6}, id="every attack fails"),
        pytest.param({"noise": ()}, id="no noise"),
        pytest.param({"noise": ("sign", "uniform")}, id="two noises"),
        pytest.param({"unit": "data", "axes": ("z",), "eps": (0.075, 0.45)}, id="data units"),
        pytest.param({"frames": 4}, id="short"),
        pytest.param({"per_frame": False}, id="summed"),
        pytest.param({"models": ("m" * 64, "n" * 64)}, id="long names"),
        pytest.param({"targets": ("punching",), "labels": ("punching",)}, id="nothing asked"),
        pytest.param({"targets": ("<b>&$x_$ 'q'",)}, id="odd label"),
    ],
)
def test_odd_runs_have_a_page(fake_run: MakeRun, knobs: dict[str, object]) -> None:
    small: dict[str, object] = {"models": ("tcn",), "targets": ("punching",), "eps": (1.0, 6.0)}
    written = page.write(fake_run(**small | knobs))
    read = Reader(written.read_text(encoding="utf-8"))
    assert all(one.startswith("data:") for one in read.fetched)
    words = " ".join(read.words.split())
    for bad in ("nan%", "None", " nan", "inf "):
        assert bad not in words, bad
    if knobs.get("kappa") == 9.0:
        assert "every answer counts as the target by itself" in words
    if knobs.get("kappa") == 1e-6:
        assert "The attack fails." in words
        assert "0%" in words
    if knobs.get("noise") == ():
        assert "random noise was not tried" in words
    if knobs.get("unit") == "data":
        assert "57.6 cm along z" in words
    if "labels" in knobs:
        assert "Nothing was attacked" in words
    if knobs.get("targets") == ("<b>&$x_$ 'q'",):
        assert "<b>&$x_$ 'q'" in words  # escaped, so read as text


def test_columns_without_numbers_are_dashes(fake_run: MakeRun) -> None:
    folder = fake_run(models=("tcn",), targets=("punching",))
    rows = table.read(folder / "rows.parquet")
    rows = rows.with_columns(
        error_cm=pl.lit(float("nan")), bone_length_change=pl.lit(None, dtype=pl.Float64)
    ).drop("perturbation_max_cm")
    table.write(folder / "rows.parquet", [rows], {})
    read = Reader(page.write(folder).read_text(encoding="utf-8"))
    shown = read.table(tables.rates(RunData.load(folder)).heads)
    assert [(row[-3], row[-1]) for row in shown] == [("–", "–")] * 3
    assert " nan" not in read.words


@pytest.mark.parametrize(
    "gone, how, said, left",
    [
        ("rows.parquet", "missing", "feint evaluate", ["models"]),
        ("tolerance.json", "damaged", "feint", ["models"]),
        ("models/tcn.json", "missing", "feint train", ["rates", "case"]),
        ("targets", "missing", "feint run", ["models", "rates"]),
        ("attack", "damaged", "run the step", ["models", "rates"]),
        ("score", "missing", "feint run", ["models", "rates"]),
        ("minimal.parquet", "damaged", "min-eps", ["models", "rates", "case"]),
    ],
)
def test_what_is_lost_is_named_and_the_rest_is_there(
    fake_run: MakeRun, gone: str, how: str, said: str, left: list[str]
) -> None:
    folder = fake_run(models=("tcn",), targets=("punching",))
    paths = [folder / gone]
    if gone in ("targets", "attack", "score"):
        store = Store(folder)
        paths = [store.path(key) for key in store if store.about(key)["kind"] == gone]
    for path in paths:
        if how == "damaged":
            path.write_bytes(b"PAR1 not really")
        else:
            path.unlink()
    run_data = RunData.load(folder)
    read = Reader(page.write(folder).read_text(encoding="utf-8"))
    assert len(run_data.problems) == 1
    assert "Parts of the run are missing" in read.words
    assert any(str(path) in read.words for path in paths)
    assert said in read.words
    heads = {"models": tables.models, "rates": tables.rates}
    for part, table_of in heads.items():
        if part in left:
            assert read.table(table_of(run_data).heads)
        else:
            assert f"<h2>{'Baseline' if part == 'models' else 'All success rates'}" not in read.html
    assert ("Film strip" in read.html) == ("case" in left)
    assert CliRunner().invoke(app, ["report", str(folder)]).exit_code == 0


def test_one_damaged_result_costs_its_own_cases_only(fake_run: MakeRun) -> None:
    folder = fake_run()
    whole = RunData.load(folder)
    chosen = case.choose(whole)
    assert chosen is not None
    Store(folder).path(chosen[0]["job"]).unlink()
    run_data = RunData.load(folder)
    other = case.choose(run_data)
    assert other is not None
    assert other[0]["job"] != chosen[0]["job"]
    assert len(run_data.readable) == len(whole.judged.filter(pl.col("job") != chosen[0]["job"]))
    assert run_data.rates.equals(whole.rates)
    page.write(folder)


def test_a_clean_answer_that_is_lost_takes_the_attacked_ones_with_it(fake_run: MakeRun) -> None:
    folder = fake_run(models=("tcn",))
    clean = RunData.load(folder).judged.filter(pl.col("attack") == "none").row(0, named=True)
    Store(folder).path(clean["job"]).unlink()
    run_data = RunData.load(folder)
    assert set(run_data.readable["target"]) == set(run_data.judged["target"]) - {clean["target"]}
    page.write(folder)


def test_where_nothing_can_be_read_there_is_no_page(fake_run: MakeRun) -> None:
    folder = fake_run(models=("tcn",), targets=("punching",))
    (folder / "rows.parquet").unlink()
    (folder / "models" / "tcn.json").unlink()
    with refused("not-run-yet", names=("feint train", "feint evaluate")):
        page.write(folder)
    (folder / "run.json").unlink()
    with pytest.raises(FeintError, match=r"run\.json"):
        page.write(folder)


def test_rows_that_are_none_are_named(fake_run: MakeRun) -> None:
    folder = fake_run(models=("tcn",), targets=("punching",))
    rows = table.read(folder / "rows.parquet")
    for wrong, said in (
        (rows.drop("true_class"), "no column 'true_class'"),
        (rows.filter(pl.col("attack") != "none"), "no row without an attack"),
    ):
        table.write(folder / "rows.parquet", [wrong], {})
        assert [said in one for one in RunData.load(folder).problems] == [True]
        assert said.replace("'", "&#39;") in page.write(folder).read_text(encoding="utf-8")


def test_a_model_that_came_trained_is_said_to_have(fake_run: MakeRun) -> None:
    folder = fake_run(models=("tcn", "theirs"), targets=("punching",))
    told = read_json(folder / "run.json")
    told["experiment"]["model"][1] = {"kind": "import", "name": "theirs", "model": "not.here:m"}
    write_json(folder / "run.json", told)
    words = " ".join(Reader(page.write(folder).read_text(encoding="utf-8")).words.split())
    assert "theirs came trained: feint does not know the training data" in words
    assert "trained tcn" in words
    assert "learnt from" not in words


def test_an_untargeted_run_does_not_say_what_the_answer_becomes(fake_run: MakeRun) -> None:
    folder = fake_run(models=("tcn",), targets=("untargeted",))
    told = read_json(folder / "run.json")
    told["experiment"]["attack"] |= {"kind": "untargeted", "name": "aia", "reference": "true"}
    told["experiment"]["target"] = {"labels": ["punching"]}
    write_json(folder / "run.json", told)
    words = " ".join(Reader(page.write(folder).read_text(encoding="utf-8")).words.split())
    assert "The output shall differ from the true reaction" in words
    assert "differs from the true reaction by the tolerance of its class or more" in words


@pytest.mark.parametrize("name, pip", [(name, PACKAGES[name]) for name in page.NEEDED])
def test_without_the_extra_it_says_what_to_install(
    finished: Path, monkeypatch: pytest.MonkeyPatch, name: str, pip: str
) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    with refused("missing-package", names=(pip, "feint[report]")):
        page.write(finished)


def test_rows_of_the_targets_own_class_are_stored_not_counted_and_the_page_says_so(
    read: Reader, finished: Path
) -> None:
    run_data = RunData.load(finished)
    own = run_data.rows.filter(pl.col("true_class") == pl.col("target"))
    rates = success_rates.success_rates(run_data.judged)
    counted = run_data.rows.filter(pl.col("true_class") != pl.col("target"))
    assert len(own) > 0
    assert rates["n"].max() <= counted.filter(pl.col("attack") == "none").height
    assert "whose true class is the target are in rows.parquet and not counted" in read.words
