"""Training a reactor: masked mean squared error, Adam, the best epoch by validation kept.

A training can be killed at any moment: with a checkpoint it resumes and ends at the same weights,
because every epoch seeds its own shuffling and dropout, and the checkpoint is one file.
"""

import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from feint.errors import FeintError
from feint.io.progress import bar
from feint.models.inference import forward, predict
from feint.models.schedules import half_cosine
from feint.models.training_checkpoint import _identity, _resume, _save
from feint.models.training_settings import History, Training
from feint.sequences import Sequences, distance, sum_over_time


def train(
    model: nn.Module,
    x: Sequences,
    y: Sequences,
    settings: Training,
    *,
    groups: Sequence[str] | None = None,
    checkpoint: Path | None = None,
    name: str = "training",
    callback: Callable[[int, History], None] | None = None,
) -> History:
    """Train `model` in place to answer x with y; it ends in evaluation mode.

    Args:
        model: initialised by the caller; if it has `fit_normalization(x, y)` that is called first,
            with the rows trained on.  If it has `solve(x, y)`, that is all of its training.
        x, y: (batch, time, features) and (batch, time, outputs), same lengths.
        settings: how.
        groups: what belongs together (the interaction of each row): never split by validation.
        checkpoint: a file to resume from if it is there, and to keep up to date; a finished
            training is recognised by it and not repeated.
        name: what the progress bar says.
        callback: called after every epoch with the number of those done, and with how it went.

    Raises:
        FeintError: x and y differ in lengths, the loss is not finite, the checkpoint belongs to
            another training.
    """
    if len(x) != len(y) or not torch.equal(x.lengths, y.lengths):
        raise FeintError(
            f"train got {len(x)} inputs and {len(y)} answers, or lengths that differ; expected "
            "one answer an input, frame for frame."
        )
    fit, held = split(len(x), groups, settings)
    identity = _identity(model, x, y, settings, held)
    fit_normalization: Callable[[Sequences, Sequences], None] | None
    fit_normalization = getattr(model, "fit_normalization", None)
    if fit_normalization is not None:
        fit_normalization(x[fit], y[fit])
    if callable(getattr(model, "solve", None)):
        return _solved(model, x, y, fit, held)
    optimizer = torch.optim.Adam(model.parameters(), lr=settings.learning_rate)
    history = History()
    best = _copy(model)
    start = 0
    if checkpoint is not None and checkpoint.exists():
        start, history, best = _resume(checkpoint, identity, model, optimizer)
    with bar(settings.epochs, name) as progress, _own_random_state(model):
        progress.advance(start)
        for epoch in range(start, settings.epochs):
            torch.manual_seed(settings.seed * 1_000_003 + epoch)
            for group in optimizer.param_groups:
                group["lr"] = settings.learning_rate * _rate(settings, epoch)
            history.loss.append(_epoch(model, optimizer, x, y, fit, settings))
            if held:
                history.validation.append(error(model.eval(), x[held], y[held]))
            if settings.keep == "last" or _is_best(history.validation):
                best, history = _copy(model), _kept(history, epoch)
            progress.advance()
            progress.tell(_told(history))
            done = epoch + 1
            if callback is not None:
                callback(done, history)
            if checkpoint is not None and (
                done % settings.checkpoint_every == 0 or done == settings.epochs
            ):
                _save(checkpoint, identity, done, history, best, model, optimizer)
    model.load_state_dict(best)
    model.eval()
    return history


def _solved(model: Any, x: Sequences, y: Sequences, fit: list[int], held: list[int]) -> History:
    """One epoch, in closed form."""
    model.solve(x[fit], y[fit])
    model.eval()
    with torch.no_grad():
        loss = float(masked_mse(forward(model, x[fit]), y[fit]))
    return History([loss], [error(model, x[held], y[held])] if held else [])


def _own_random_state(model: nn.Module) -> AbstractContextManager[None]:
    """Leave the caller's random state as it was, on the model's device too."""
    devices = {p.device for p in model.parameters() if p.device.type != "cpu"}
    kind = next(iter(devices)).type if devices else "cuda"
    return torch.random.fork_rng(devices=[d.index or 0 for d in devices], device_type=kind)


def split(
    rows: int, groups: Sequence[str] | None, settings: Training
) -> tuple[list[int], list[int]]:
    """Rows to fit and rows to validate on, groups kept together, seeded.

    Raises:
        FeintError: too few groups to hold any out.
    """
    of = list(groups) if groups is not None else [str(i) for i in range(rows)]
    if len(of) != rows:
        raise FeintError(f"split got {len(of)} groups for {rows} rows; expected one a row.")
    names = sorted(set(of))
    count = round(len(names) * settings.validation)
    if settings.validation and (count == 0 or count == len(names)):
        raise FeintError(
            f"A validation share of {settings.validation} of {len(names)} groups leaves one side "
            "empty; expected at least one group on either side. Bring more data or another share."
        )
    order = torch.randperm(len(names), generator=torch.Generator().manual_seed(settings.seed))
    held = {names[i] for i in order[:count].tolist()}
    return (
        [i for i in range(rows) if of[i] not in held],
        [i for i in range(rows) if of[i] in held],
    )


def error(model: nn.Module, x: Sequences, y: Sequences) -> float:
    """Mean per-frame distance of the model's answers to y, over all own frames."""
    total = 0.0
    for rows in torch.arange(len(x)).split(256):
        total += float(distance(predict(model, x[rows]), y[rows]).sum())
    return total / float(x.lengths.sum())


def masked_mse(output: Float[Tensor, "batch time outputs"], y: Sequences) -> Float[Tensor, ""]:
    """Squared error, averaged over the features and the own frames of all sequences."""
    if output.shape != y.values.shape:
        raise FeintError(
            f"The model answered {tuple(output.shape)} where the data says "
            f"{tuple(y.values.shape)}; expected one output a feature of the answers."
        )
    per_frame = (output - y.values).square().mean(dim=-1)
    return sum_over_time(per_frame, y.lengths).sum() / y.lengths.sum()


def _epoch(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    x: Sequences,
    y: Sequences,
    rows: list[int],
    settings: Training,
) -> float:
    model.train()
    total, frames = 0.0, 0
    for batch in _batches(rows, x.lengths, settings):
        seen, wanted = x[batch], y[batch]
        loss = masked_mse(forward(model, seen), wanted)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), settings.clip)
        optimizer.step()
        own = int(wanted.lengths.sum())
        total, frames = total + float(loss.detach()) * own, frames + own
    if not math.isfinite(total):
        raise FeintError(
            f"Training met a loss of {total}; expected a finite one. Lower the learning rate, or "
            "look at the data's units."
        )
    return total / frames


def _batches(rows: list[int], lengths: Tensor, settings: Training) -> list[Tensor]:
    """The rows in random batches; of nearly the same length where bucketing asks for it."""
    order = torch.tensor(rows)[torch.randperm(len(rows))]
    if settings.bucketing == 1:
        return list(order.split(settings.batch_size))
    batches = [
        batch
        for window in order.split(settings.batch_size * settings.bucketing)
        for batch in window[lengths.cpu()[window].argsort(stable=True)].split(settings.batch_size)
    ]
    return [batches[i] for i in torch.randperm(len(batches)).tolist()]


def _rate(settings: Training, epoch: int) -> float:
    if settings.schedule == "constant":
        return 1.0
    return half_cosine(epoch, settings.epochs)


def _is_best(validation: list[float]) -> bool:
    return validation[-1] == min(validation)


def _kept(history: History, epoch: int) -> History:
    return History(history.loss, history.validation, epoch)


def _told(history: History) -> str:
    words = f"loss {history.loss[-1]:.4f}"
    if history.validation:
        words += f", validation {history.validation[-1]:.3f} (best {min(history.validation):.3f})"
    return words


def _copy(model: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
