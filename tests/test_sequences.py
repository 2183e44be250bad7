"""Padding that is never read, distances against sums by hand, and models as they are."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.errors import refused
from torch import Tensor, nn

from feint.models.inference import check_mode, forward, predict
from feint.sequences import Sequences, check_alike, distance, frame_distance, sum_over_time

LENGTHS = st.lists(st.integers(1, 9), min_size=1, max_size=6)
NAN = float("nan")
HUGE = 1e30


def batch(lengths: list[int], features: int = 6, seed: int = 0) -> Sequences:
    generator = torch.Generator().manual_seed(seed)
    return Sequences.pad([torch.randn(n, features, generator=generator) for n in lengths])


def spoilt(x: Sequences, filler: float = HUGE) -> Sequences:
    """The same sequences with something else in the padding."""
    return x.with_values(torch.where(x.mask[..., None], x.values, filler))


@settings(deadline=None)
@given(lengths=LENGTHS, features=st.integers(1, 4))
def test_unpad_gives_back_what_was_padded(lengths: list[int], features: int) -> None:
    alone = [torch.randn(n, features) for n in lengths]
    x = Sequences.pad(alone)
    assert len(x) == len(lengths)
    assert x.values.shape == (len(lengths), max(lengths), features)
    assert x.lengths.tolist() == lengths
    for i, (got, want) in enumerate(zip(x.unpad(), alone, strict=True)):
        assert torch.equal(got, want)
        assert not x.values[i, lengths[i] :].any()
    assert all(torch.equal(a, b) for a, b in zip(x, alone, strict=True))


def test_mask_is_true_on_own_frames() -> None:
    assert batch([1, 3, 2]).mask.tolist() == [
        [True, False, False],
        [True, True, True],
        [True, True, False],
    ]


def test_pad_keeps_dtype_and_gradients() -> None:
    leaf = torch.ones(2, 3, dtype=torch.float64, requires_grad=True)
    x = Sequences.pad([leaf, torch.zeros(4, 3, dtype=torch.float64)])
    assert x.values.dtype == torch.float64
    x.values.sum().backward()
    assert torch.equal(leaf.grad, torch.ones_like(leaf))


@pytest.mark.parametrize(
    "sequences, code, names",
    [
        ([], "empty-batch", ()),
        ([torch.ones(2, 3), torch.ones(2, 4)], "wrong-shape", ("(2, 4)", 1, 3)),
        ([torch.ones(2, 3), torch.ones(0, 3)], "wrong-shape", ("(0, 3)", 1)),
        ([torch.ones(3)], "wrong-shape", ("(3,)", 0)),
    ],
)
def test_pad_refuses_what_is_not_a_list_of_sequences(
    sequences: list[Tensor], code: str, names: tuple[object, ...]
) -> None:
    with refused(code, names):
        Sequences.pad(sequences)


@pytest.mark.parametrize(
    "rows, wanted",
    [([2, 0], [2, 0]), (torch.tensor([2, 0]), [2, 0]), (slice(0, None, 2), [0, 2])],
)
def test_rows_come_in_the_order_asked_for_and_are_trimmed(rows, wanted: list[int]) -> None:
    x = batch([2, 5, 3])
    some = x[rows]
    assert some.values.shape == (2, 3, 6)
    assert some.lengths.tolist() == [[2, 5, 3][i] for i in wanted]
    assert all(torch.equal(a, x.unpad()[i]) for a, i in zip(some, wanted, strict=True))


def test_rows_by_a_mask() -> None:
    x = batch([2, 5, 3])
    some = x[torch.tensor([True, False, True])]
    assert some.lengths.tolist() == [2, 3]
    assert some.values.shape[1] == 3


def test_no_row_and_a_single_number_are_refused() -> None:
    x = batch([2, 5, 3])
    with refused("wrong-shape"):
        x[[]]
    with refused("empty-batch"):
        x[3:]
    with refused("wrong-shape", names=("()",)):
        x[torch.tensor(1)]


@pytest.mark.parametrize("bad", [NAN, math.inf, -math.inf])
@pytest.mark.parametrize(("row", "time"), [(1, 2), (0, 2)], ids=["own frame", "padding"])
def test_a_number_that_is_none_is_refused_everywhere(bad: float, row: int, time: int) -> None:
    values = torch.zeros(2, 3, 2)
    values[row, time, 0] = bad
    with refused("not-finite", names=(f"sequence {row}, frame {time}, feature 0", 1)):
        Sequences(values, torch.tensor([2, 3]))


@pytest.mark.parametrize("lengths", [[0, 3], [1, 4], [-1, 2]])
def test_lengths_outside_the_padded_time_are_refused(lengths: list[int]) -> None:
    with refused("bad-length", names=("1..3",)):
        Sequences(torch.zeros(2, 3, 1), torch.tensor(lengths))


def test_lengths_that_are_not_int64_are_refused() -> None:
    with refused("wrong-shape", names=("int64",)):
        Sequences(torch.zeros(2, 3, 1), torch.tensor([1, 2], dtype=torch.int32))


@pytest.mark.parametrize("shape", [(0, 3, 2), (2, 0, 2), (2, 3, 0)])
def test_an_empty_set_is_refused(shape: tuple[int, int, int]) -> None:
    with refused("empty-batch", names=(shape,)):
        Sequences(torch.zeros(shape), torch.ones(shape[0], dtype=torch.int64))


def test_sum_over_time_by_hand_and_never_reads_the_padding() -> None:
    per_frame = torch.tensor([[1.0, 2.0, NAN], [4.0, 5.0, 6.0], [7.0, math.inf, -math.inf]])
    assert sum_over_time(per_frame, torch.tensor([2, 3, 1])).tolist() == [3.0, 15.0, 7.0]


def test_sum_over_time_has_no_gradient_in_the_padding() -> None:
    per_frame = torch.tensor([[1.0, NAN]], requires_grad=True)
    sum_over_time(per_frame, torch.tensor([1])).sum().backward()
    assert per_frame.grad.tolist() == [[1.0, 0.0]]


def test_distance_by_hand() -> None:
    # Frame 1 differs by (3, 0, 4 | 0, 0, 12): 13 as a frame, 5 + 12 = 17 by joints.
    # Frame 2 by (1, 2, 2 | 2, 4, 4): sqrt(9 + 36) as a frame, 3 + 6 = 9 by joints.
    a = Sequences.pad([torch.tensor([[3.0, 0, 4, 0, 0, 12], [1, 2, 2, 2, 4, 4]]), torch.ones(1, 6)])
    b = a.with_values(torch.zeros_like(a.values))
    assert distance(a, b).tolist() == pytest.approx([13 + math.sqrt(45), math.sqrt(6)])
    assert distance(a, b, "joint").tolist() == pytest.approx([17 + 9, 2 * math.sqrt(3)])


@given(lengths=LENGTHS, seed=st.integers(0, 1000))
@settings(max_examples=30, deadline=None)
def test_distance_is_the_loop_it_says_it_is(lengths: list[int], seed: int) -> None:
    a, b = batch(lengths, seed=seed), batch(lengths, seed=seed + 1)
    by_frame, by_joint = [], []
    for p, q in zip(a.unpad(), b.unpad(), strict=True):
        change = (p - q).tolist()
        by_frame.append(sum(math.hypot(*frame) for frame in change))
        by_joint.append(sum(math.hypot(*f[:3]) + math.hypot(*f[3:]) for f in change))
    assert distance(a, b).tolist() == pytest.approx(by_frame, rel=1e-5)
    assert distance(a, b, "joint").tolist() == pytest.approx(by_joint, rel=1e-5)
    assert torch.equal(distance(spoilt(a), b), distance(a, b))
    assert torch.equal(distance(spoilt(a), spoilt(b, -HUGE), "joint"), distance(a, b, "joint"))


@pytest.mark.parametrize("norm", ["frame", "joint"])
def test_the_gradient_at_no_distance_is_zero(norm: str) -> None:
    difference = torch.zeros(1, 2, 6, requires_grad=True)
    frame_distance(difference, norm).sum().backward()
    assert difference.grad.tolist() == torch.zeros(1, 2, 6).tolist()


def test_the_joint_norm_needs_joints() -> None:
    a = batch([2], features=4)
    assert distance(a, a).tolist() == [0.0]
    with refused("wrong-shape", names=(4, 3)):
        distance(a, a, "joint")


@pytest.mark.parametrize(
    "other",
    [batch([2, 3]), batch([3, 1]), batch([4, 2]), batch([3]), batch([3, 2], features=3)],
    ids=["order", "length", "time", "rows", "features"],
)
def test_distance_of_unlike_batches_is_refused(other: Sequences) -> None:
    x = batch([3, 2])
    with refused("shape-mismatch", names=("distance",)):
        distance(x, other)
    check_alike(x, batch([3, 2], seed=1), "nobody")


class Asks(nn.Module):
    """Answers with each sequence's length in every frame: only possible if it is told."""

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        return lengths[:, None, None].expand(-1, x.shape[1], 1).to(x)


class Answers(nn.Module):
    """Answers whatever it is told to."""

    def __init__(self, answer) -> None:
        super().__init__()
        self.answer = answer

    def forward(self, x: Tensor):
        return self.answer(x)


def test_forward_passes_lengths_to_a_model_that_asks() -> None:
    x = batch([1, 3])
    assert forward(Asks(), x)[:, 0, 0].tolist() == [1.0, 3.0]
    assert forward(nn.Linear(6, 2), x).shape == (2, 3, 2)


@pytest.mark.parametrize(
    "answer, got",
    [
        (lambda x: x[:, 0, :1], "(2, 1)"),
        (lambda x: x[:, :, 0], "(2, 3)"),
        (lambda x: x[:, :1], "(2, 1, 6)"),
        (lambda x: x[:1], "(1, 3, 6)"),
        (lambda x: x.transpose(1, 2), "(2, 6, 3)"),
        (lambda x: x.sum(), "()"),
        (lambda x: (x, x), "tuple"),
    ],
)
def test_an_answer_that_is_no_sequence_is_refused(answer, got: str) -> None:
    with refused("wrong-shape", names=(got, (2, 3, 6))):
        predict(Answers(answer), batch([1, 3]))


def test_predict_gives_the_models_answer_and_changes_nothing() -> None:
    model = nn.Sequential(nn.Linear(6, 4), nn.Dropout(0.5), nn.Linear(4, 2)).eval()
    model[0].train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    x = batch([1, 3])
    kept = x.values.clone()
    y = predict(model, x)
    for answer, raw in zip(y, model(x.values), strict=True):
        assert torch.equal(answer, raw[: len(answer)])
    assert not y.values[~x.mask].any()
    assert y.lengths.tolist() == [1, 3]
    assert not y.values.requires_grad
    assert torch.equal(x.values, kept)
    assert [part.training for part in model] == [True, False, False]
    assert all(parameter.grad is None for parameter in model.parameters())
    assert all(torch.equal(before[name], now) for name, now in model.state_dict().items())
    assert torch.is_grad_enabled()


def test_forward_lets_gradients_flow() -> None:
    x = batch([1, 3])
    leaf = x.values.clone().requires_grad_()
    forward(nn.Linear(6, 2), x.with_values(leaf)).sum().backward()
    assert leaf.grad.abs().min() > 0


def test_nan_is_refused_in_an_answers_own_frames_only() -> None:
    x = batch([1, 3])
    in_padding = Answers(lambda v: torch.where(x.mask[..., None], v, NAN))
    assert torch.equal(predict(in_padding, x).unpad()[0], x.unpad()[0])
    with refused("not-finite"):
        predict(Answers(lambda v: v / 0), x)


@pytest.mark.parametrize(
    "part",
    [
        nn.Dropout(0.1),
        nn.Dropout2d(0.1),
        nn.AlphaDropout(0.1),
        nn.BatchNorm1d(6),
        nn.GRU(6, 6, num_layers=2, dropout=0.1),
        nn.LSTM(6, 6, num_layers=2, dropout=0.1),
        nn.MultiheadAttention(6, 1, dropout=0.1),
    ],
    ids=lambda part: type(part).__name__,
)
def test_training_mode_is_refused_where_it_changes_the_answer(part: nn.Module) -> None:
    model = nn.ModuleDict({"inside": part})
    with refused("training-mode", names=("inside", type(part).__name__)):
        check_mode(model.train())
    with refused("training-mode", names=(type(part).__name__,)):
        check_mode(part)
    check_mode(model.eval())


@pytest.mark.parametrize(
    "part",
    [
        nn.Linear(6, 6),
        nn.Dropout(0.0),
        nn.GRU(6, 6),
        nn.LayerNorm(6),
        nn.MultiheadAttention(6, 1),
    ],
    ids=lambda part: type(part).__name__,
)
def test_training_mode_is_accepted_where_it_changes_nothing(part: nn.Module) -> None:
    check_mode(part.train())
    assert part.training


def test_predict_refuses_a_model_in_training_mode() -> None:
    with refused("training-mode"):
        predict(nn.Sequential(nn.Linear(6, 2), nn.Dropout(0.5)), batch([2]))
