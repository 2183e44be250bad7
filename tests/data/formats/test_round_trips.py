"""What is read, written again in the same format and read again is the same; readers agree.

Recordings are drawn with every oddity of their format at once; they are written by code that
shares nothing with the readers.
"""

import io
import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feint.data.formats.bvh import parse_bvh
from feint.data.formats.keypoints import parse_keypoints
from feint.data.formats.npz import parse_arrays
from feint.data.formats.ntu import parse_ntu
from feint.data.formats.recording import ReadOptions, Recording

QUICK = settings(max_examples=60, database=None, deadline=None,
                 suppress_health_check=list(HealthCheck))  # fmt: skip


@st.composite
def people(draw, joints: int = 5, axes: int = 3, digits: int = 4) -> dict[str, np.ndarray]:
    """One to three people with gaps, missing points, and numbers of so many digits."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    frames = draw(st.integers(1, 6))
    size = draw(st.sampled_from([0.5, 3.0, 900.0]))
    found = {}
    for name in draw(st.lists(st.sampled_from(["a", "72057", "Anna"]), min_size=1, unique=True)):
        values = rng.normal(0, size, (frames, joints, axes)).round(digits)
        values[values == 0] = 10**-digits
        if draw(st.booleans()):
            values[rng.random((frames, joints)) < 0.3] = np.nan
        if draw(st.booleans()):
            values[rng.random(frames) < 0.3] = np.nan
        found[name] = values
    keep = {name: one for name, one in found.items() if not np.isnan(one).all()}
    return keep or {"a": np.ones((frames, joints, axes))}


def alike(one: Recording, other: Recording, atol: float = 0.0) -> None:
    assert set(one.people) == set(other.people)
    assert (one.joints, one.fps, one.frame_step) == (other.joints, other.fps, other.frame_step)
    for name, values in one.people.items():
        np.testing.assert_allclose(other.people[name], values, atol=atol, rtol=0)


def json_of(people_: dict[str, np.ndarray], style: str, fps: float, joints: tuple[str, ...]) -> str:
    """Keypoints in one of the styles, scores for missing points."""
    frames = []
    count = len(next(iter(people_.values())))
    for t in range(count):
        each = []
        for name, values in people_.items():
            if np.isnan(values[t]).all():
                continue
            seen = ~np.isnan(values[t]).any(axis=1)
            points = np.nan_to_num(values[t], nan=7.0).tolist()
            scores = np.where(seen, 0.8, 0.1).tolist()
            if style == "beside":
                each.append({"id": name, "keypoints": points, "keypoint_scores": scores})
            elif style == "objects":
                keypoints = [
                    dict(zip("xyz", p, strict=True)) | {"visibility": s}
                    for p, s in zip(points, scores, strict=True)
                ]
                each.append({"track_id": name, "keypoints": keypoints})
            elif style == "null":
                keypoints = [[*p, 1.0] if s else None for p, s in zip(points, seen, strict=True)]
                each.append({"person_id": [name], "keypoints": keypoints})
            else:
                keypoints = [[*p, s] for p, s in zip(points, scores, strict=True)]
                each.append({"idx": name, "keypoints": keypoints})
        frames.append({"frame_id": t, "people": each} if each or t % 2 else None)
    frames = [{"frame_id": i, "people": []} if one is None else one for i, one in enumerate(frames)]
    return json.dumps({"fps": fps, "joints": list(joints), "frames": frames})


@QUICK
@given(
    people(), st.sampled_from(["beside", "objects", "null", "lists"]),
    st.sampled_from([15.0, 29.97, 120.0]),
)  # fmt: skip
def test_keypoints(drawn, style, fps):
    names = tuple(f"joint {i}" for i in range(5))
    options = ReadOptions(depth=True, has_unit=True)
    first = parse_keypoints(json_of(drawn, style, fps, names).encode(), "x", options)
    alike(Recording("x", drawn, names, fps=fps), first)
    again = parse_keypoints(json_of(dict(first.people), style, fps, names).encode(), "x", options)
    alike(first, again)
    independent = _plain_json(json_of(drawn, "lists", fps, names))
    for name, values in independent.items():
        np.testing.assert_array_equal(first.people[name], values)


def _plain_json(text: str) -> dict[str, np.ndarray]:
    """The same by json and numpy alone."""
    frames = json.loads(text)["frames"]
    found: dict[str, np.ndarray] = {}
    for t, frame in enumerate(frames):
        for person in frame["people"]:
            points = np.array(person["keypoints"])
            own = found.setdefault(person["idx"], np.full((len(frames), len(points), 3), np.nan))
            own[t] = np.where(points[:, 3:] >= 0.3, points[:, :3], np.nan)
    return found


def ntu_of(people_: dict[str, np.ndarray], ending: str) -> bytes:
    count = len(next(iter(people_.values())))
    lines = [str(count)]
    for t in range(count):
        here = {name: one[t] for name, one in people_.items() if not np.isnan(one[t]).all()}
        lines.append(str(len(here)))
        for name, pose in here.items():
            lines += [f"{name} 0 1 1 0 0 0 0.1 -0.2 2", "25"]
            for point in pose:
                missing = np.isnan(point).any()
                x, y, z = np.nan_to_num(point, nan=9.0)
                lines.append(f"{x:.6f} {y:.6f} {z:.6f} 1 1 1 1 0 0 0 0 {0 if missing else 2}")
    return (ending.join(lines) + ending).encode()


@QUICK
@given(people(joints=25), st.sampled_from(["\n", "\r\n"]))
def test_ntu(drawn, ending):
    first = parse_ntu(ntu_of(drawn, ending), "x")
    alike(Recording("x", drawn, fps=30.0), first, 1e-6)
    alike(first, parse_ntu(ntu_of(dict(first.people), ending), "x"), 1e-6)


def npz_of(people_: dict[str, np.ndarray], scored: bool, kind: type, fortran: bool) -> bytes:
    values = np.stack(list(people_.values()))
    score = np.where(np.isnan(values).any(axis=-1), 0.0, 1.0)
    filled = np.nan_to_num(values, nan=0.0).astype(kind)
    filled = np.asfortranarray(filled) if fortran else filled
    more = {"keypoint_score": score} if scored else {}
    file = io.BytesIO()
    np.savez_compressed(file, keypoint=filled, fps=25, **more)
    return file.getvalue()


@QUICK
@given(
    people(), st.booleans(), st.sampled_from([np.float32, np.float64]), st.booleans()
)  # fmt: skip
def test_arrays(drawn, scored, kind, fortran):
    for one in drawn.values():
        one[np.isnan(one).any(axis=2)] = np.nan
    first = parse_arrays(npz_of(drawn, scored, kind, fortran), "x", 0.3)
    renamed = {str(i): one for i, one in enumerate(drawn.values())}
    expected = {name: one.astype(kind).astype(float) for name, one in renamed.items()}
    never = {
        name for name, one in expected.items() if not scored and _some_joint_is_never_seen(one)
    }
    if not never:
        alike(Recording("x", expected, fps=25.0), first)
    alike(first, parse_arrays(npz_of(dict(first.people), scored, kind, fortran), "x", 0.3))


def _some_joint_is_never_seen(one: np.ndarray) -> bool:
    """Without a score, a joint that is 0 in every frame is an origin and not missing."""
    there = ~np.isnan(one).all(axis=(1, 2))
    return bool(np.isnan(one[there]).all(axis=(0, 2)).any())


def bvh_of(values: np.ndarray, parents: list[int], blank: bool, bom: bool) -> bytes:
    """Joints that only have positions, as offsets from their parents."""
    names = [f"joint{i}" for i in range(len(parents))]
    order: list[int] = []

    def tree(i: int) -> list[str]:
        order.append(i)
        kind = "ROOT" if parents[i] < 0 else "JOINT"
        lines = [f"{kind} {names[i]}", "{", "OFFSET 1 2 3",
                 "CHANNELS 3 Zposition Xposition Yposition"]  # fmt: skip
        for k, parent in enumerate(parents):
            if parent == i:
                lines += tree(k)
        if i not in parents:
            lines += ["End Site", "{", "OFFSET 0 1 0", "}"]
        return [*lines, "}"]

    head = ["HIERARCHY", *tree(0), "MOTION", *([""] if blank else []), f"Frames: {len(values)}"]
    columns = [
        (values[:, i] - (values[:, parents[i]] if parents[i] >= 0 else 0))[:, [2, 0, 1]]
        for i in order
    ]
    rows = [" ".join(f"{n:.6f}" for n in row) for row in np.concatenate(columns, axis=1)]
    text = "\n".join([*head, "Frame Time: 0.0083333", *rows]) + "\n"
    return (b"\xef\xbb\xbf" if bom else b"") + text.encode()


@QUICK
@given(
    st.integers(0, 2**32), st.integers(1, 6), st.lists(st.integers(0, 10), max_size=7),
    st.booleans(), st.booleans(),
)  # fmt: skip
def test_bvh(seed, frames, shape, blank, bom):
    parents = [-1, *(n % (i + 1) for i, n in enumerate(shape))]
    values = np.random.default_rng(seed).normal(0, 90, (frames, len(parents), 3)).round(4)
    first = parse_bvh(bvh_of(values, parents, blank, bom), "x", "x")
    order = [int(name.removeprefix("joint")) for name in first.joints]
    np.testing.assert_allclose(first.people["x"], values[:, order], atol=1e-4)
    assert first.fps == 120.0
    back = np.empty_like(values)
    back[:, order] = first.people["x"]
    again = parse_bvh(bvh_of(back, parents, not blank, not bom), "x", "x")
    alike(first, again, 1e-5)


@pytest.mark.parametrize("kind", [np.int16, np.uint8, np.float16])
def test_arrays_of_other_numbers(kind):
    values = np.arange(1, 61).reshape(1, 4, 5, 3).astype(kind)
    file = io.BytesIO()
    np.savez(file, keypoint=values)
    np.testing.assert_array_equal(parse_arrays(file.getvalue(), "x").people["0"], values[0])
