"""Bad recordings: all are named at once, with the line that leaves them out."""

from pathlib import Path

import pytest
from tests.errors import refused

from feint.data.leave_out import all_unusable, without
from feint.data.listing import RecordingFiles
from feint.errors import FeintError

EVERY = [
    RecordingFiles(
        f"P001/A{i:03}/S{i}A{i:03}", "P001", f"A{i:03}", (Path(f"S{i}A{i:03}.skeleton"),)
    )
    for i in range(4)
]


@pytest.mark.parametrize("name", ["S2A002", "S2A002.skeleton", "P001/A002/S2A002"])
def test_recordings_are_left_out_by_name(name):
    kept, gone = without(EVERY, (name,))
    assert [one.name for one in kept] == ["S0A000", "S1A001", "S3A003"]
    assert gone == ["S2A002"]


def test_a_list_of_names_may_be_a_file_with_more_names_than_the_folder_has(tmp_path):
    """NTU RGB+D's list of 302 samples with missing skeletons."""
    names = tmp_path / "missing.txt"
    names.write_text("S1A001\nS999A999\n\nS3A003\r\n")
    assert without(EVERY, str(names))[1] == ["S1A001", "S3A003"]


def test_names_that_are_not_there_and_nothing_left():
    with refused("unknown-recording", ["S9", "S0A000", "data.leave_out"]):
        without(EVERY, ("S9",))
    with refused("empty-split", ["data.leave_out"]):
        without(EVERY[:1], ("S0A000",))
    assert without(EVERY, ()) == (EVERY, [])


def test_all_bad_recordings_are_in_one_error():
    bad = [(f"S{i}", FeintError(f"S{i} shows no person.", code="no-people")) for i in range(30)]
    error = all_unusable(bad, 302)
    assert error.code == "no-people"
    for part in ("30 of 302", 'data.on_bad_recording = "leave-out"', '"S0", "S1"', '"S29"]'):
        assert part in str(error)
    other = [*bad, ("T", FeintError("T is damaged.", code="damaged-file"))]
    assert all_unusable(other, 302).code == "bad-recordings"
    assert 'data.leave_out = ["S0"]' in str(all_unusable(bad[:1], 302))
