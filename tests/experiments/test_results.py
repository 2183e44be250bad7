"""What a result holds comes back; what is none is refused by name."""

from typing import Any

import polars as pl
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.errors import refused

from feint.attacks.budget import Budget
from feint.errors import DamagedError, FeintError
from feint.experiments.results import (
    budget_from_dict,
    get_field,
    pack_perturbed,
    read_answers,
    read_attack_task,
    read_reactor,
    read_rows,
    table,
    tensor,
    unpack_perturbed,
)
from feint.io.sealed import pack, unpack
from feint.sequences import Sequences

X = Sequences(torch.arange(24.0).reshape(2, 3, 4), torch.tensor([3, 2]))
TASK_KEY = {
    "x": X.values,
    "targets": X.values[..., :2] + 1,
    "reactor": X.values[..., :2] - 1,
    "lengths": X.lengths,
}
TOLD = {
    "name": "target hug",
    "target": "hug",
    "keys": ["1", "2"],
    "labels": ["kick", "hug"],
    "sides": ["left", "right"],
    "exemplars": ["3", "3"],
}


def test_an_attack_task_comes_back() -> None:
    tensors, about = unpack(pack(TASK_KEY, TOLD), "it")
    task = read_attack_task(tensors, about)
    assert task.target == "hug"
    assert (task.keys, task.labels) == (("1", "2"), ("kick", "hug"))
    assert (task.sides, task.exemplars) == (("left", "right"), ("3", "3"))
    assert torch.equal(task.x.values, X.values)
    assert torch.equal(task.targets.values, X.values[..., :2] + 1)
    assert task.targets.lengths.tolist() == [3, 2]
    assert torch.equal(read_reactor(tensors).values, X.values[..., :2] - 1)


WRONG = {
    "not there": None,
    "of another rank": torch.zeros(2, 3),
    "of more ranks": torch.zeros(2, 3, 1, 1),
    "of doubles": torch.zeros(2, 3, 4, dtype=torch.float64),
    "of whole numbers": torch.zeros(2, 3, 4, dtype=torch.int64),
    "of halves": torch.zeros(2, 3, 4, dtype=torch.bfloat16),
    "empty": torch.zeros(2, 0, 4),
    "enormous and empty": torch.zeros(2, 2**40, 0),
    "no number": torch.full((2, 3, 4), torch.nan),
    "infinite": torch.full((2, 3, 4), torch.inf),
    "of more rows": torch.zeros(3, 3, 4),
    "shorter than its lengths": torch.zeros(2, 2, 4),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("name", ["x", "targets", "reactor"])
def test_an_attack_task_with_a_wrong_tensor_is_refused(name: str, wrong: Any) -> None:
    tensors = {k: v for k, v in {**TASK_KEY, name: wrong}.items() if v is not None}
    with pytest.raises(FeintError):
        read_reactor(tensors) if name == "reactor" else read_attack_task(tensors, TOLD)


@pytest.mark.parametrize(
    "lengths",
    [[3.0, 2.0], [3], [3, 2, 1], [[3, 2]], 3, [3, 4], [3, 0], [3, -1]],
)
def test_lengths_that_are_none_are_refused(lengths: Any) -> None:
    tensors = {**TASK_KEY, "values": X.values, "lengths": torch.tensor(lengths)}
    for ask in (read_answers, read_reactor, lambda t: read_attack_task(t, TOLD)):
        with pytest.raises(FeintError):
            ask(tensors)


@pytest.mark.parametrize("name", ["target", "keys", "labels", "sides", "exemplars"])
@pytest.mark.parametrize("wrong", [None, 3, {}, [], ["1"], [1, 2], ["1", None], [["1"], "2"]])
def test_an_attack_task_that_names_nothing_is_refused(name: str, wrong: Any) -> None:
    with refused("damaged-file", names=("target hug",), error=DamagedError):
        read_attack_task(TASK_KEY, {**TOLD, name: wrong})


def test_answers_come_back() -> None:
    again = read_answers({"values": X.values, "lengths": X.lengths})
    assert torch.equal(again.values, X.values)
    assert again.lengths.tolist() == [3, 2]


# -- perturbations --------------------------------------------------------------------------


@given(st.lists(st.booleans(), min_size=4, max_size=4).filter(any), st.floats(-1, 1))
def test_what_was_changed_comes_back_and_nothing_else_is_kept(
    coords: list[bool], by: float
) -> None:
    reach = torch.tensor(coords)
    x_adv = X.with_values(X.values + by * reach)
    tensors, about = pack_perturbed(x_adv, Budget(1.0, reach))
    assert tensors["changed"].shape == (2, 3, sum(coords))
    again = unpack_perturbed(*unpack(pack(tensors, about), "it"), X)
    assert torch.equal(again.values, x_adv.values)
    assert torch.equal(again.lengths, X.lengths)


def test_without_coordinates_everything_is_kept() -> None:
    x_adv = X.with_values(X.values + 1)
    assert torch.equal(
        unpack_perturbed(*pack_perturbed(x_adv, Budget(1.0)), X).values, x_adv.values
    )


def test_rebuilding_leaves_the_clean_input() -> None:
    before = X.values.clone()
    unpack_perturbed(*pack_perturbed(X.with_values(X.values + 1), Budget(1.0)), X)
    assert torch.equal(X.values, before)


REACH = torch.tensor([True, False, True, False])
KEPT, _ = pack_perturbed(X.with_values(X.values + 1), Budget(1.0, REACH))


@pytest.mark.parametrize(
    "name, wrong",
    [
        ("changed", torch.zeros(2, 3, 3)),
        ("changed", torch.zeros(2, 2, 2)),
        ("changed", torch.zeros(1, 3, 2)),
        ("changed", torch.zeros(3, 2)),
        ("changed", torch.zeros(2, 3, 2, dtype=torch.float64)),
        ("changed", torch.full((2, 3, 2), torch.nan)),
        ("coords", torch.tensor([0, 0, 1, 1])),
        ("coords", torch.tensor([1.0, 0, 1, 0])),
        ("coords", torch.tensor([True, True, True, False])),
        ("coords", torch.tensor([True, True])),
        ("coords", torch.tensor([[True, False, True, False]])),
        ("lengths", torch.tensor([3, 3])),
        ("lengths", torch.tensor([3])),
        ("lengths", torch.tensor([3.0, 2.0])),
    ],
)
def test_a_perturbation_of_something_else_is_refused(name: str, wrong: Any) -> None:
    with pytest.raises(FeintError):
        unpack_perturbed({**KEPT, name: wrong}, {}, X)
    with pytest.raises(DamagedError):
        unpack_perturbed({k: v for k, v in KEPT.items() if k != name}, {}, X)


# -- what is told ---------------------------------------------------------------------------


def test_a_tensor_of_the_right_kind_is_handed_on() -> None:
    assert tensor(TASK_KEY, "x", 3, torch.float32) is TASK_KEY["x"]
    for rank, kind in ((2, torch.float32), (3, torch.float64)):
        with refused("damaged-file", names=("torch.float32 of rank 3", "'x'"), error=DamagedError):
            tensor(TASK_KEY, "x", rank, kind)
    with refused("damaged-file", names=("'y'",), error=DamagedError):
        tensor(TASK_KEY, "y", 1, torch.float32)


def test_what_is_told_is_of_its_kind() -> None:
    assert get_field(TOLD, "keys", list) == ["1", "2"]
    names = ("'target hug'", "str", "'target'", "list")
    with refused("damaged-file", names=names, error=DamagedError):
        get_field(TOLD, "target", list)
    with refused("damaged-file", names=("NoneType", "'nothing'"), error=DamagedError):
        get_field(TOLD, "nothing", str)


def test_the_rows_of_several_results_make_one_table() -> None:
    parts = [{"eps": [None], "true_class": ["a"]}, {"eps": [1, 2.5], "true_class": ["b", "c"]}]
    made = table([read_rows({"rows": part}) for part in parts])
    assert made.schema == {"eps": pl.Float64, "true_class": pl.String}
    assert made["eps"].to_list() == [None, 1, 2.5]
    assert made["true_class"].to_list() == ["a", "b", "c"]


@pytest.mark.parametrize(
    "rows",
    [None, 3, [], {}, {"eps": 3}, {"eps": None}, {"eps": [1.0], "b": [1, 2]}, {"a": [1]},
     {"eps": {"b": 1}}],
)  # fmt: skip
def test_rows_that_are_none_are_refused(rows: Any) -> None:
    with refused("damaged-file", names=("'score a'",), error=DamagedError):
        read_rows({"name": "score a", "rows": rows})


@pytest.mark.parametrize(
    "other",
    [{"eps": ["x"], "a": [1]}, {"eps": [[1.0]], "a": [1]}, {"eps": [1.0], "a": ["x"]},
     {"eps": [1.0], "a": [10**400]}, {"eps": [1.0]}, {"eps": [1.0], "b": [1]}],
)  # fmt: skip
def test_rows_that_do_not_go_together_are_refused(other: dict[str, list[Any]]) -> None:
    with refused("damaged-file", error=DamagedError):
        table([{"eps": [2.0], "a": [1]}, other])


def test_the_budget_is_the_one_that_was_told() -> None:
    settings = {"coords": [True, False], "unit": [0.5, 2.0]}
    budget = budget_from_dict(settings, 3.0)
    x = Sequences(torch.zeros(1, 1, 2), torch.tensor([1]))
    lower, upper = budget.bounds(x)
    assert upper.tolist() == [[[1.5, 0]]]
    assert lower.tolist() == [[[-1.5, 0]]]
    assert budget_from_dict({**settings, "unit": None}, 3.0).unit is None
