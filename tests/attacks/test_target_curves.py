"""Target curves of a series: where each comes from, and what is refused."""

import pytest
import torch

from feint.attacks.target_curves import Curve, read_curve
from feint.columns import Columns
from feint.data.pairs import Pairs
from feint.errors import FeintError
from feint.sequences import Sequences

FORM = Columns("s", ("a",), ("y", "z"), ("",), ("K", "K"), (1.0,))


def windows(rows, steps=5):
    values = torch.arange(rows * steps * 2.0).reshape(rows, steps, 2)
    some = Sequences(values, torch.full((rows,), steps))
    keys = tuple(f"s/0/{i}" for i in range(rows))
    same = [(word,) * rows for word in ("s", "s", "right", "responder")]
    return Pairs(some, some, keys, *same, FORM)


TRAIN, TEST = windows(7), windows(3)
ANSWER = TEST.reactor.with_values(torch.ones(3, 5, 2))


def wanted(kind, test=TEST, **words):
    return Curve("c", kind, **words).targets(TRAIN, test, ANSWER)


def test_offsets_and_ramps_follow_the_clean_answer():
    assert torch.equal(wanted("offset", by=(2.0,))[1].values, torch.full((3, 5, 2), 3.0))
    ramp = wanted("ramp", by=(4.0, -4.0))[1].values[0]
    assert ramp.T.tolist() == [[1, 2, 3, 4, 5], [1, 0, -1, -2, -3]]


def test_a_curve_is_brought_to_the_windows_length():
    curve = wanted("curve", values=((0.0, 1.0), (8.0, 1.0)))[1].values[2]
    assert curve.T.tolist() == [[0, 2, 4, 6, 8], [1, 1, 1, 1, 1]]


def test_another_window_is_drawn_by_the_rows_own_key():
    names, curves = wanted("window", seed=3)
    for name, curve in zip(names, curves, strict=True):
        assert torch.equal(curve, TRAIN.reactor.values[int(name[-1])])
    assert wanted("window", TEST[[2]], seed=3)[0] == names[2:]
    assert {wanted("window", seed=seed)[0][0] for seed in range(20)} > {names[0]}


@pytest.mark.parametrize(
    "make, told",
    [
        (lambda: Curve("c", "ramp"), r"'c' \(ramp\) got by=\(\)"),
        (lambda: Curve("c", "offset", by=(float("nan"),)), "not finite"),
        (lambda: Curve("c", "curve", values=((1.0,), (1.0, 2.0))), r"rows of \[1, 2\] numbers"),
        (lambda: wanted("offset", by=(1.0, 2.0, 3.0)), "3 numbers a step, and the data 2"),
    ],
)
def test_what_makes_no_curve_is_refused(make, told):
    with pytest.raises(FeintError, match=told):
        make()


def test_a_curve_comes_from_a_file(tmp_path):
    path = tmp_path / "c.csv"
    path.write_text("y,z\n1,2\n3,4\n")
    assert read_curve(path) == [[1, 2], [3, 4]]
    path.write_text("1,2\n3\n")
    with pytest.raises(FeintError, match=r"c\.csv, line 2: got '3'"):
        read_curve(path)
