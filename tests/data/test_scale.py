"""Metres: units per axis, a skeleton's scale and offset, and which way is up."""

from dataclasses import replace

import numpy as np
import pytest
from tests.errors import refused

from feint.data.scale import ONES, UP, ZEROS, Scale, convert, factors_of
from feint.skeleton import SBU_15, Skeleton

STICK = Skeleton("mine", ("a", "b"), (("a", "b"),), "a", ("x", "y", "z"), ONES, ZEROS, 30.0)
POINT = np.array([[[1.0, 2.0, 4.0], [0.0, 0.0, 0.0]]])


def metres(axes: str = "x y z", factors=ONES, offsets=ZEROS, of=("x", "y", "z")) -> list[float]:
    skeleton = replace(STICK, axes=of, scale=ONES[: len(of)], offset=ZEROS[: len(of)])
    return convert(POINT, Scale(skeleton, axes, factors, offsets), "x")[0, 0].tolist()


@pytest.mark.parametrize(
    "up, expected",
    [("y", [1, 2, 4]), ("-y", [1, -2, -4]), ("z", [1, 4, -2]), ("-z", [1, -4, 2])],
)
def test_up_turns_without_mirroring(up, expected):
    assert metres(UP[up]) == expected


def test_units_may_differ_by_axis():
    factors, offsets = factors_of(("mm", "cm", "m"), None, None, None, "x")
    assert metres("x y z", factors, offsets) == pytest.approx([0.001, 0.02, 4])
    assert factors_of(("mm", "cm"), None, None, None, "x")[0] == (0.001, 0.01, 0.01)
    # An axis keeps its unit when another one is up.
    assert metres(UP["z"], factors, offsets) == pytest.approx([0.001, 4, -0.02])


def test_scale_and_offset_of_a_skeleton_are_used_axis_by_axis():
    """They were accepted and dropped."""
    asked = replace(STICK, scale=(0.5, 2.0, 0.1), offset=(1.0, 0.0, -3.0))
    factors, offsets = factors_of(None, None, asked, None, "x")
    assert metres("x y z", factors, offsets) == pytest.approx([1.5, 4, -2.6])
    assert metres("x y z", factors, offsets, of=("x", "y")) == pytest.approx([1.5, 4])
    turned = replace(asked, axes=("z", "x", "y"))
    assert factors_of(None, None, turned, None, "x")[0] == (2.0, 0.1, 0.5)


def test_a_known_skeleton_does_not_say_the_unit():
    """SBU_15's scale is of SBU's own files, not of every file with its joints."""
    assert factors_of(None, None, SBU_15, None, "x") is None
    assert factors_of("m", None, SBU_15, None, "x") == (ONES, ZEROS)


@pytest.mark.parametrize(
    "unit, height, scale", [("m", None, 0.5), (None, 1.75, 0.5), (("mm", "m"), 1.75, 1.0)]
)
def test_the_unit_is_said_once(unit, height, scale):
    with refused("conflicting-keys", ["x"]):
        factors_of(unit, height, replace(STICK, scale=(scale,) * 3), None, "x")


def test_what_a_format_fixes_comes_last():
    assert factors_of(None, None, STICK, "m", "x") == (ONES, ZEROS)
    assert factors_of("mm", None, None, "m", "x")[0] == (0.001, 0.001, 0.001)
    assert factors_of(None, None, None, None, "x") is None


def test_an_axis_that_is_not_there_is_named():
    scale = Scale(STICK, UP["z"])
    with refused("unknown-axis", ["2 coordinates", "data.axes", "data.up"]):
        convert(POINT[..., :2], scale, "x")
