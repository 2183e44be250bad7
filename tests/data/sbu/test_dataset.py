import contextlib
import shutil
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from tests.errors import refused

from feint.data.pairs import Interaction, pair
from feint.data.sbu import check, constants, dataset, files, write
from feint.errors import FeintError
from feint.skeleton import SBU_15

FINITE = st.floats(width=32, allow_nan=False, allow_infinity=False)


def interaction(key="s01s02/05/001", label=None, time=4, seed=0) -> Interaction:
    draw = torch.Generator().manual_seed(seed)
    first, second = torch.rand(2, time, 45, generator=draw) + 0.5
    name, category, _ = key.split("/")
    return Interaction(key, name, label or constants.ACTIONS[category], first, second)


def some() -> list[Interaction]:
    keys = ("s01s02/01/001", "s01s02/05/002", "s02s01/08/001", "s07s03/03/010")
    return [interaction(key, time=3 + i, seed=i) for i, key in enumerate(keys)]


def only_file(root: Path) -> Path:
    (path,) = root.rglob("skeleton_pos.txt")
    return path


def zip_sets(folder: Path, root: Path, prefix: bool = True) -> None:
    """Each set folder as <root>/<set>.zip, with an image beside the skeletons."""
    root.mkdir(exist_ok=True)
    for one in folder.iterdir():
        with zipfile.ZipFile(root / f"{one.name}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(one.rglob("skeleton_pos.txt")):
                name = path.relative_to(folder if prefix else one)
                archive.write(path, name)
                archive.writestr(str(name.with_name("depth_000001.png")), b"an image")


def assert_same(a: list[Interaction], b: list[Interaction]) -> None:
    assert [(one.key, one.set, one.label) for one in a] == [(x.key, x.set, x.label) for x in b]
    for one, other in zip(a, b, strict=True):
        assert torch.equal(one.first, other.first)
        assert torch.equal(one.second, other.second)


# What is known of the dataset


def test_folds_cover_the_21_sets_once():
    assert len(constants.SETS) == 21
    assert sorted(name for fold in constants.FOLDS for name in fold) == list(constants.SETS)
    assert sum(check.EXPECTED.values()) == 282


# The real data


def test_real_data_is_whole(sbu_root):
    report = check.check(sbu_root)
    assert report.ok, report
    assert (report.sequences, report.frames) == (282, 6822)
    assert [row[2] for row in report.rows] == [42, 43, 40, 41, 18, 21, 39, 38]
    assert report.warnings == ()


def test_real_data_splits_as_in_the_paper(sbu_root):
    interactions = dataset.read(sbu_root, constants.SETS)
    train, test = dataset.split(interactions)
    assert (len(train), len(test)) == (227, 55)
    assert (len(pair(train)), len(pair(test))) == (454, 110)
    assert sum(len(dataset.split(interactions, fold)[1]) for fold in constants.FOLDS) == 282


def test_real_bones_are_steadier_in_metres(sbu_root):
    people = [p for one in dataset.read(sbu_root) for p in (one.first, one.second)]
    parents = [SBU_15.joint(a) for a, _ in SBU_15.bones]
    children = [SBU_15.joint(b) for _, b in SBU_15.bones]

    def variation(lengths):
        """Coefficient of variation over time: the median over bones, then over people."""
        each = torch.stack([b.std(dim=0, correction=0) / b.mean(dim=0) for b in lengths])
        return each.median(dim=1).values.median().item()

    joints = [SBU_15.split(p) for p in people]
    raw = variation([(j[:, children] - j[:, parents]).norm(dim=-1) for j in joints])
    metres = variation([SBU_15.bone_lengths(p) for p in people])
    assert metres == pytest.approx(0.0067, abs=0.0002)
    assert raw == pytest.approx(0.0298, abs=0.0005)


def test_real_data_survives_writing(sbu_root, tmp_path):
    interactions = dataset.read(sbu_root)
    write.write(interactions, tmp_path)
    assert_same(dataset.read(tmp_path), interactions)


# Reading and writing


def test_write_then_read(tmp_path):
    write.write(some(), tmp_path, first_frame=7)
    assert_same(dataset.read(tmp_path), some())
    path = tmp_path / "s01s02" / "01" / "001" / "skeleton_pos.txt"
    assert path.read_text().splitlines()[2].startswith("9,")
    assert list(tmp_path.rglob("*.unfinished")) == []


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(values=npst.arrays(np.float32, st.tuples(st.integers(1, 3), st.just(90)), elements=FINITE))
def test_any_finite_float32_round_trips(tmp_path_factory, values):
    root = tmp_path_factory.mktemp("round")
    both = torch.from_numpy(values.copy())
    one = Interaction("s01s02/01/001", "s01s02", "approaching", both[:, :45], both[:, 45:])
    write.write([one], root)
    assert_same(dataset.read(root), [one])


@pytest.mark.parametrize("prefix", [True, False])
def test_zips_and_folders_read_the_same(tmp_path, prefix):
    write.write(some(), tmp_path / "folders")
    zip_sets(tmp_path / "folders", tmp_path / "zips", prefix)
    assert_same(dataset.read(tmp_path / "zips"), some())
    one_zip = tmp_path / "zips" / "s01s02.zip"
    assert_same(dataset.read(one_zip), some()[:2])
    assert_same(dataset.read(one_zip, ["s01s02"]), some()[:2])
    with refused("unknown-set", ["s02s01"]):
        dataset.read(one_zip, ["s02s01"])
    # A mix: one set as a folder, the others as zips; the folder goes before its own zip.
    shutil.copytree(tmp_path / "folders" / "s01s02", tmp_path / "zips" / "s01s02")
    one_zip.write_bytes(b"not even a zip")
    assert_same(dataset.read(tmp_path / "zips"), some())


def test_one_zip_of_many_sets(tmp_path):
    write.write(some(), tmp_path / "data")
    whole = Path(shutil.make_archive(str(tmp_path / "everything"), "zip", tmp_path / "data"))
    assert_same(dataset.read(whole), some())
    assert_same(dataset.read(whole, ["s07s03"]), some()[3:])


def test_other_files_are_ignored(tmp_path):
    write.write(some(), tmp_path)
    (tmp_path / "index.csv").write_text("set,category")
    (tmp_path / "notes.zip").write_bytes(b"x")
    (tmp_path / "s01s02" / "01" / "001" / "rgb_000001.png").write_bytes(b"x")
    (tmp_path / "s01s02" / "calibration").mkdir()
    assert_same(dataset.read(tmp_path), some())


def test_lenient_about_line_ends_only(tmp_path):
    write.write([interaction()], tmp_path)
    path = only_file(tmp_path)
    path.write_bytes(path.read_bytes().replace(b"\n", b", \r\n") + b"\r\n \n")
    assert_same(dataset.read(tmp_path), [interaction()])


def test_sets_are_picked_and_missed(tmp_path):
    write.write(some(), tmp_path)
    assert [one.set for one in dataset.read(tmp_path, ["s07s03", "s02s01"])] == ["s02s01", "s07s03"]
    with refused("unknown-set", ["s01s03, s01s07"]):
        dataset.read(tmp_path, ["s01s07", "s01s02", "s01s03"])
    with refused("not-a-list", ["['s01s02']"]):
        dataset.read(tmp_path, "s01s02")


def test_nothing_there(tmp_path):
    with refused("unknown-set"):
        dataset.read(tmp_path)
    with refused("no-data-folder"):
        dataset.read(tmp_path / "elsewhere")
    (tmp_path / "file").write_text("x")
    with refused("damaged-file"):
        dataset.read(tmp_path / "file")


# Damage


def replace_line(number: int, change):
    def damage(text: str) -> str:
        lines = text.splitlines(keepends=True)
        lines[number - 1] = change(lines[number - 1])
        return "".join(lines)

    return damage


def with_field(column: int, value: str):
    def change(line: str) -> str:
        fields = line.split(",")
        fields[column - 1] = value
        return ",".join(fields)

    return change


DAMAGE = {
    "a joint too few": (replace_line(2, lambda x: x.rsplit(",", 3)[0] + "\n"), 2, "got 88 comma"),
    "a joint too many": (replace_line(3, lambda x: x[:-1] + ",1,2,3\n"), 3, "got 94 comma"),
    "two trailing commas": (replace_line(1, lambda x: x[:-1] + ",,\n"), 1, "got 92 comma"),
    "a blank line inside": (replace_line(2, lambda x: "\n" + x), 2, "got 1 comma"),
    "words": (replace_line(4, with_field(17, "arm")), 4, "got 'arm' in column 17"),
    "nothing": (replace_line(4, with_field(17, "")), 4, "got '' in column 17"),
    "underscore": (replace_line(4, with_field(17, "1_0")), 4, "got '1_0' in column 17"),
    "nan": (replace_line(1, with_field(2, "NaN")), 1, "got 'NaN' in column 2"),
    "infinity": (replace_line(1, with_field(90, "-inf")), 1, "got '-inf' in column 90"),
    "beyond float32": (replace_line(1, with_field(2, "1e39")), 1, "got '1e39' in column 2"),
    "frame repeated": (replace_line(3, with_field(1, "2")), 3, "got frame 2 after frame 2"),
    "frame no number": (replace_line(3, with_field(1, "3.5")), 3, "got '3.5' as the frame"),
    "frame too big": (replace_line(3, with_field(1, "9" * 5000)), 3, "as the frame number"),
    "no text": (replace_line(2, with_field(3, "0.5\udcff")), 2, "bytes that are not text"),
    "a page": (lambda _: "<!DOCTYPE html>\n<html></html>\n", 1, "got 1 comma"),
    "empty": (lambda _: "", 1, "the file is empty"),
    "white": (lambda _: " \n\n", 1, "the file is empty"),
    "a huge line": (lambda _: "1," * 10**6, 1, "got a line of 2000000 bytes"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_reported_with_file_and_line(tmp_path, name):
    damage, line, what = DAMAGE[name]
    write.write([interaction()], tmp_path / "data")
    path = only_file(tmp_path)
    path.write_bytes(damage(path.read_text()).encode(errors="surrogateescape"))
    with pytest.raises(FeintError) as told:
        dataset.read(tmp_path / "data")
    assert f"{path}, line {line}: " in str(told.value)
    assert what in str(told.value)
    (finding,) = check.check(tmp_path / "data").damage[:1]
    assert (finding.file, finding.line) == (str(path), line)
    # The same inside a zip.
    zip_sets(tmp_path / "data", tmp_path / "zips")
    with refused("damaged-file", ["s01s02.zip/s01s02/05/001/", f"line {line}: "]):
        dataset.read(tmp_path / "zips")


def test_too_large_a_file(tmp_path, monkeypatch):
    write.write([interaction()], tmp_path / "data")
    zip_sets(tmp_path / "data", tmp_path / "zips")
    monkeypatch.setattr(files, "LARGEST_FILE", 100)
    for root in ("data", "zips"):
        with refused("damaged-file", ["100 bytes"]):
            dataset.read(tmp_path / root)


def test_a_folder_in_a_files_place(tmp_path):
    (tmp_path / "s01s02" / "01" / "001" / "skeleton_pos.txt").mkdir(parents=True)
    with refused("damaged-file"):
        dataset.read(tmp_path)


def test_zips_that_mislead(tmp_path):
    text = write._format(interaction(), 1)
    path = tmp_path / "s01s02.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("s02s01/01/001/skeleton_pos.txt", text)
    with refused("damaged-file", ["s02s01", "s01s02"]):
        dataset.read(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("01/001/skeleton_pos.txt", text)
        archive.writestr("s01s02/01/001/skeleton_pos.txt", text)
    with refused("damaged-file", ["s01s02/01/001"]):
        dataset.read(path)
    with refused("damaged-file"):
        dataset.read(path.rename(tmp_path / "mine.zip"))


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_mutations_raise_nothing_but_feint_errors(tmp_path_factory, data):
    root = tmp_path_factory.mktemp("mutated")
    write.write([interaction(time=2)], root)
    path = only_file(root)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(content)))
        end = start + data.draw(st.integers(0, 20))
        content[start:end] = data.draw(
            st.one_of(
                st.binary(max_size=8),
                st.text(",.-+eE_ \t\r\n0123456789nainfNAN", max_size=8).map(str.encode),
            )
        )
    path.write_bytes(content)
    try:
        (one,) = dataset.read(root)
    except FeintError as error:
        assert "skeleton_pos.txt" in str(error)  # noqa: PT017
    else:
        assert one.first.isfinite().all()
        assert one.second.isfinite().all()
    assert len(check.check(root).damage) <= files.MOST_PROBLEMS + 1


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_mutated_zips_raise_nothing_but_feint_errors(tmp_path_factory, data):
    root = tmp_path_factory.mktemp("mutated")
    write.write([interaction(time=1)], root / "data")
    zip_sets(root / "data", root / "zips")
    path = root / "zips" / "s01s02.zip"
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        # Mostly in the directory at the end, where a zip says what it holds.
        at = len(content) - 1 - data.draw(st.integers(0, min(260, len(content) - 1)))
        content[at] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with contextlib.suppress(FeintError):
            assert_same(dataset.read(path), [interaction(time=1)])
        check.check(root / "zips")


# Check


def test_check_collects_everything(tmp_path):
    write.write(some(), tmp_path)
    bad = tmp_path / "s01s02" / "01" / "001" / "skeleton_pos.txt"
    lines = bad.read_text().splitlines()
    bad.write_text("\n".join([lines[0] + ",7", "nothing", lines[2]]))
    (tmp_path / "s02s06.zip").write_bytes(b"PK broken")
    report = check.check(tmp_path)
    assert not report.ok
    assert [(Path(f.file).name, f.line) for f in report.damage] == [
        ("skeleton_pos.txt", 1),
        ("skeleton_pos.txt", 2),
        ("s02s06.zip", None),
    ]
    assert (report.sequences, report.frames) == (3, 4 + 5 + 6)
    assert report.rows[4] == ("05", "handshaking", 1, 18)
    assert len(report.missing_sets) == 21 - 4
    assert str(report.damage[1]).startswith(f"{bad}, line 2: got 1 comma-separated values")


def test_check_tells_lost_joints_and_odd_units(tmp_path):
    lost, far = interaction(), interaction("s01s02/05/002")
    lost.second[2, 6:9] = 0
    far.first[1, 4] = 700.0
    write.write([lost, far], tmp_path)
    report = check.check(tmp_path)
    (damage,), (warning,) = report.damage, report.warnings
    assert (damage.line, damage.what[:22]) == (3, "got torso of person B ")
    assert (warning.line, warning.what[:19]) == (2, "y = 700 is unusual ")
    assert report.sequences == 1
    # Both can be read all the same, as they are.
    assert_same(dataset.read(tmp_path), [lost, far])


def test_check_of_an_empty_folder(tmp_path):
    report = check.check(tmp_path)
    assert not report.ok
    assert (report.sequences, report.frames, report.missing_sets) == (0, 0, constants.SETS)
    with refused("no-data-folder"):
        check.check(tmp_path / "elsewhere")


# Write


def test_other_labels_become_category_09(tmp_path):
    others = [
        Interaction(key, "s01s02", label, *torch.rand(2, 3, 45))
        for key, label in (("a", "dancing"), ("s01s02/09/001", "waving"), ("b", "remaining"))
    ]
    write.write(others, tmp_path)
    back = dataset.read(tmp_path)
    assert [(one.key, one.label) for one in back] == [
        (f"s01s02/09/{run}", "remaining") for run in ("001", "002", "003")
    ]
    for one, written in zip(back, (others[1], others[0], others[2]), strict=True):
        assert torch.equal(one.first, written.first)
    assert check.check(tmp_path).rows[-1] == ("09", "remaining", 3, 0)


def test_write_does_not_overwrite_other_content(tmp_path):
    write.write([interaction()], tmp_path)
    write.write([interaction()], tmp_path)
    before = only_file(tmp_path).read_bytes()
    with refused("file-exists"):
        write.write([interaction("s01s02/01/001"), interaction(seed=1)], tmp_path)
    assert only_file(tmp_path).read_bytes() == before
    write.write([interaction(seed=1)], tmp_path, overwrite=True)
    assert_same(dataset.read(tmp_path), [interaction(seed=1)])


def test_write_refuses(tmp_path):
    good = interaction()
    nan = interaction()
    nan.first[0, 0] = torch.nan
    wide = Interaction(good.key, good.set, good.label, torch.ones(2, 46), torch.ones(2, 46))
    cases = [
        ([nan], "not-finite", "s01s02/05/001"),
        ([wide], "wrong-shape", "46"),
        ([good, good], "duplicate-name", "s01s02"),
        ([interaction(label="hugging")], "bad-key", "s01s02/06/<run>"),
        ([Interaction("x", "synthetic", "hugging", good.first, good.second)], "unknown-set", "x"),
    ]
    for interactions, code, fact in cases:
        with refused(code, [fact]):
            write.write(interactions, tmp_path)
    with refused("bad-frame", ["first_frame=-1"]):
        write.write([good], tmp_path, first_frame=-1)
    (tmp_path / "file").write_text("x")
    with refused("cannot-write"):
        write.write([good], tmp_path / "file")


# Split


def test_split():
    train, test = dataset.split(some(), ["s01s02"])
    assert_same(train, some()[2:])
    assert_same(test, some()[:2])


@pytest.mark.parametrize(
    "test_sets, code, fact",
    [
        (["s01s02", "s09s09"], "unknown-set", "s09s09"),
        ([], "nothing-to-train-on", "0 test sets"),
        (["s01s02", "s02s01", "s07s03"], "nothing-to-train-on", "3 test sets"),
        ("s01s02", "not-a-list", "s01s02"),
    ],
)
def test_split_refuses(test_sets, code, fact):
    with refused(code, [fact]):
        dataset.split(some(), test_sets)


def test_split_of_nothing():
    with refused("unknown-set"):
        dataset.split([])
