"""Batches: every row once, of like length, within memory."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from feint.attacks import batching as module
from feint.attacks.batching import batches, step_memory
from feint.models.deepgru import DeepGRU
from feint.models.tcn import TCN
from feint.sequences import Sequences


def ones(lengths: list[int]) -> Sequences:
    return Sequences.pad([torch.ones(n, 2) for n in lengths])


@given(
    lengths=st.lists(st.integers(1, 40), min_size=1, max_size=30),
    size=st.one_of(st.none(), st.integers(1, 40)),
    frames=st.integers(1, 100),
)
def test_every_row_is_there_once_and_no_batch_is_too_large(
    lengths: list[int], size: int | None, frames: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(module.FRAMES, "cpu", frames)
        which = torch.arange(len(lengths))
        parts = [rows.tolist() for rows in batches(nn.Identity(), ones(lengths), which, size)]
    assert sorted(row for rows in parts for row in rows) == list(range(len(lengths)))
    asked = [lengths[row] for rows in parts for row in rows]
    assert asked == sorted(lengths, reverse=True)
    for rows in parts:
        if size:
            assert len(rows) <= size
        else:
            assert len(rows) == 1 or len(rows) * lengths[rows[0]] <= frames
    if size:
        assert len(parts) == -(-len(lengths) // size)


def test_little_memory_makes_small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    model, x = TCN(2, 2, width=8, depth=2).eval(), ones([10] * 8)
    row = step_memory(model, x[[0]])
    monkeypatch.setattr(module, "_free", lambda device: int(3.5 * row / module.SHARE))
    which = torch.arange(8)
    assert [len(rows) for rows in batches(model, x, which)] == [3, 3, 2]
    monkeypatch.setattr(module, "_free", lambda device: 1)
    assert [len(rows) for rows in batches(model, x, which)] == [1] * 8


@pytest.mark.parametrize("model", [TCN(2, 2, width=8, depth=3), DeepGRU(2, 2, (8, 6, 4))])
def test_a_steps_memory_grows_with_its_frames(model: nn.Module) -> None:
    one, two, longer = (
        step_memory(model.eval(), ones(lengths)) for lengths in ([10], [10, 10], [20])
    )
    assert 1.5 * one < two <= 2.1 * one
    assert 1.5 * one < longer <= 2.1 * one
    assert one > 10 * 8 * 4  # at least the widest layer's states


def test_what_a_model_keeps_of_its_weights_is_not_a_rows_memory() -> None:
    wide = nn.Linear(2, 1_000_000)
    x = ones([1])
    # Its output counts, its two million weights do not.
    assert step_memory(wide, x) < 4 * 1_000_000 * 2.5


def test_rows_may_ask_of_a_sequence_again_and_not_of_every_one() -> None:
    which = torch.tensor([2, 0, 2, 1])
    parts = [rows.tolist() for rows in batches(nn.Identity(), ones([3, 5, 4, 9]), which, 3)]
    assert parts == [[3, 0, 2], [1]]
    assert list(batches(nn.Identity(), ones([3]), which[:0])) == []
