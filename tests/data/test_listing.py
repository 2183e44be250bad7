"""Which recordings a folder holds: by label, by NTU's names, as folders of frames or of people."""

from pathlib import Path

import pytest
from tests.errors import refused

from feint.data.listing import recordings


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("")


def keys(root: Path, source: str) -> dict[str, list[str]]:
    found = recordings(root, source)
    return {one.key: [str(p.relative_to(root)) for p in one.files] for one in found}


def test_a_file_a_person_or_a_file_a_recording(tmp_path):
    touch(tmp_path, "wave/r1/a.bvh", "wave/r1/b.BVH", "push/r2/x.bvh", "push/r2/y.bvh")
    touch(tmp_path, "push/alone.bvh", "push/notes.txt")
    assert keys(tmp_path, "bvh") == {
        "alone/push/alone": ["push/alone.bvh"],
        "r1/wave/r1": ["wave/r1/a.bvh", "wave/r1/b.BVH"],
        "r2/push/r2": ["push/r2/x.bvh", "push/r2/y.bvh"],
    }


def test_a_file_a_frame(tmp_path):
    touch(tmp_path, *(f"wave/r1/c_{i:012}_keypoints.json" for i in range(2)))
    touch(tmp_path, *(f"wave/r2/{i}.json" for i in range(5)))
    touch(tmp_path, "wave/r3/anna.json", "wave/r3/ben.json")
    assert keys(tmp_path, "keypoints") == {
        "r1/wave/r1": ["wave/r1"],
        "r2/wave/r2": ["wave/r2"],
        "r3/wave/r3": ["wave/r3/anna.json", "wave/r3/ben.json"],
    }


def test_ntus_names_say_set_and_label(tmp_path):
    touch(tmp_path, "S001C002P003R001A050.skeleton", "readme.skeleton")
    assert list(keys(tmp_path, "ntu")) == ["P003/A050/S001C002P003R001A050"]


def test_pairs_csv_may_name_folders_of_frames(tmp_path):
    touch(tmp_path, *(f"day1/{who}/{i}.json" for who in "ab" for i in range(3)))
    (tmp_path / "pairs.csv").write_text("first,second,label,set\nday1/a,day1/b,wave,day1\n")
    assert keys(tmp_path, "keypoints") == {"day1/wave/day1-a": ["day1/a", "day1/b"]}


@pytest.mark.parametrize(
    "names, source, code, facts",
    [
        (
            ["wave/r1/a.bvh", "wave/r1/b.bvh", "wave/r1/c.bvh"],
            "bvh",
            "wrong-number-of-files",
            ["3"],
        ),
        (["wave/r1/a.txt"], "bvh", "wrong-number-of-files", ["0", "pairs.csv"]),
        (["wave/a.txt"], "arrays", "no-recordings", [".npz", "pairs.csv"]),
    ],
)
def test_what_is_no_recording_is_named(names, source, code, facts, tmp_path):
    touch(tmp_path, *names)
    with refused(code, facts):
        recordings(tmp_path, source)


def test_a_folder_that_is_not_there(tmp_path):
    with refused("no-data-folder", ["--data", "data.root"]):
        recordings(tmp_path / "gone", "bvh")
