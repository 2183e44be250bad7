"""What reads other people's files ends in a value or in a FeintError, soon and in little memory."""

import contextlib
import io
import json
import time
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.data import written

from feint.attacks.target_curves import read_curve
from feint.data.config import TableData
from feint.data.formats import keypoints
from feint.data.formats.bvh import parse_bvh
from feint.data.formats.cells import TableFormat
from feint.data.formats.keypoints import parse_keypoints
from feint.data.formats.npz import parse_arrays
from feint.data.formats.ntu import parse_ntu
from feint.data.formats.recording import ReadOptions
from feint.data.formats.skeletons import read_skeleton
from feint.data.formats.tables import read_table
from feint.data.listing import recordings
from feint.data.series_load import load_windows
from feint.errors import FeintError
from feint.experiments import config_file
from feint.io.csv_reader import CsvFormat
from feint.skeleton import SBU_15

PEOPLE = [np.random.default_rng(i).normal(0, 0.3, (3, 15, 3)).round(3) for i in range(2)]
TOML = """
name = "a"
[data]
source = "windows"
inputs = ["a", "b"]
outputs = ["c"]
input_size = 8
test_sets = ["x-1"]
units = { a = "kW" }
[[model]]
kind = "TCN"
[attack]
eps = [0.1, 0.2]
columns = ["a"]
bounds = { a = [0, 9] }
[[target.curves]]
name = "up"
kind = "ramp"
by = [1.0]
"""
SKELETON = """
joints = ["a", "b"]
bones = [["a", "b"]]
root = "a"
axes = ["x", "y"]
"""
CSV = "date,a,b\n2024-01-01 00:00:00,1,2\n2024-01-01 01:00:00,3,\n2024-01-01 02:00:00,5,6.5\n"


def npz() -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, keypoint=np.stack(PEOPLE).astype(np.float32), fps=15.0)
    return file.getvalue()


def parquet(**knobs: Any) -> bytes:
    file = io.BytesIO()
    pq.write_table(pl.read_csv(io.StringIO(CSV)).to_arrow(), file, **knobs)
    return file.getvalue()


LOGGER = (
    '# by a logger\n"when";"who";"a";"b"\nh;;kW;kW\n31.01.2024 23:00;x;1.234,5;?\n\n'
    '"01.02.2024 00:00";x;-200;True\n;;;\n'
)
BLANKS = TableFormat(CsvFormat(" ", names=("t", "a", "b")))
LAYOUT = TableFormat(
    CsvFormat(";", names_line=2, first_line=4), ",", ".", ("?", -200.0), {"True": 1.0},
    "%d.%m.%Y %H:%M",
)  # fmt: skip


def windows(content: bytes, folder: Path) -> None:
    """From bytes to windows: tracks, even steps and float32 as well."""
    (folder / "w.csv").write_bytes(content)
    words = {"inputs": ("a",), "outputs": ("b",), "time": "t", "track": "i", "input_size": 2}
    root = folder / "w.csv"
    load_windows(TableData(source="windows", root=root, test_sets=("w-x",), resample=True, **words))


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


def through(name, read):
    """A reader of paths, given bytes."""

    def parse(content: bytes, folder: Path) -> None:
        (folder / name).write_bytes(content)
        read(folder / name)

    return parse


def from_folder(content: bytes, folder: Path) -> None:
    (folder / "a.bvh").write_text("")
    (folder / "pairs.csv").write_bytes(content)
    recordings(folder, "bvh")


def from_frames(content: bytes, folder: Path) -> None:
    """A folder of frames, of which one is damaged."""
    frames = folder / "frames"
    frames.mkdir(exist_ok=True)
    (frames / "a_000_keypoints.json").write_bytes(OPENPOSE)
    (frames / "a_001_keypoints.json").write_bytes(content)
    keypoints.read(frames, ReadOptions())


OPENPOSE = json.dumps(
    {"people": [{"person_id": [-1], "pose_keypoints_2d": [4.0, 5.0, 0.9] * 25}]}
).encode()
LANDMARK = {"x": 0.4, "y": 0.5, "z": 0.1, "visibility": 0.9}
MEDIAPIPE = [
    {"timestamp_ms": 33.3 * t, "landmarks": [[LANDMARK] * 3], "worldLandmarks": [[LANDMARK] * 3]}
    for t in range(3)
]
MMPOSE = {
    "meta_info": {"keypoint_id2name": {"0": "a", "1": "b"}, "skeleton_links": [[0, 1]]},
    "instance_info": [
        {
            "frame_id": t,
            "instances": [{"keypoints": [[1.5, 2.5], [3.5, 4.5]], "keypoint_scores": [0.9, 0.8]}],
        }
        for t in range(3)
    ],
}
ALPHAPOSE = [
    {"image_id": f"{t}.jpg", "category_id": 1, "keypoints": [9.0, 8.0, 0.9] * 17, "idx": [1.0]}
    for t in range(3)
]
TWO_ROOTS = (
    "HIERARCHY\n"
    + "".join(
        f"ROOT {who}Hips\n{{\nOFFSET 0 0 0\nCHANNELS 3 Xposition Yposition Zposition\n"
        f"JOINT {who}Head\n{{\nOFFSET 0 9 0\nCHANNELS 1 Xrotation\nEnd Site\n"
        "{\nOFFSET 0 1 0\n}\n}\n}\n"
        for who in ("Anna:", "Ben:")
    )
    + "MOTION\n\nFrames: 2\nFrame Time: 0.04\n1 2 3 4 5 6 7 8\n1 2 3 4 5 6 7 8\n"
)


def keypoint_seed(document: object) -> tuple[bytes, object]:
    content = json.dumps(document).encode()
    return content, lambda b, _: parse_keypoints(b, "x", ReadOptions(image_size=(640, 480)))


SEEDS = {
    "mediapipe": keypoint_seed(MEDIAPIPE),
    "mmpose": keypoint_seed(MMPOSE),
    "alphapose": keypoint_seed(ALPHAPOSE),
    "openpose": (OPENPOSE, from_frames),
    "two roots": (TWO_ROOTS.encode(), lambda b, _: parse_bvh(b, "x", "a")),
    "bvh": (written.bvh(PEOPLE[0], SBU_15, 15.0).encode(), lambda b, _: parse_bvh(b, "x", "a")),
    "json": (
        written.keypoints(PEOPLE, 15.0, True).encode(),
        lambda b, _: parse_keypoints(b, "x", ReadOptions(depth=True)),
    ),
    "coco": (
        json.dumps([{"image_id": i, "keypoints": [1, 2, 1] * 3} for i in range(3)]).encode(),
        lambda b, _: parse_keypoints(b, "x", ReadOptions()),
    ),
    "ntu": (written.ntu(PEOPLE).encode(), lambda b, _: parse_ntu(b, "x")),
    "npz": (npz(), lambda b, _: parse_arrays(b, "x")),
    "csv": (CSV.encode(), through("t.csv", lambda p: read_table(p, ["a", "b"], "date"))),
    "parquet": (parquet(), through("t.parquet", lambda p: read_table(p, ["a", "b"], "date"))),
    "csv of a logger": (
        LOGGER.encode(),
        through("l.csv", lambda p: read_table(p, ["a", "b"], "when", "who", LAYOUT)),
    ),
    "csv with blanks": (
        b"0 1.0  2\n1 2 3\n",
        through("b.txt", lambda p: read_table(p, ["a", "b"], "t", layout=BLANKS)),
    ),
    "windows": (
        b"t,i,a,b\n" + b"".join(b"%d,%c,%d,1\n" % (i, 120 + i % 2, i) for i in range(9)),
        windows,
    ),
    "parquet of pages": (
        parquet(compression="snappy", data_page_version="2.0", data_page_size=8),
        through("v.parquet", lambda p: read_table(p, ["a", "b"], "date")),
    ),
    "curve": (b"a\n1\n2\n3.5\n", through("c.csv", read_curve)),
    "pairs": (b"first,second,label\na.bvh,a.bvh,x\n", from_folder),
    "skeleton": (SKELETON.encode(), through("s.toml", read_skeleton)),
    "toml": (TOML.encode(), through("e.toml", config_file.read)),
}
WORDS = [
    *b"\x00 { } [ ] , 0".split(b" "),
    *(b"-1", b"1e999", b"nan", b"99999999999", b'"', b"\n", b"= ", b"\xff\xfe", b"End Site"),
    *(b"CHANNELS 6", b"true", b"null", b"''", b" "),
]


@st.composite
def damaged(draw, seed: bytes) -> bytes:
    """Valid content, some of it lost, doubled or replaced."""
    content = seed
    for _ in range(draw(st.integers(1, 4))):
        begin = draw(st.integers(0, len(content)))
        end = min(len(content), begin + draw(st.sampled_from([0, 1, 2, 5, 30, 400])))
        twice = st.just(content[begin:end] * 2)
        middle = draw(st.sampled_from(WORDS) | st.binary(max_size=4) | twice)
        content = content[:begin] + middle + content[end:]
    return content


@pytest.mark.parametrize("kind", SEEDS)
def test_damaged_files_are_read_or_refused(kind, path):
    seed, parse = SEEDS[kind]
    parse(seed, path)

    @settings(max_examples=120, database=None, suppress_health_check=list(HealthCheck))
    @given(damaged(seed) | st.binary(max_size=60))
    def check(content):
        with contextlib.suppress(FeintError):
            parse(content, path)

    check()


def bomb(shape: str, zeros: int) -> bytes:
    """An npz whose header says `shape` before so many zeros, compressed."""
    head = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}}}"
    head = head.ljust(117) + "\n"
    body = b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head.encode() + bytes(zeros)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("keypoint.npy", body)
    return file.getvalue()


def pickled() -> bytes:
    file = io.BytesIO()
    np.savez(file, keypoint=np.array([[[[{}]]]], dtype=object), allow_pickle=True)
    return file.getvalue()


HUGE = {
    "npz that says too much": ("npz", bomb("(9, 10**6, 99, 3)".replace("10**6", "1000000"), 100)),
    "npz that holds too much": ("npz", bomb("(1, 1, 1, 3)", 200_000_000)),
    "npz with objects": ("npz", pickled()),
    "bvh deep": (
        "bvh",
        b"HIERARCHY\nROOT a\n{\n" + b"JOINT a { OFFSET 0 0 0 " * 20_000 + b"MOTION\n",
    ),
    "bvh long": ("bvh", SEEDS["bvh"][0].replace(b"Frames: 3", b"Frames: 999999999")),
    "json deep": ("json", b"[" * 1_000_000),
    "json wide": ("json", b'{"frames": [' + b"[]," * 300_000 + b"[]]}"),
    "coco far": ("coco", b'[{"image_id": 0, "keypoints": []}, {"image_id": 99999999999}]'),
    "ntu many": ("ntu", b"99999999\n" + b"0\n" * 1000),
    "csv wide": ("csv", b"a," * 500_000 + b"b\n1\n"),
    "toml deep": ("toml", b"a = " + b"[" * 100_000),
    "skeleton deep": ("skeleton", b"a = " + b"[" * 100_000),
    "skeleton wide": ("skeleton", b'bones=[]\nroot="a"\njoints=[' + b'"a",' * 100_000 + b"]"),
}


@pytest.mark.parametrize("name", HUGE)
def test_what_would_grow_is_refused_before_it_does(name, path):
    kind, content = HUGE[name]
    tracemalloc.start()
    began = time.monotonic()
    with pytest.raises(FeintError):
        SEEDS[kind][1](content, path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200 * 2**20
    assert time.monotonic() - began < 20


ODD = [
    None,
    [],
    {},
    "",
    "x",
    "img_12.jpg",
    True,
    -1,
    0,
    0.5,
    1e300,
    10**20,
    [[]],
    [None],
    [1, 2],
    {"x": 1},
]


def replaced(value: object, at: list[int], odd: object) -> object:
    """A document whose part at this path is something else."""
    if not at or not isinstance(value, list | dict) or not value:
        return odd
    keys = list(range(len(value))) if isinstance(value, list) else list(value)
    key = keys[at[0] % len(keys)]
    copy = list(value) if isinstance(value, list) else dict(value)
    copy[key] = replaced(value[key], at[1:], odd)  # type: ignore[index]
    return copy


@pytest.mark.parametrize("document", [MEDIAPIPE, MMPOSE, ALPHAPOSE, json.loads(OPENPOSE)])
@pytest.mark.parametrize("depth", [False, True])
def test_keypoints_with_an_odd_part_are_read_or_refused(document, depth):
    @settings(max_examples=150, database=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.integers(0, 50), max_size=6), st.sampled_from(ODD))
    def check(at, odd):
        content = json.dumps(replaced(document, at, odd)).encode()
        with contextlib.suppress(FeintError):
            parse_keypoints(content, "x", ReadOptions(depth=depth, image_size=(9, 9)))

    check()
