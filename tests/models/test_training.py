"""Training finds a known optimum, repeats bit for bit, and survives being killed."""

import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.errors import refused
from torch import Tensor, nn

from feint.errors import DamagedError, FeintError
from feint.io.sealed import read_tensors, write_tensors
from feint.models import training
from feint.models.inference import predict
from feint.models.tcn import TCN
from feint.models.training import error, masked_mse, split_rows, train
from feint.models.training_settings import Training
from feint.sequences import Sequences

SHORT = Training(
    epochs=6, batch_size=4, schedule="cosine", validation=0.25, checkpoint_every=1, seed=3
)
PLAIN = Training(epochs=3, validation=0.0, keep="last")


def data(rows: int = 12) -> tuple[Sequences, Sequences]:
    generator = torch.Generator().manual_seed(0)
    lengths = torch.randint(2, 7, (rows,), generator=generator).tolist()
    x = Sequences.pad([torch.randn(n, 6, generator=generator) for n in lengths])
    mixing = torch.randn(6, 3, generator=generator)
    return x, x.with_values(torch.tanh(x.values @ mixing) + 4)


def tcn() -> TCN:
    """Dropout: it needs the random numbers of every epoch to be the same again."""
    torch.manual_seed(1)
    return TCN(6, 3, width=8, depth=2, dropout=0.3)


class Normalised(nn.Module):
    """Batch normalisation: it has buffers that are no parameters, one of them an integer."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(6)
        self.head = nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.norm(x.flatten(0, 1)).unflatten(0, x.shape[:2]))


def normalised() -> Normalised:
    torch.manual_seed(2)
    return Normalised()


def linear() -> nn.Linear:
    torch.manual_seed(3)
    return nn.Linear(6, 3)


def assert_same_weights(a: nn.Module, b: nn.Module) -> None:
    assert list(a.state_dict()) == list(b.state_dict())
    for name, tensor in a.state_dict().items():
        assert torch.equal(tensor, b.state_dict()[name]), name


def filled(x: Sequences, filler: float) -> Sequences:
    return x.with_values(torch.where(x.mask[..., None], x.values, filler))


def test_masked_mse_by_hand() -> None:
    # Frames of row 0: (1, 3) and (0, 2) off, of row 1: (2, 0); the padding is nobody's.
    output = torch.tensor([[[1.0, 3.0], [0.0, 2.0]], [[2.0, 0.0], [1e9, math.nan]]])
    y = Sequences(torch.zeros(2, 2, 2), torch.tensor([2, 1]))
    assert masked_mse(output, y).item() == pytest.approx((1 + 9 + 0 + 4 + 4 + 0) / 6)


@pytest.mark.parametrize("outputs", [1, 2, 6])
def test_answers_of_another_size_are_refused_not_broadcast(outputs: int) -> None:
    x, y = data()
    with refused("wrong-shape", names=(f"{outputs})", "(12, 6, 3)")):
        train(nn.Linear(6, outputs), x, y, replace(PLAIN, batch_size=12))


def test_error_by_hand() -> None:
    x, y = data()
    model = linear()
    off = [(a - b).tolist() for a, b in zip(predict(model, x), y, strict=True)]
    frames = [math.hypot(*frame) for sequence in off for frame in sequence]
    assert error(model, x, y) == pytest.approx(sum(frames) / len(frames), rel=1e-5)


def test_error_is_the_same_over_many_batches() -> None:
    x, y = data(300)  # measured 256 rows at a time
    model = linear()
    each = torch.tensor([error(model, x[[i]], y[[i]]) for i in range(300)])
    want = (each * x.lengths).sum() / x.lengths.sum()
    assert error(model, x, y) == pytest.approx(want.item(), rel=1e-5)


TO_THE_END = Training(
    epochs=400, learning_rate=0.1, schedule="cosine", validation=0.0, keep="last", clip=1e6
)


def test_an_exactly_linear_problem_is_learnt() -> None:
    x, _ = data()
    mixing, bias = torch.arange(18.0).reshape(6, 3) / 9 - 1, torch.tensor([1.0, -2.0, 0.5])
    model = linear()
    history = train(model, x, x.with_values(x.values @ mixing + bias), TO_THE_END)
    assert history.loss[0] > 1
    assert history.loss[-1] < 1e-8
    assert len(history.loss) == 400
    assert history.validation == []
    assert history.best_epoch == 399
    torch.testing.assert_close(model.weight, mixing.T, atol=1e-3, rtol=0)
    torch.testing.assert_close(model.bias, bias, atol=1e-3, rtol=0)


def test_the_optimum_is_least_squares_over_own_frames() -> None:
    x, y = data()
    model = linear()
    history = train(model, filled(x, 50.0), filled(y, -50.0), TO_THE_END)
    seen, wanted = x.values[x.mask], y.values[y.mask]
    design = torch.cat([seen, torch.ones(len(seen), 1)], dim=1)
    optimum = torch.linalg.lstsq(design, wanted).solution
    torch.testing.assert_close(model.weight, optimum[:6].T, atol=1e-3, rtol=0)
    torch.testing.assert_close(model.bias, optimum[6], atol=1e-3, rtol=0)
    assert history.loss[-1] == pytest.approx(
        (design @ optimum - wanted).square().mean().item(), rel=1e-4
    )


def test_the_history_says_what_it_was() -> None:
    x, y = data()
    model = linear()
    fit, held = split_rows(12, None, SHORT)
    first = masked_mse(model(x[fit].values), y[fit]).item()
    history = train(model, x, y, replace(SHORT, epochs=1, batch_size=64))
    assert history.loss == [pytest.approx(first)]  # before the only step of the epoch
    assert history.validation == [error(model, x[held], y[held])]


def test_coordinates_are_fitted_to_the_rows_trained_on() -> None:
    x, y = data()
    model = tcn()
    train(model, x, y, SHORT)
    fit, _ = split_rows(12, None, SHORT)
    seen = x[fit].values[x[fit].mask]
    torch.testing.assert_close(model.coordinates.input_mean, seen.mean(dim=0))
    assert not torch.allclose(model.coordinates.input_mean, x.values[x.mask].mean(dim=0))


@pytest.mark.parametrize("make", [tcn, linear])
def test_what_stands_in_the_padding_does_not_matter(make: Callable[[], nn.Module]) -> None:
    x, y = data()
    models = [make(), make()]
    histories = [
        train(models[0], x, y, SHORT),
        train(models[1], filled(x, 7.0), filled(y, -9.0), SHORT),
    ]
    assert histories[0] == histories[1]
    assert_same_weights(*models)


def test_a_seed_repeats_bit_for_bit_and_another_does_not() -> None:
    x, y = data()
    models = [tcn() for _ in range(3)]
    seeds = (3, 3, 4)
    histories = []
    for model, seed in zip(models, seeds, strict=True):
        torch.rand(seed)  # whatever was drawn before
        histories.append(train(model, x, y, replace(SHORT, seed=seed)))
    assert histories[0] == histories[1]
    assert_same_weights(models[0], models[1])
    assert not torch.equal(models[0].head.weight, models[2].head.weight)


@given(st.integers(1, 40), st.integers(1, 5), st.integers(1, 4))
@settings(max_examples=30)
def test_batches_of_like_length_have_every_row_once(rows: int, size: int, bucketing: int) -> None:
    lengths = torch.randint(1, 9, (rows,), generator=torch.Generator().manual_seed(rows))
    asked = Training(batch_size=size, bucketing=bucketing)
    batches = training._batches(list(range(rows)), lengths, asked)
    assert sorted(torch.cat(batches).tolist()) == list(range(rows))
    assert max(len(batch) for batch in batches) <= size
    whole = training._batches(list(range(rows)), lengths, replace(asked, bucketing=rows))
    ends = sorted((int(lengths[b].min()), int(lengths[b].max())) for b in whole)
    assert all(high <= low for (_, high), (low, _) in pairwise(ends))


def test_batches_of_like_length_train_as_well() -> None:
    x, y = data(32)
    losses = []
    for bucketing in (1, 8):
        torch.manual_seed(0)
        asked = replace(PLAIN, epochs=20, batch_size=4, bucketing=bucketing, learning_rate=1e-2)
        losses.append(train(tcn(), x, y, asked).loss[-1])
    assert losses[1] < 2 * losses[0]
    assert losses[1] != losses[0]


def test_the_callers_random_numbers_are_left_alone() -> None:
    x, y = data()
    model = tcn()
    torch.manual_seed(11)
    before = torch.get_rng_state()
    train(model, x, y, SHORT)
    assert torch.equal(torch.get_rng_state(), before)
    with pytest.raises(FeintError):
        train(nn.Linear(6, 1), x, y, SHORT)
    torch.rand(1)
    assert not torch.equal(torch.get_rng_state(), before)


def test_it_ends_in_evaluation_mode_with_the_data_as_it_was() -> None:
    x, y = data()
    kept = x.values.clone(), y.values.clone()
    model = tcn()
    train(model, x, y, SHORT)
    assert not any(part.training for part in model.modules())
    assert torch.equal(x.values, kept[0])
    assert torch.equal(y.values, kept[1])


def scripted(monkeypatch: pytest.MonkeyPatch, errors: list[float]) -> None:
    left = iter(errors)
    monkeypatch.setattr(training, "error", lambda model, x, y: next(left))


@pytest.mark.parametrize(
    "errors, best",
    [([3.0, 1.0, 2.0, 5.0], 1), ([1.0, 2.0, 3.0, 4.0], 0), ([4.0, 3.0, 2.0, 1.0], 3)],
)
def test_the_best_epoch_is_kept(
    monkeypatch: pytest.MonkeyPatch, errors: list[float], best: int
) -> None:
    x, y = data()
    constant = replace(SHORT, epochs=4, schedule="constant")
    model = tcn()
    scripted(monkeypatch, errors)
    history = train(model, x, y, constant)
    assert history.validation == errors
    assert history.best_epoch == best
    until_then = tcn()
    scripted(monkeypatch, errors)
    train(until_then, x, y, replace(constant, epochs=best + 1, keep="last"))
    assert_same_weights(model, until_then)


def test_the_last_epoch_is_kept_where_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = data()
    best, last = tcn(), tcn()
    scripted(monkeypatch, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0] * 2)
    assert train(best, x, y, SHORT).best_epoch == 0
    assert train(last, x, y, replace(SHORT, keep="last")).best_epoch == 5
    assert not torch.equal(best.head.weight, last.head.weight)


@pytest.mark.parametrize(
    "schedule, shares",
    [("constant", [1, 1, 1, 1]), ("cosine", [1, 0.5 + 8**-0.5, 0.5, 0.5 - 8**-0.5])],
)
def test_the_rate_follows_its_schedule(
    monkeypatch: pytest.MonkeyPatch, schedule: str, shares: list[float]
) -> None:
    rates = []

    def spy(model, optimizer, *_: object) -> float:
        rates.append(optimizer.param_groups[0]["lr"])
        return 1.0

    monkeypatch.setattr(training, "_run_epoch", spy)
    x, y = data()
    train(linear(), x, y, replace(PLAIN, epochs=4, learning_rate=0.2, schedule=schedule))
    assert rates == pytest.approx([0.2 * share for share in shares])


def test_the_gradient_is_clipped() -> None:
    # Adam's first step is rate * g / (|g| + 1e-8): all of the rate, unless g is tiny.
    x, y = data()
    moved = []
    for clip in (1e6, 1e-12):
        model, before = linear(), linear()
        train(model, x, y, replace(PLAIN, epochs=1, clip=clip))
        moved.append((model.weight - before.weight).abs().max().item())
    assert moved[0] == pytest.approx(1e-3, rel=1e-3)
    assert moved[1] < 1e-6


class Killed(BaseException):
    """Stands for the signal."""


def killed_in(monkeypatch: pytest.MonkeyPatch, epoch: int) -> None:
    """The epoch-th call of an epoch, counted from here, dies in its middle."""
    whole, calls = training._run_epoch, iter(range(10_000))

    def dies(model: nn.Module, *rest) -> float:
        loss = whole(model, *rest)
        if next(calls) == epoch:
            raise Killed  # after the weights have moved, before anything is saved
        return loss

    monkeypatch.setattr(training, "_run_epoch", dies)


@pytest.mark.parametrize("make", [tcn, normalised])
@pytest.mark.parametrize("keep", ["best", "last"])
@pytest.mark.parametrize("every, epoch", [(1, 0), (1, 3), (1, 5), (2, 3), (4, 5), (4, 2)])
def test_killed_training_resumes_to_the_same_weights(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    make: Callable[[], nn.Module],
    keep: str,
    every: int,
    epoch: int,
) -> None:
    x, y = data()
    how = replace(SHORT, keep=keep, checkpoint_every=every)
    whole = make()
    history = train(whole, x, y, how)
    path = tmp_path / "checkpoint"
    with monkeypatch.context() as patch:
        killed_in(patch, epoch)
        with pytest.raises(Killed):
            train(make(), x, y, how, checkpoint=path)
    done = epoch // every * every
    assert path.exists() == (done > 0)
    ran = []
    with monkeypatch.context() as patch:
        one = training._run_epoch
        patch.setattr(training, "_run_epoch", lambda *a: (ran.append(0), one(*a))[1])
        resumed = make()
        assert train(resumed, x, y, how, checkpoint=path) == history
    assert len(ran) == how.epochs - done
    assert_same_weights(resumed, whole)
    assert os.listdir(tmp_path) == ["checkpoint"]  # noqa: PTH208 - hidden files too


def test_killed_twice_it_still_resumes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = data()
    whole, resumed = tcn(), tcn()
    history = train(whole, x, y, SHORT)
    for epoch in (2, 1):
        with monkeypatch.context() as patch:
            killed_in(patch, epoch)
            with pytest.raises(Killed):
                train(tcn(), x, y, SHORT, checkpoint=tmp_path / "c")
    assert read_tensors(tmp_path / "c")[1]["done"] == 3
    assert train(resumed, x, y, SHORT, checkpoint=tmp_path / "c") == history
    assert_same_weights(resumed, whole)


def test_a_finished_training_is_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, y = data()
    first, again = tcn(), tcn()
    history = train(first, x, y, SHORT, checkpoint=tmp_path / "c")
    killed_in(monkeypatch, 0)
    assert train(again, x, y, SHORT, checkpoint=tmp_path / "c") == history
    assert_same_weights(first, again)
    assert not again.training


SLOW = replace(SHORT, epochs=60)


def child(path: str) -> None:
    """What the subprocess below runs: the same training, slow enough to be killed in time."""
    whole = training._run_epoch

    def slow(*given) -> float:
        time.sleep(0.05)
        return whole(*given)

    training._run_epoch = slow
    train(tcn(), *data(), SLOW, checkpoint=Path(path))


@pytest.mark.slow
def test_sigkill_and_resume_end_at_the_same_weights(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint"
    code = f"import runpy; runpy.run_path({__file__!r})['child']({str(path)!r})"
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE)
    try:
        end = time.monotonic() + 60
        while not (path.exists() and read_tensors(path)[1]["done"] >= 3):
            assert process.poll() is None, process.stderr.read().decode()
            assert time.monotonic() < end
            time.sleep(0.01)
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert 3 <= read_tensors(path)[1]["done"] < SLOW.epochs
    x, y = data()
    whole, resumed = tcn(), tcn()
    history = train(whole, x, y, SLOW)
    assert train(resumed, x, y, SLOW, checkpoint=path) == history
    assert_same_weights(resumed, whole)


def moved(x: Sequences) -> Sequences:
    values = x.values.clone()
    values[0, 0, 0] += 1e-3
    return x.with_values(values)


def wide() -> TCN:
    torch.manual_seed(1)
    return TCN(6, 3, width=9, depth=2, dropout=0.3)


def lazier() -> TCN:
    torch.manual_seed(1)
    return TCN(6, 3, width=8, depth=2, dropout=0.1)


def other_weights() -> TCN:
    torch.manual_seed(2)
    return TCN(6, 3, width=8, depth=2, dropout=0.3)


@pytest.mark.parametrize(
    "change",
    [
        {"how": replace(SHORT, seed=4)},
        {"how": replace(SHORT, epochs=7)},
        {"how": replace(SHORT, learning_rate=1e-2)},
        {"how": replace(SHORT, keep="last")},
        {"x": moved(data()[0])},
        {"y": moved(data()[1])},
        {"make": wide},
        {"make": lazier},
        {"make": other_weights},
        {"groups": [str(i // 3) for i in range(12)]},
    ],
    ids=["seed", "epochs", "rate", "keep", "x", "y", "width", "dropout", "weights", "groups"],
)
def test_a_checkpoint_of_another_training_is_refused(tmp_path: Path, change: dict) -> None:
    x, y = data()
    path = tmp_path / "checkpoint"
    train(tcn(), x, y, SHORT, checkpoint=path)
    kept = path.read_bytes()
    with refused("other-training", names=("checkpoint",), error=DamagedError):
        train(
            change.get("make", tcn)(),
            change.get("x", x),
            change.get("y", y),
            change.get("how", SHORT),
            groups=change.get("groups"),
            checkpoint=path,
        )
    assert path.read_bytes() == kept


def test_a_checkpoint_of_a_model_that_differs_in_its_settings_alone_is_refused(
    tmp_path: Path,
) -> None:
    # With and without a first pose a TCN has the same parts, names and first weights.
    x = Sequences.pad([torch.randn(4, 18) for _ in range(12)])
    y = x.with_values(x.values[..., :9])
    for first_pose in (False, True):
        torch.manual_seed(0)
        model = TCN(18, 9, width=4, depth=1, first_pose=first_pose)
        if first_pose:
            with refused("other-training", error=DamagedError):
                train(model, x, y, SHORT, checkpoint=tmp_path / "c")
        else:
            train(model, x, y, SHORT, checkpoint=tmp_path / "c")


@pytest.mark.parametrize("share", [0.0, 0.2, 0.99])
def test_a_truncated_checkpoint_is_an_error(tmp_path: Path, share: float) -> None:
    x, y = data()
    path = tmp_path / "checkpoint"
    train(tcn(), x, y, SHORT, checkpoint=path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with refused("damaged-file", names=("checkpoint",), error=DamagedError):
        train(tcn(), x, y, SHORT, checkpoint=path)


@pytest.mark.parametrize("about", [None, [], {"schema": 1}, {"identity": "another"}])
def test_a_checkpoint_that_is_none_is_an_error(tmp_path: Path, about: object) -> None:
    x, y = data()
    write_tensors(tmp_path / "c", {"a": torch.zeros(1)}, about)
    with refused("other-training", error=DamagedError):
        train(tcn(), x, y, SHORT, checkpoint=tmp_path / "c")


class Breaks(nn.Module):
    """Answers NaN while it is trained."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(x) * (math.nan if self.training else 1.0)


def test_a_loss_of_nan_is_an_error_and_is_not_saved(tmp_path: Path) -> None:
    x, y = data()
    with refused("not-finite", names=("nan",)):
        train(Breaks(), x, y, SHORT, checkpoint=tmp_path / "c")
    assert not (tmp_path / "c").exists()


def test_a_loss_that_explodes_is_an_error() -> None:
    x, y = data()
    with refused("not-finite", names=("inf",)):
        train(linear(), x, y, replace(PLAIN, learning_rate=1e30))


def test_inputs_without_their_answers_are_refused() -> None:
    x, y = data()
    for other in (y[:11], y[list(range(11, -1, -1))]):
        with refused("wrong-shape"):
            train(linear(), x, other, SHORT)


@settings(deadline=None)
@given(
    groups=st.lists(st.sampled_from("abcdefghij"), min_size=6, max_size=40),
    share=st.floats(0.05, 0.9),
    seed=st.integers(0, 50),
)
def test_a_split_keeps_groups_together(groups: list[str], share: float, seed: int) -> None:
    how = Training(validation=share, seed=seed)
    names = set(groups)
    count = round(len(names) * share)
    if count in (0, len(names)):
        with refused("too-little-data"):
            split_rows(len(groups), groups, how)
        return
    before = torch.get_rng_state()
    fit, held = split_rows(len(groups), groups, how)
    assert sorted(fit + held) == list(range(len(groups)))
    assert fit == sorted(fit)
    assert held == sorted(held)
    assert len({groups[i] for i in held}) == count
    assert not {groups[i] for i in held} & {groups[i] for i in fit}
    assert split_rows(len(groups), groups, how) == (fit, held)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_split_without_groups_is_of_rows_and_depends_on_the_seed() -> None:
    splits = [split_rows(20, None, Training(validation=0.3, seed=seed)) for seed in range(5)]
    assert all(len(fit) == 14 and len(held) == 6 for fit, held in splits)
    assert len({tuple(held) for _, held in splits}) > 1
    assert split_rows(3, None, PLAIN) == ([0, 1, 2], [])


def test_a_group_too_few_is_refused() -> None:
    with refused("wrong-shape", names=("2 groups for 3 rows",)):
        split_rows(3, ["a", "b"], PLAIN)


@pytest.mark.parametrize(
    "field, value",
    [("epochs", 0), ("batch_size", 0), ("checkpoint_every", 0), ("validation", 1.0),
     ("validation", -0.1), ("validation", math.nan), ("learning_rate", 0.0),
     ("learning_rate", math.nan), ("clip", 0.0), ("clip", math.nan)],
)  # fmt: skip
def test_settings_that_train_nothing_are_refused(field: str, value: float) -> None:
    with refused("bad-setting", names=(f"{field}={value}",)):
        Training(**{field: value})


def test_the_best_epoch_needs_something_to_choose_by() -> None:
    with refused("bad-setting", names=("keep='best'", "validation=0")):
        Training(validation=0.0)
