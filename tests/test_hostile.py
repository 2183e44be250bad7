"""A run's folder from somebody who means harm: refused in words, nothing executed, nothing outside
it read or written, and no memory to speak of."""

import io
import json
import os
import pickle
import re
import shutil
import signal
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from tests.errors import refused

import feint
from feint.errors import DamagedError, FeintError
from feint.evaluation import rows
from feint.experiments.diff import diff
from feint.experiments.status import status
from feint.experiments.verification import verify
from feint.io.sealed import (
    BLANK_CHECKSUM,
    add_checksum,
    pack,
    read_json,
    read_tensors,
    write_json,
    write_tensors,
)
from feint.jobs.store import Store
from feint.models import checkpoints
from feint.report import images, page, terminal
from feint.report.run_data import RunData


@pytest.fixture
def copy(least: Any, tmp_path: Path) -> Path:
    return least.copy(tmp_path)


@pytest.fixture(autouse=True)
def _hangs_are_failures() -> Iterator[None]:
    def late(*_: object) -> None:
        raise TimeoutError("it hangs")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def undrawn(run_data: Any, *_: object) -> dict[str, Any]:
    """No images, which take most of the time."""
    blank = images.Image("none.svg", b"", "", "")
    images_ = dict.fromkeys(("moving", "still", "strip", "typical_strip"), blank)
    lists: dict[str, Any] = {name: [] for name in ("white", "transfer")}
    return {**images_, **lists, "stills": {}, "multiples": {name: [] for name in run_data.models}}


def lost(folder: Path) -> str:
    """What a report names as missing or damaged."""
    return "\n".join(RunData.load(folder).problems)


def reported(folder: Path) -> str:
    """The same, which stands in the page."""
    text = page.write(folder).read_text(encoding="utf-8")
    found = lost(folder)
    assert ('aria-label="What is missing"' in text) == bool(found)
    return found


class Told:
    """What came of everything that reads a run's folder, one after another."""

    def __init__(self, least: Any, folder: Path, skip: str = "", drawn: bool = False) -> None:
        self.of: dict[str, str] = {}
        doors: dict[str, Callable[[], Any]] = {
            "status": lambda: status(folder),
            "diff": lambda: (diff(least.folder, folder), diff(folder, least.folder)),
            "report": lambda: reported(folder),
            "show": lambda: (terminal.show(folder), "\n".join(RunData.load(folder).missing))[1],
            "minimal": lambda: terminal.show_minimal(folder),
            "verify": lambda: "\n".join(verify(folder).problems),
            "resume": lambda: (least.whole(folder), least.run(folder).minimal()),
        }
        for name, door in doors.items():
            if name in skip.split():
                continue
            with pytest.MonkeyPatch.context() as patch:
                if not drawn:
                    patch.setattr(page, "make_images", undrawn)
                try:
                    told = door()
                except FeintError as error:
                    self.of[name] = str(error)
                else:
                    self.of[name] = told if isinstance(told, str) else ""

    def refused(self, *names: str, told: str = "") -> None:
        """These refused it, or told of it."""
        for name in names:
            assert self.of[name], f"{name} noticed nothing"
            assert told in self.of[name], self.of[name]


def rewrite(folder: Path, *path: str | int, value: Any, name: str = "run.json") -> None:
    """Something else in a JSON file, sealed again."""
    told = read_json(folder / name)
    place: Any = told
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = value
    write_json(folder / name, told)


def one_of(folder: Path, kind: str, **settings: Any) -> str:
    store = Store(folder)
    return min(
        key
        for key in store
        if store.about(key)["kind"] == kind
        and all(store.about(key)["settings"].get(k) == v for k, v in settings.items())
    )


def alter(folder: Path, key: str, change: Callable[[Any, Any], Any]) -> None:
    """Another result under a key, sealed again."""
    path = Store(folder).path(key)
    tensors, about = read_tensors(path)
    change(tensors, about)
    write_tensors(path, tensors, about)


# -- names ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["../../x", "/etc/x", "a/b", "..", "a\0b", "x" * 300, "", 3, None])
def test_a_models_name_leads_nowhere(least: Any, copy: Path, name: Any) -> None:
    rewrite(copy, "experiment", "model", 0, "name", value=name)
    rewrite(copy, "weights", value={name: "x" * 32} if isinstance(name, str) else {})
    told = Told(least, copy, skip="resume")
    told.refused("status", "report", "show", "verify", "minimal", told="run.json")
    assert not (copy / "report").exists()


@pytest.mark.parametrize("label", ["../../../x", "/tmp/x", "x" * 5000, "\x1b[2J", "a\0b"])
def test_a_targets_name_leads_nowhere(least: Any, copy: Path, label: str) -> None:
    before = {p for p in copy.parent.rglob("*") if copy not in p.parents}
    rewrite(copy, "experiment", "target", "labels", 0, value=label)
    path, kappa = copy / "rows.parquet", copy / "tolerance.json"
    table = rows.read(path).with_columns(target=pl.lit(label))
    rows.write(path, [table], rows.about(path))
    rewrite(copy, "values", value={label: 0.5}, name=kappa.name)
    told = Told(least, copy, skip="minimal resume", drawn=True)
    told.refused("verify")
    assert {p for p in copy.parent.rglob("*") if copy not in p.parents} == before
    if (copy / "report").exists():
        assert all(".." not in p.name.partition(".")[0] for p in (copy / "report").iterdir())


@pytest.mark.parametrize(
    "key",
    ["../../../etc/passwd", "../../run.json", "/etc/passwd", "", "x" * 32, "A" * 32, "0" * 32],
)
def test_a_jobs_name_in_the_rows_leads_nowhere(least: Any, copy: Path, key: str) -> None:
    path = copy / "rows.parquet"
    rows.write(path, [rows.read(path).with_columns(job=pl.lit(key))], rows.about(path))
    told = Told(least, copy, skip="status diff show minimal resume")
    told.refused("report", "verify", told=key)


@pytest.mark.parametrize("role", ["targets", "crafted", "model"])
@pytest.mark.parametrize("key", ["../../../etc/passwd", "0" * 32])
def test_a_jobs_name_in_a_result_leads_nowhere(least: Any, copy: Path, role: str, key: str) -> None:
    for one in Store(copy):
        if Store(copy).about(one)["kind"] == "score":
            alter(copy, one, lambda _, about: about["needs"].update({role: key}))
    told = Told(least, copy, skip="status diff show minimal resume")
    told.refused("verify", *(["report"] if role != "model" else []), told=key)


# -- links ----------------------------------------------------------------------------------

LINKS = [
    "run.json", "jobs", "rows.parquet", "minimal.parquet", "tolerance.json", "models",
    "models/a.json", "models/a.safetensors", "report", "checkpoints", "failed", "damaged", "lock",
    "tensorboard", "nulls.parquet", "limits.json",
]  # fmt: skip
REFUSES = {
    "run.json": "status diff report show minimal verify resume",
    "jobs": "status report verify resume",
    "rows.parquet": "diff report show verify resume",
    "minimal.parquet": "minimal verify resume",
    "tolerance.json": "status diff report show verify resume",
    "models": "report show verify resume",
    "models/a.json": "report show verify resume",
    "models/a.safetensors": "verify resume",
    "report": "report",
    "checkpoints": "resume",
    "failed": "status",
    "damaged": "status",
    "lock": "status resume",
    "tensorboard": "resume",
    "nulls.parquet": "verify resume",
    "limits.json": "verify resume",
}


def seen(folder: Path) -> dict[Path, Any]:
    return {
        p: (p.stat().st_mtime_ns, p.stat().st_atime_ns, p.is_file() and p.read_bytes())
        for p in [folder, *sorted(folder.rglob("*"))]
    }


@pytest.mark.parametrize("name", LINKS)
def test_a_link_out_of_the_folder_is_neither_read_nor_written_through(
    least: Any, copy: Path, tmp_path: Path, name: str
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    inside = copy / name
    if inside.exists():
        shutil.move(inside, elsewhere / "real")
        inside.symlink_to(elsewhere / "real")
    else:
        inside.symlink_to(elsewhere)
    before = seen(elsewhere)
    if name == "checkpoints":  # something to train
        Store(copy).path(one_of(copy, "train")).unlink()
    if name == "tensorboard":
        with pytest.raises(FeintError, match="is a link"):
            least.run(copy, tensorboard=True).check()
        return
    told = Told(least, copy)
    told.refused(*REFUSES[name].split(), told="is a link")
    assert seen(elsewhere).keys() == before.keys()
    assert {p: v[2] for p, v in seen(elsewhere).items()} == {p: v[2] for p, v in before.items()}
    assert inside.is_symlink()


def test_a_link_to_nothing_is_not_filled(least: Any, copy: Path, tmp_path: Path) -> None:
    for name in ("run.json", "tolerance.json", "rows.parquet", "minimal.parquet"):
        (copy / name).unlink()
        (copy / name).symlink_to(tmp_path / f"new {name}")
    told = Told(least, copy)
    told.refused(*told.of)
    assert not list(tmp_path.glob("new*"))


def test_a_run_behind_a_link_of_the_users_own_is_fine(
    least: Any, copy: Path, tmp_path: Path
) -> None:
    (tmp_path / "mine").symlink_to(copy)
    assert verify(tmp_path / "mine").ok
    least.whole(tmp_path / "mine")


# -- files that are none --------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, kind",
    [
        *product(
            ["run.json", "rows.parquet", "nulls.parquet", "minimal.parquet", "job"],
            ["pipe", "zero"],
        ),
        *product(["tolerance.json", "limits.json", "models/a.json"], ["pipe"]),
        *product(["run.json", "rows.parquet", "job"], ["folder"]),
    ],
)
def test_what_is_no_file_does_not_hang(least: Any, copy: Path, name: str, kind: str) -> None:
    path = copy / name if name != "job" else Store(copy).path(one_of(copy, "targets"))
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "zero":
        path.symlink_to("/dev/zero")
    else:
        path.mkdir()
    told = Told(least, copy, skip="report diff")
    told.refused("minimal" if name == "minimal.parquet" else "verify")
    if name in ("run.json", "rows.parquet", "tolerance.json", "models/a.json"):
        told.refused("show", told=str(path))


TEXTS = {
    "nested lists": b"[" * 10**5 + b"]" * 10**5,
    "nested just so": b'{"a":' * 400 + b"1" + b"}" * 400,
    "nested open": b'{"a":' * 10**5,
    "huge": b'{"a": "' + b"x" * 9 * 2**20 + b'"}',
    "a long number": b'{"a": ' + b"9" * 10**5 + b"}",
    "no number": b'{"schema": NaN}',
    "a list": b"[]",
    "no text": b"\xff\xfe\x00",
    "nothing": b"",
}


@pytest.mark.parametrize(
    "name, text",
    [
        *product(["run.json"], TEXTS),
        *product(["tolerance.json", "models/a.json"], ["nested just so", "a list"]),
    ],
)
def test_json_that_is_none_is_refused(least: Any, copy: Path, name: str, text: str) -> None:
    (copy / name).write_bytes(TEXTS[text])
    told = Told(least, copy, skip="report resume")
    told.refused("verify", "show", told=str(copy / name.removesuffix(".json")))


@pytest.mark.parametrize(
    "path, value",
    [
        (("feature_spec", "fps"), 0),
        (("feature_spec", "fps"), -1.0),
        (("feature_spec", "fps"), 1e300),
        (("feature_spec", "fps"), "fast"),
        (("feature_spec", "scale"), [0.0, 1.0, 1.0]),
        (("feature_spec", "scale"), [1.0]),
        (("feature_spec", "offset"), ["x", 0.0, 0.0]),
        (("feature_spec", "root"), "tail"),
        (("feature_spec", "bones"), []),
        (("feature_spec", "bones"), [["head", "tail"]]),
        (("feature_spec", "bones"), [["head"]]),
        (("feature_spec", "joints"), []),
        (("feature_spec", "joints"), [["head"]]),
        (("feature_spec", "axes"), []),
        (("feature_spec",), {}),
    ],
    ids=str,
)
def test_a_skeleton_that_is_none_is_refused(
    least: Any, copy: Path, path: tuple[str, ...], value: Any
) -> None:
    rewrite(copy, *path, value=value)
    Told(least, copy, skip="status diff show minimal resume").refused("report", "verify")


@pytest.mark.parametrize(
    "comparison",
    [None, 3, [], {}, {"unit": "cm"}, {"error": "x"}, {"trivial": 3}, {"trivial": {"a": "x"}}],
    ids=str,
)
def test_a_damaged_baseline_comparison_is_refused(least: Any, copy: Path, comparison: Any) -> None:
    told = read_json(copy / "models" / "a.json")
    whole = isinstance(comparison, dict) and comparison and "unit" not in comparison
    told["metadata"]["baselines"] = (
        {**told["metadata"]["baselines"], **comparison} if whole else comparison
    )
    write_json(copy / "models" / "a.json", told)
    Told(least, copy, skip="verify resume").refused("report", "show", told="a.json")


@pytest.mark.parametrize("about", [None, 3, [], "x"], ids=str)
def test_a_model_that_tells_nothing_is_refused_or_written_anew(
    least: Any, copy: Path, about: Any
) -> None:
    rewrite(copy, "metadata", value=about, name="models/a.json")
    told = Told(least, copy, skip="verify")
    told.refused("show")
    assert not told.of["resume"]
    terminal.show(copy)


# -- tables ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "columns",
    [
        {"row": 10**6},
        {"frames": 10**9},
        {"eps": 1e300},
        {"distance_frame": 1e300},
        {"surrogate": "../x"},
        {"victim": "<script>alert(1)</script>"},
        {"sequence": "\x1b[2J"},
        {"true_class": "punching"},
        {"clean_success": 1, "distance_reduction": "x", "success": None, "distance": 3.0},
        {"attack": "attack"},
        {"frames": 1},
    ],
    ids=str,
)
def test_rows_that_lie_are_refused_or_told(least: Any, copy: Path, columns: dict[str, Any]) -> None:
    path = copy / "rows.parquet"
    table = rows.read(path).with_columns(**{k: pl.lit(v) for k, v in columns.items()})
    rows.write(path, [table], rows.about(path))
    told = Told(least, copy, skip="status minimal resume", drawn="eps" in columns)
    if "clean_success" in columns:  # of nobody's: left out
        assert not any(v for k, v in told.of.items() if k != "verify"), told.of
    else:
        told.refused("verify")
    written = copy / "report" / "index.html"
    assert not written.exists() or "<script>alert" not in written.read_text()


# -- results --------------------------------------------------------------------------------

Change = Callable[[dict[str, torch.Tensor], dict[str, Any]], Any]


def with_tensor(name: str, make: Callable[[torch.Tensor], torch.Tensor]) -> Change:
    return lambda tensors, _: tensors.update({name: make(tensors[name])})


def told_as(name: str, value: Any) -> Change:
    return lambda _, about: about.update({name: value})


def setting(name: str, value: Any) -> Change:
    return lambda _, about: about["settings"].update({name: value})


HEAD = "head.weight"
RESULTS: dict[str, tuple[str, Change]] = {
    "weights that are no number": ("train", with_tensor(HEAD, lambda t: t * torch.nan)),
    "weights of another shape": ("train", with_tensor(HEAD, lambda t: t[:-1])),
    "weights of whole numbers": ("train", with_tensor(HEAD, torch.Tensor.long)),
    "no weights": ("train", lambda tensors, _: tensors.clear()),
    "a model that is none": ("train", told_as("model", "Net")),
    "a model without settings": ("train", told_as("settings", [])),
    "a model too wide": ("train", setting("width", 10**9)),
    "a model too deep": ("train", setting("depth", 10**9)),
    "a width below 0": ("train", setting("width", -1)),
    "no baselines": ("baselines", told_as("baselines", 3)),
    "a tolerance that is none": ("tolerance", told_as("tolerance", {"values": "x"})),
    "targets of no rank": ("targets", with_tensor("x", lambda t: t.flatten())),
    "targets of doubles": ("targets", with_tensor("x", torch.Tensor.double)),
    "targets of no number": ("targets", with_tensor("targets", lambda t: t * torch.nan)),
    "targets too short": ("targets", with_tensor("targets", lambda t: t[:, :3])),
    "targets of fewer": ("targets", with_tensor("reactor", lambda t: t[:1])),
    "targets without lengths": ("targets", with_tensor("lengths", lambda t: t * 0)),
    "targets of long lengths": ("targets", with_tensor("lengths", lambda t: t + 2**40)),
    "targets with too few names": ("targets", told_as("keys", ["x"])),
    "a perturbation of no number": ("attack", with_tensor("changed", lambda t: t * torch.nan)),
    "a perturbation of halves": ("attack", with_tensor("changed", torch.Tensor.half)),
    "a perturbation of no coordinate": ("noise", with_tensor("coords", lambda t: t & False)),
    "a perturbation by numbers": ("attack", with_tensor("coords", torch.Tensor.long)),
    "answers of another rank": ("score", with_tensor("values", lambda t: t[0])),
    "answers of no number": ("score", with_tensor("values", lambda t: t * torch.nan)),
    "answers too narrow": ("score", with_tensor("values", lambda t: t[..., :7])),
    "another kind": ("score", told_as("kind", "attack")),
    "no kind": ("score", told_as("kind", None)),
    "no rows": ("score", told_as("rows", None)),
    "rows of rows": ("score", told_as("rows", {"eps": [[1.0], [2.0]]})),
    "rows of other columns": ("score", told_as("rows", {"mine": ["x", "y"]})),
    "rows with columns of the table's": ("score", told_as("rows", {"row": [1], "job": [1]})),
    "no needs": ("score", told_as("needs", {})),
    "needs that are none": ("score", told_as("needs", {"targets": 3})),
    "no settings": ("score", told_as("settings", {})),
}


@pytest.mark.parametrize("kind, change", RESULTS.values(), ids=RESULTS)
def test_a_result_that_was_forged_is_refused_or_told(
    least: Any, copy: Path, kind: str, change: Change
) -> None:
    """Sealed again, so that only what it says can give it away."""
    forged = [key for key in Store(copy) if Store(copy).about(key)["kind"] == kind]
    for key in forged:
        alter(copy, key, change)
    skip = "" if kind in ("targets", "attack", "noise", "score") else "report"
    looked = Told(least, copy, skip=f"{skip} status diff show minimal resume")
    assert Store(copy).n_quarantined == 0
    for name in ("rows.parquet", "minimal.parquet", "models/a.json"):
        (copy / name).unlink(missing_ok=True)  # so that the run has to read its results again
    resumed = Told(least, copy, skip="status diff report show minimal verify")
    told = {**looked.of, **resumed.of}
    if not any(told.values()):  # it was found out, set aside and done again
        assert (copy / "damaged").is_dir()
        assert verify(copy).ok


def test_forged_weights_do_not_pass_for_the_models(least: Any, copy: Path) -> None:
    alter(copy, one_of(copy, "train"), with_tensor(HEAD, lambda t: t + 1))
    Told(least, copy, "status diff report show minimal resume").refused(
        "verify", told="other weights"
    )


# -- tensors that are none ------------------------------------------------------------------


def safetensors(
    header: dict[str, Any] | bytes, data: bytes = b"", size: int | None = None
) -> bytes:
    """A file with any header, sealed."""
    if isinstance(header, dict):
        header = json.dumps(
            {"__metadata__": {"about": "{}", "checksum": BLANK_CHECKSUM}, **header}
        ).encode()
    told = struct.pack("<Q", len(header) if size is None else size)
    return (
        add_checksum(told + header + data)
        if BLANK_CHECKSUM.encode() in header
        else told + header + data
    )


def tensor(shape: list[Any], begin: Any, end: Any, dtype: Any = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


DEEP = "[" * 10**5 + "]" * 10**5
FORGED: dict[str, bytes] = {
    "a header of 2^60 bytes": safetensors({}, size=2**60),
    "a header of 2^64 - 1 bytes": safetensors({}, size=2**64 - 1),
    "a header of nothing": safetensors({}, size=0),
    "a header longer than the file": safetensors({}, size=10**6),
    "a header of 100 MB": safetensors(b" " * 10**8),
    "a header of brackets": safetensors(b"[" * (4 * 2**20 - 8)),
    "a nested header": safetensors(DEEP.encode()[: 2**20]),
    "a header that is no text": safetensors(b"\xff" * 100),
    "a header that is a list": safetensors(b"[1, 2]"),
    "nested words about it": safetensors(
        json.dumps({"__metadata__": {"about": DEEP, "checksum": BLANK_CHECKSUM}}).encode()
    ),
    "words about it that are none": safetensors(
        json.dumps({"__metadata__": {"about": 3, "checksum": BLANK_CHECKSUM}}).encode()
    ),
    "no words about it": safetensors(
        json.dumps({"__metadata__": {"checksum": BLANK_CHECKSUM}}).encode()
    ),
    "too little data": safetensors({"a": tensor([4], 0, 16)}, b"1234"),
    "too much data": safetensors({"a": tensor([1], 0, 4)}, b"12345678"),
    "one over another": safetensors({"a": tensor([2], 0, 8), "b": tensor([2], 4, 12)}, b"x" * 12),
    "a hole": safetensors({"a": tensor([1], 0, 4), "b": tensor([1], 8, 12)}, b"x" * 12),
    "it ends before it begins": safetensors({"a": tensor([1], 4, 0)}, b"x" * 4),
    "an offset below 0": safetensors({"a": tensor([1], -4, 0)}, b"x" * 4),
    "an offset of 2^70": safetensors({"a": tensor([1], 0, 2**70)}, b"x" * 4),
    "a shape too large": safetensors({"a": tensor([2**32, 2**32], 0, 4)}, b"x" * 4),
    "a shape that overflows": safetensors({"a": tensor([2**63, 2, 2**63], 0, 0)}),
    "a shape that overflows to little": safetensors(
        {"a": tensor([2**62 + 1, 4], 0, 16)}, b"x" * 16
    ),
    "a size below 0": safetensors({"a": tensor([-1, -4], 0, 16)}, b"x" * 16),
    "another type": safetensors({"a": tensor([1], 0, 4, "F33")}, b"x" * 4),
    "a type of half bytes": safetensors({"a": tensor([2], 0, 1, "F4")}, b"x"),
    "a type that is none": safetensors({"a": tensor([1], 0, 4, 3)}, b"x" * 4),
    "no shape": safetensors({"a": {"dtype": "F32", "data_offsets": [0, 4]}}, b"x" * 4),
    "a tensor that is none": safetensors({"a": 3}),
}
HARMLESS = {
    "a shape of nothing": safetensors({"a": tensor([2**40, 0], 0, 0)}),
    "no tensor": safetensors({}),
}


@pytest.mark.parametrize("content", FORGED.values(), ids=FORGED)
def test_tensors_that_are_none_are_refused_wherever_they_are_read(
    tmp_path: Path, content: bytes
) -> None:
    store = Store(tmp_path)
    path = store.path("0" * 32)
    path.parent.mkdir(parents=True)
    for ask in (store.get, store.read):
        path.write_bytes(content)
        with pytest.raises(FeintError, match="Could not read"):
            ask("0" * 32)
    path.write_bytes(content)
    with pytest.raises(FeintError, match="Could not read"):
        read_tensors(path)
    assert store.n_quarantined == 2


@pytest.mark.parametrize("content", HARMLESS.values(), ids=HARMLESS)
def test_what_is_odd_and_harmless_is_read_and_no_result(tmp_path: Path, content: bytes) -> None:
    store = Store(tmp_path)
    path = store.path("0" * 32)
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    assert sum(t.nbytes for t in read_tensors(path)[0].values()) == 0
    with refused("damaged-file", error=DamagedError):
        store.read("0" * 32)


class Touch:
    """Unpickled, it leaves a mark."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.mark,)


@pytest.fixture
def mark(tmp_path: Path) -> Iterator[Path]:
    """A file that is there only if a pickle was loaded."""
    mark = tmp_path / "executed"
    pickle.loads(pickle.dumps(Touch(mark)))  # noqa: S301  (this one would do it)
    assert mark.exists()
    mark.unlink()
    yield mark
    assert not mark.exists()


def pickles(mark: Path) -> Iterator[bytes]:
    """A pickle, as torch saves it, as numpy does, and as one with a seal."""
    buffer = io.BytesIO()
    torch.save({"head.weight": Touch(mark)}, buffer)
    yield buffer.getvalue()
    yield pickle.dumps(Touch(mark))
    yield add_checksum(pickle.dumps(Touch(mark)) + BLANK_CHECKSUM.encode())
    buffer = io.BytesIO()
    np.save(buffer, np.array([Touch(mark)], dtype=object), allow_pickle=True)
    yield buffer.getvalue()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Touch(mark)))
    yield buffer.getvalue()


def test_a_pickle_under_another_name_is_refused_and_never_executed(
    least: Any, copy: Path, mark: Path
) -> None:
    for content in pickles(mark):
        for path in (
            copy / "models" / "a.safetensors",
            copy / "checkpoints" / f"{one_of(copy, 'train')}.safetensors",
            *(Store(copy).path(one_of(copy, kind)) for kind in ("targets", "attack", "score")),
            copy / "rows.parquet",
            copy / "run.json",
            copy / "tolerance.json",
            copy / "models" / "a.json",
        ):
            before = path.read_bytes() if path.exists() else None
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
            for ask in (read_tensors, read_json, rows.read):
                with pytest.raises(FeintError):
                    ask(path)
            if path.parent.name == "models":
                with pytest.raises(FeintError):
                    checkpoints.load(copy / "models" / "a")
            path.unlink()
            if before is not None:
                path.write_bytes(before)
    train = one_of(copy, "train")
    for path in (Store(copy).path(train), copy / "checkpoints" / f"{train}.safetensors"):
        path.write_bytes(content)
    told = Told(least, copy, skip="report")
    told.refused("verify")
    assert not told.of["resume"]  # it was set aside, and trained again
    assert verify(copy).ok


def test_no_source_of_feint_unpickles() -> None:
    bad = (
        r"import (pickle|marshal|shelve|joblib|dill)|(?<!safetensors\.)\btorch\.load\(|allow_pickle"
    )
    for path in Path(feint.__file__).parent.rglob("*.py"):
        assert not re.search(bad, path.read_text()), path


# -- memory ---------------------------------------------------------------------------------

CHILD = """
import json, sys
from pathlib import Path
from feint.evaluation import rows
from feint.errors import DamagedError, FeintError
from feint.io.sealed import read_json, read_tensors
from feint.models import checkpoints

def peak(name):
    told = Path("/proc/self/status").read_text()
    return int(told.partition(name)[2].split()[0]) // 1024

rows.free_memory = lambda: 2**30  # the same on every machine
readers = {"tensors": read_tensors, "json": read_json, "rows": rows.read, "model": checkpoints.load}
for line in sys.stdin:
    kind, path = json.loads(line)
    Path("/proc/self/clear_refs").write_text("5")
    before, told = peak("VmRSS:"), ""
    try:
        readers[kind](Path(path))
    except FeintError as error:
        told = str(error)
    print(json.dumps([peak("VmHWM:") - before, told]), flush=True)
"""


def bombs(folder: Path) -> dict[str, str]:
    """Small files that could become large, and who reads each."""
    made: dict[str, str] = {}

    def put(name: str, kind: str, content: bytes) -> None:
        (folder / name).write_bytes(content)
        made[name] = kind

    def table(name: str, columns: Any, **knobs: Any) -> None:
        buffer = io.BytesIO()
        knobs = {"compression": "none", "store_schema": False, **knobs}
        with pq.ParquetWriter(buffer, columns.schema, **knobs) as writer:
            for _ in range(10 if name == "a hundred million rows" else 1):
                writer.write_table(columns, row_group_size=10**7)
            writer.add_key_value_metadata({"feint": b'{"schema": 1}', "checksum": BLANK_CHECKSUM})
        put(name, "rows", add_checksum(buffer.getvalue()))

    table("a hundred million rows", pa.table({"a": pa.array(np.zeros(10**7, np.bool_))}))
    table("a long string", pa.table({"a": ["x" * 10**6] * 200}))
    table("one letter", pa.table({"a": ["x" * 2 * 10**8]}), compression="zstd")
    table("prefixes", pa.table({"a": ["x" * 10**6] * 200}), use_dictionary=False,
          column_encoding={"a": "DELTA_BYTE_ARRAY"})  # fmt: skip
    for i, name in enumerate(name for name in FORGED if "header" in name or "shape" in name):
        put(f"tensors {i}", "tensors", FORGED[name])
    put("nested json", "json", TEXTS["nested lists"])
    put("many lists", "json", b"[" + b"[]," * 2 * 10**6 + b"[]]")
    put("huge json", "json", b"[" + b"[]," * 3 * 10**6 + b"[]]")
    put("seals", "json", BLANK_CHECKSUM.encode() * 10**5)
    checkpoints.save(feint.TCN(6, 3, width=2, depth=1), folder / "model")
    for name, value in (("width", 30_000), ("depth", 10**8), ("kernel", 10**9)):
        shutil.copy(folder / "model.json", folder / f"{name}.json")
        shutil.copy(folder / "model.safetensors", folder / f"{name}.safetensors")
        rewrite(folder, "settings", name, value=value, name=f"{name}.json")
        tensors, about = read_tensors(folder / f"{name}.safetensors")
        about["settings"][name] = value
        write_tensors(folder / f"{name}.safetensors", tensors, about)
        made[name] = "model"
    return made


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux's /proc")
def test_no_small_file_takes_much_memory(tmp_path: Path) -> None:
    made = bombs(tmp_path)
    asked = "".join(json.dumps([kind, str(tmp_path / name)]) + "\n" for name, kind in made.items())
    done = subprocess.run(
        [sys.executable, "-c", CHILD], input=asked, capture_output=True, text=True, timeout=50
    )
    assert done.returncode == 0, done.stderr
    found = dict(zip(made, map(json.loads, done.stdout.splitlines()), strict=True))
    assert [name for name, (_, told) in found.items() if not told] == []
    most = 250  # MiB, of them 100 for the largest of the files themselves
    assert {name: grown for name, (grown, _) in found.items() if grown > most} == {}


def test_a_result_of_forged_size_is_no_result(tmp_path: Path) -> None:
    """A sealed result may be as large as it likes to say; it is read by what it holds."""
    store = Store(tmp_path)
    about = {"schema": 1, "key": "0" * 32, "kind": "score", "settings": {}, "needs": {}}
    about |= {"group": "", "name": "x" * 10**6}
    path = store.path("0" * 32)
    path.parent.mkdir(parents=True)
    path.write_bytes(pack({"values": torch.zeros(0, 2**40, 3)}, about))
    tensors, _ = store.read("0" * 32)
    assert tensors["values"].nbytes == 0
