"""Keypoints as each program writes them: frames, people, scores and units are what they mean."""

import json

import numpy as np
import pytest
from tests.errors import refused

from feint.data.formats import keypoints
from feint.data.formats.keypoints import parse_keypoints
from feint.data.formats.recording import ReadOptions

SHAPE = np.random.default_rng(0).uniform(0.2, 0.8, (17, 2)).round(4)


def read(document, **options):
    return parse_keypoints(json.dumps(document).encode(), "x.json", ReadOptions(**options))


def pixels(t: float) -> list[list[float]]:
    """17 points in pixels, moving to the right by 10 a frame."""
    return (SHAPE * [1000, 500] + [10 * t, 0]).tolist()


def flat(t: float, score: float = 0.9) -> list[float]:
    return [n for point in pixels(t) for n in (*point, score)]


def x_of(recording, name="0"):
    """The first joint's x, row by row."""
    return recording.people[name][:, 0, 0] - SHAPE[0, 0] * 1000


# Numbers and times of frames --------------------------------------------------------------------

NUMBERED = {
    "frame": lambda n: {"frame": n, "keypoints": flat(n)},
    "frame_id, people": lambda n: {"frame_id": n, "people": [{"keypoints": flat(n)}]},
    "image_id": lambda n: {"image_id": n, "category_id": 1, "keypoints": flat(n), "score": 2.1},
    "file names": lambda n: {"image_id": f"img_{n:05}.jpg", "keypoints": flat(n)},
    "frame_index, instances": lambda n: {"frame_index": n, "instances": [{"keypoints": pixels(n)}]},
}


@pytest.mark.parametrize("form", NUMBERED)
def test_every_ninth_frame_is_a_step_of_nine(form):
    """Issue: one metre in a step that took nine frames was read as one of one frame."""
    found = read([NUMBERED[form](n) for n in (9, 18, 27, 36)])
    assert found.frame_step == 9
    np.testing.assert_allclose(x_of(found), [90, 180, 270, 360])


@pytest.mark.parametrize("form", NUMBERED)
def test_missing_numbers_are_gaps(form):
    found = read([NUMBERED[form](n) for n in (3, 4, 7, 8)])
    assert found.frame_step == 1
    np.testing.assert_allclose(x_of(found), [30, 40, np.nan, np.nan, 70, 80])


def test_frames_may_come_in_any_order():
    frames = [NUMBERED["frame_id, people"](n) for n in (2, 0, 1)]
    np.testing.assert_allclose(x_of(read({"frames": frames})), [0, 10, 20])


@pytest.mark.parametrize(
    "key, unit", [("timestamp", 1), ("timestamp_ms", 1000), ("time", 1000), ("t", 1e6)]
)
def test_time_stamps_give_the_rate(key, unit):
    frames = [{key: round(n * unit / 30, 3), "people": [pixels(n)]} for n in (0, 1, 2, 4, 5)]
    found = read(frames)
    assert found.fps == pytest.approx(30, rel=2e-3)
    np.testing.assert_allclose(x_of(found), [0, 10, 20, np.nan, 40, 50])


def test_uneven_time_stamps_are_kept_for_resampling():
    times = [0.0, 0.1, 0.25, 0.3, 0.4, 0.5, 0.65, 0.66]
    found = read([{"timestamp": t, "people": [pixels(t)]} for t in times])
    np.testing.assert_allclose(found.times, times)


def test_numbers_and_times_together():
    frames = [{"frame": n, "timestamp_ms": 40 * n, "people": [pixels(n)]} for n in (0, 2, 4, 8)]
    found = read(frames)
    assert (found.frame_step, found.fps) == (2, pytest.approx(25))
    assert np.isnan(x_of(found)).tolist() == [False, False, False, True, False]


def test_a_null_frame_shows_nobody():
    found = read({"fps": 30, "frames": [{"people": [pixels(0)]}, None, {"people": [pixels(2)]}]})
    assert np.isnan(x_of(found)).tolist() == [False, True, False]


@pytest.mark.parametrize("number", ["abc", 1.5, [1], 10**20])
def test_a_frame_number_that_is_none_is_refused(number):
    with refused("bad-frame-number", ["x.json"]):
        read([{"frame": number, "keypoints": flat(0)}])


# Scores and ids ---------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["keypoint_scores", "scores", "confidences", "keypoints_scores"])
@pytest.mark.parametrize("raw", [pixels(0), [n for point in pixels(0) for n in point]])
def test_scores_beside_points_are_heeded(key, raw):
    """MMPose: a wrist of score .02 was read where the detector guessed it."""
    scores = [0.9] * 17
    scores[9] = 0.02
    found = read([{"people": [{"keypoints": raw, key: scores}]}])
    missing = np.isnan(found.people["0"][0]).any(axis=1)
    assert np.flatnonzero(missing).tolist() == [9]


def test_scores_of_another_number_are_refused():
    with refused("wrong-shape", ["frame 0", "17"]):
        read([{"people": [{"keypoints": pixels(0), "keypoint_scores": [1.0] * 5}]}])


def test_a_point_at_zero_without_a_score_is_missing():
    frames = [pixels(t) for t in range(4)]
    frames[2][9] = [0, 0]
    found = read([{"people": [one]} for one in frames])
    missing = np.isnan(found.people["0"]).any(axis=2)
    assert np.argwhere(missing).tolist() == [[2, 9]]
    assert any("exactly 0" in note for note in found.notes)


def test_zero_is_kept_as_the_origin_of_points_about_it():
    points = np.random.default_rng(1).normal(0, 0.3, (5, 15, 3))
    points[:, 2] = 0
    found = read([{"people": [one]} for one in points.tolist()], depth=True)
    assert not np.isnan(found.people["0"]).any()


def test_a_null_point_is_missing():
    frames = [pixels(0), pixels(1)]
    frames[1][4] = None
    frames[0][5] = [None, None]
    found = read([{"people": [one]} for one in frames])
    assert np.argwhere(np.isnan(found.people["0"]).any(axis=2)).tolist() == [[0, 5], [1, 4]]


@pytest.mark.parametrize("key", ["idx", "track_id", "person_id", "instance_id"])
@pytest.mark.parametrize("wrap", [lambda n: n, lambda n: [float(n)], str])
def test_ids_say_who_is_who(key, wrap):
    """AlphaPose's idx: people swapped with the order of the detections."""
    frames = []
    for t in range(6):
        people = [{"image_id": f"{t}.jpg", key: wrap(i), "keypoints": flat(t + 50 * i)}
                  for i in (1, 2)]  # fmt: skip
        frames += people[:: 1 if t % 2 else -1]
    found = read(frames)
    np.testing.assert_allclose(x_of(found, "1"), 10 * np.arange(6) + 500)
    np.testing.assert_allclose(x_of(found, "2"), 10 * np.arange(6) + 1000)


def test_people_without_ids_are_followed_by_where_they_are():
    frames = []
    for t in range(6):
        people = [pixels(t), pixels(100 - t)]
        frames.append({"people": people[:: 1 if t % 2 else -1]})
    found = read(frames)
    ends = {round(float(x_of(found, name)[0])): x_of(found, name)[-1] for name in found.people}
    assert ends == {0: pytest.approx(50), 1000: pytest.approx(950)}


def test_one_id_twice_in_a_frame_is_refused():
    with refused("duplicate-name", ["frame 7", "'a'"]):
        read([{"frame": 7, "people": [{"id": "a", "keypoints": flat(0)}] * 2}])


# Units of images --------------------------------------------------------------------------------


def landmarks() -> list[dict[str, float]]:
    """Shoulders .4 m apart at 1080 pixels for 1.7 m, as MediaPipe writes them at 1920 x 1080."""
    points = [{"x": 0.5, "y": 0.2 + 0.6 * i / 32, "z": 0.0, "visibility": 1.0} for i in range(33)]
    half = 0.2 / 1.7 * 0.6 * 1080 / 1920
    points[11] |= {"x": 0.5 - half, "y": 0.3}
    points[12] |= {"x": 0.5 + half, "y": 0.3}
    return points


@pytest.mark.parametrize("key", ["pose_landmarks", "landmarks", "poseLandmarks"])
def test_shares_of_an_image_become_pixels(key):
    """Shoulders of .400 m were read as .225 m."""
    frames = [{key: [landmarks()]} for _ in range(3)]
    with refused("image-size-needed", ["data.image_size", "width"]):
        read({"fps": 30, "frames": frames})
    for document, options in (
        ({"fps": 30, "frames": frames}, {"image_size": (1920, 1080)}),
        ({"fps": 30, "frames": frames, "width": 1920, "height": 1080}, {}),
        ({"fps": 30, "frames": frames, "image_size": [1920, 1080]}, {}),
    ):
        one = read(document, **options).people["0"][0]
        metre = np.ptp(one[:, 1]) / 1.7
        assert np.linalg.norm(one[11, :2] - one[12, :2]) / metre == pytest.approx(0.4, rel=1e-6)


def test_a_unit_does_not_make_metres_of_shares():
    with refused("image-size-needed"):
        read({"fps": 30, "frames": [{"landmarks": [landmarks()]}]}, has_unit=True)


@pytest.mark.parametrize(
    "image, world",
    [("landmarks", "worldLandmarks"), ("pose_landmarks", "pose_world_landmarks")],
)
def test_world_landmarks_go_before_those_of_the_image(image, world):
    metres = [{"x": i / 33, "y": -i / 33, "z": 0.1, "visibility": 1} for i in range(33)]
    found = read({"fps": 30, "frames": [{image: [landmarks()], world: [metres]}, {image: []}]})
    assert found.unit == "m"
    np.testing.assert_allclose(found.people["0"][0, 5], [5 / 33, -5 / 33, 0.1])
    assert found.convention == "MediaPipe_33"
    assert any("hips" in note for note in found.notes)


def test_small_points_in_2d_ask_for_the_images_size_or_a_unit():
    """MoveNet and others write shares under "keypoints", too."""
    frames = [{"people": [(SHAPE + 0.001 * t).tolist()]} for t in range(3)]
    with refused("image-size-needed", ["data.unit", "data.image_size"]):
        read(frames)
    np.testing.assert_allclose(read(frames, has_unit=True).people["0"][0], SHAPE)
    scaled = read(frames, image_size=(640, 480)).people["0"][0]
    np.testing.assert_allclose(scaled, SHAPE * [640, 480])


# What programs write ----------------------------------------------------------------------------


def openpose(t: int) -> str:
    body = np.random.default_rng(3).uniform(100, 400, (25, 2)) + np.array([t, 0])
    numbers = np.concatenate([body, np.full((25, 1), 0.8)], axis=1).flatten().tolist()
    person = {"person_id": [-1], "pose_keypoints_2d": numbers, "face_keypoints_2d": []}
    return json.dumps({"version": 1.3, "people": [person]})


def test_a_folder_of_openposes_frames(tmp_path):
    for t in (0, 1, 2, 4):
        (tmp_path / f"clip_{t:012}_keypoints.json").write_text(openpose(t))
    found = keypoints.read(tmp_path, ReadOptions())
    assert found.convention == "OpenPose_25"
    first = found.people["0"][:, 0, 0]
    np.testing.assert_allclose(first - first[0], [0, 1, 2, np.nan, 4])


@pytest.mark.parametrize("key", ["pose_keypoints_3d", "keypoints_3d"])
@pytest.mark.parametrize("joints", [24, 25])
def test_flat_points_in_3d_have_four_numbers_each(key, joints):
    """96 numbers are 24 points in 3-D, and not 32 in 2-D."""
    points = np.random.default_rng(0).normal(size=(joints, 4)).round(4)
    points[:, 3] = 0.9
    person = {key: points.flatten().tolist(), "pose_keypoints_2d": flat(0)}
    found = read([{"people": [person]}])
    np.testing.assert_array_equal(found.people["0"][0], points[:, :3])
    listed = read([{"people": [{key: points[:, :3].tolist()}]}])
    np.testing.assert_array_equal(listed.people["0"][0], points[:, :3])


def test_alphapose_by_image():
    document = {f"{t}.jpg": {"version": "AlphaPose v0.3", "bodies": [{"joints": flat(t)}]}
                for t in (0, 1, 3)}  # fmt: skip
    np.testing.assert_allclose(x_of(read(document)), [0, 10, np.nan, 30])


def test_mmpose_with_its_names():
    names = [f"joint {i}" for i in range(17)]
    document = {
        "meta_info": {
            "keypoint_id2name": {str(i): name for i, name in enumerate(names)},
            "skeleton_links": [[0, 1], [1, 2]],
        },
        "instance_info": [
            {"frame_id": t, "instances": [{"keypoints": pixels(t), "keypoint_scores": [1.0] * 17,
                                           "bbox": [[0, 0, 9, 9]], "bbox_score": 0.9}]}
            for t in (1, 2, 3)
        ],
    }  # fmt: skip
    found = read(document)
    assert found.joints == tuple(names)
    assert found.bones == (("joint 0", "joint 1"), ("joint 1", "joint 2"))
    np.testing.assert_allclose(x_of(found), [10, 20, 30])


def test_coco_with_its_categories():
    document = {
        "images": [{"id": 1, "width": 1000, "height": 500, "file_name": "a.jpg"}],
        "categories": [{"id": 1, "keypoints": list("abc"), "skeleton": [[1, 2], [2, 3]]}],
        "annotations": [
            {"id": 70 + t, "image_id": t, "keypoints": [5, 6, 2, 7, 8, 2, 9, 1, 2]} for t in (1, 2)
        ],
    }
    found = read(document)
    assert (found.joints, found.bones) == (("a", "b", "c"), (("a", "b"), ("b", "c")))
    assert list(found.people) == ["0"]


def test_points_that_say_their_names():
    person = [{"x": 9.0 * i, "y": 4.0, "score": 0.9, "name": f"part {i}"} for i in range(5)]
    assert read([{"keypoints": person}]).joints == tuple(f"part {i}" for i in range(5))


def test_a_byte_order_mark_is_no_fault():
    content = b"\xef\xbb\xbf" + json.dumps([{"people": [pixels(0)]}]).encode()
    assert parse_keypoints(content, "x", ReadOptions()).people


def test_empty_recordings_do_not_ask_to_be_cut():
    with refused("no-people", ["data.leave_out"]) as caught:
        read({"fps": 30, "frames": [{"people": []}] * 3})
    assert "Cut it" not in str(caught.value)
