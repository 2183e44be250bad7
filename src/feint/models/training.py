"""Training a model: masked mean squared error, Adam, the best epoch by validation.

A training can be killed at any moment.  With a checkpoint it resumes and ends with the same
weights, because every epoch seeds its own shuffling and dropout, and the checkpoint is one file.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from feint.errors import FeintError
from feint.io.progress import bar
from feint.models.inference import forward, predict
from feint.models.protocols import Normalizing, Solvable
from feint.models.registry import model_class
from feint.models.schedules import half_cosine
from feint.models.training_checkpoint import load_checkpoint, save_checkpoint, training_identity
from feint.models.training_settings import History, Training
from feint.sequences import Sequences, distance, sum_over_time

Callback = Callable[[int, History], None]
"""Called after every epoch with the number of epochs done, and the history so far."""


def build_and_train(
    kind: str,
    arguments: Mapping[str, Any],
    x: Sequences,
    y: Sequences,
    settings: Training,
    **options: Any,
) -> tuple[nn.Module, History]:
    """Build a model of a registered family, seeded, on the data's device, and train it.

    Args:
        kind: of `registry.MODELS`.
        arguments: of its constructor, beside the numbers of inputs and outputs.
        options: see `train`.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        model = model_class(kind)(x.values.shape[-1], y.values.shape[-1], **arguments)
    model = model.to(x.values.device)
    return model, train(model, x, y, settings, **options)


def train(
    model: nn.Module,
    x: Sequences,
    y: Sequences,
    settings: Training,
    *,
    groups: Sequence[str] | None = None,
    checkpoint: Path | None = None,
    name: str = "training",
    callback: Callback | None = None,
) -> History:
    """Train `model` in place to answer x with y; it ends in evaluation mode.

    Args:
        model: initialised by the caller.  If it is `Normalizing`, its normalisation is fitted to
            the training rows first; if it is `Solvable`, `solve` is all of its training.
        x, y: (batch, time, features) and (batch, time, outputs), same lengths.
        settings: how.
        groups: what belongs together (the interaction of each row): never split by validation.
        checkpoint: a file to resume from if it exists, and to keep up to date; a finished
            training is recognised by it and not repeated.
        name: shown beside the progress bar.
        callback: called after every epoch.

    Raises:
        FeintError: x and y differ in lengths, the loss is not finite, the checkpoint belongs to
            another training.
    """
    if len(x) != len(y) or not torch.equal(x.lengths, y.lengths):
        raise FeintError(
            f"train got {len(x)} inputs and {len(y)} answers, or lengths that differ; expected "
            "one answer an input, frame for frame.",
            code="wrong-shape",
        )
    fit, validation = split_rows(len(x), groups, settings)
    identity = training_identity(model, x, y, settings, validation)
    if isinstance(model, Normalizing):
        model.fit_normalization(x[fit], y[fit])
    if isinstance(model, Solvable):
        return _solve(model, x, y, fit, validation)
    return _Loop(model, x, y, settings, fit, validation, checkpoint, identity).run(name, callback)


class _Loop:
    """The epochs of one training."""

    def __init__(
        self,
        model: nn.Module,
        x: Sequences,
        y: Sequences,
        settings: Training,
        fit: list[int],
        validation: list[int],
        checkpoint: Path | None,
        identity: str,
    ) -> None:
        self.model, self.x, self.y, self.settings = model, x, y, settings
        self.fit, self.validation = fit, validation
        self.checkpoint, self.identity = checkpoint, identity
        self.optimizer = torch.optim.Adam(model.parameters(), lr=settings.learning_rate)
        self.history, self.best = History(), _copy_weights(model)

    def run(self, name: str, callback: Callback | None) -> History:
        """All epochs that are not done; the model ends with the best weights."""
        start = 0
        if self.checkpoint is not None and self.checkpoint.exists():
            start, self.history, self.best = load_checkpoint(
                self.checkpoint, self.identity, self.model, self.optimizer
            )
        epochs = self.settings.epochs
        with bar(epochs, name) as progress, _keep_random_state(self.model):
            progress.advance(start)
            for epoch in range(start, epochs):
                self._epoch(epoch)
                progress.advance()
                progress.show(_progress_text(self.history))
                done = epoch + 1
                if callback is not None:
                    callback(done, self.history)
                if done % self.settings.checkpoint_every == 0 or done == epochs:
                    self._save(done)
        self.model.load_state_dict(self.best)
        self.model.eval()
        return self.history

    def _epoch(self, epoch: int) -> None:
        settings = self.settings
        torch.manual_seed(settings.seed * 1_000_003 + epoch)
        for group in self.optimizer.param_groups:
            group["lr"] = settings.learning_rate * _learning_rate_factor(settings, epoch)
        loss, validation = self.history.loss, self.history.validation
        loss.append(_run_epoch(self.model, self.optimizer, self.x, self.y, self.fit, settings))
        if self.validation:
            held_out = self.x[self.validation], self.y[self.validation]
            validation.append(error(self.model.eval(), *held_out))
        if settings.keep == "last" or validation[-1] == min(validation):
            self.best = _copy_weights(self.model)
            self.history = History(loss, validation, best_epoch=epoch)

    def _save(self, done: int) -> None:
        if self.checkpoint is not None:
            save_checkpoint(
                self.checkpoint,
                self.identity,
                done,
                self.history,
                self.best,
                self.model,
                self.optimizer,
            )


def _solve(model: Any, x: Sequences, y: Sequences, fit: list[int], held: list[int]) -> History:
    """One epoch, in closed form."""
    model.solve(x[fit], y[fit])
    model.eval()
    with torch.no_grad():
        loss = float(masked_mse(forward(model, x[fit]), y[fit]))
    return History([loss], [error(model, x[held], y[held])] if held else [])


def _keep_random_state(model: nn.Module) -> AbstractContextManager[None]:
    """Leave the caller's random state as it was, on the model's device too."""
    devices = {p.device for p in model.parameters() if p.device.type != "cpu"}
    kind = next(iter(devices)).type if devices else "cuda"
    return torch.random.fork_rng(devices=[d.index or 0 for d in devices], device_type=kind)


def split_rows(
    rows: int, groups: Sequence[str] | None, settings: Training
) -> tuple[list[int], list[int]]:
    """Rows to fit and rows to validate on, seeded; the rows of a group stay together.

    Raises:
        FeintError: too few groups to hold any out.
    """
    of = list(groups) if groups is not None else [str(i) for i in range(rows)]
    if len(of) != rows:
        raise FeintError(
            f"split_rows got {len(of)} groups for {rows} rows; expected one a row.",
            code="wrong-shape",
        )
    names = sorted(set(of))
    count = round(len(names) * settings.validation)
    if settings.validation and (count == 0 or count == len(names)):
        raise FeintError(
            f"A validation share of {settings.validation} of {len(names)} groups leaves one side "
            "empty; expected at least one group on either side. Use more data or another share.",
            code="too-little-data",
        )
    order = torch.randperm(len(names), generator=torch.Generator().manual_seed(settings.seed))
    held = {names[i] for i in order[:count].tolist()}
    return (
        [i for i in range(rows) if of[i] not in held],
        [i for i in range(rows) if of[i] in held],
    )


def error(model: nn.Module, x: Sequences, y: Sequences) -> float:
    """Mean per-frame distance of the model's answers to y, over all own frames, in data units."""
    total = 0.0
    for rows in torch.arange(len(x)).split(256):
        total += float(distance(predict(model, x[rows]), y[rows]).sum())
    return total / float(x.lengths.sum())


def masked_mse(output: Float[Tensor, "batch time outputs"], y: Sequences) -> Float[Tensor, ""]:
    """Squared error, averaged over the features and the own frames of all sequences.

    Raises:
        FeintError: the output has another shape than y.
    """
    if output.shape != y.values.shape:
        raise FeintError(
            f"The model answered {tuple(output.shape)} and the data is {tuple(y.values.shape)}; "
            "expected the same shape, one output for each feature of the data.",
            code="wrong-shape",
        )
    per_frame = (output - y.values).square().mean(dim=-1)
    return sum_over_time(per_frame, y.lengths).sum() / y.lengths.sum()


def _run_epoch(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    x: Sequences,
    y: Sequences,
    rows: list[int],
    settings: Training,
) -> float:
    """One pass over the rows; the mean loss before each step."""
    model.train()
    total, frames = 0.0, 0
    for batch in _batches(rows, x.lengths, settings):
        x_batch, y_batch = x[batch], y[batch]
        loss = masked_mse(forward(model, x_batch), y_batch)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), settings.clip)
        optimizer.step()
        own = int(y_batch.lengths.sum())
        total, frames = total + float(loss.detach()) * own, frames + own
    if not math.isfinite(total):
        raise FeintError(
            f"The training loss became {total}; expected a finite number. Lower the learning rate, "
            "or check the data's units.",
            code="not-finite",
        )
    return total / frames


def _batches(rows: list[int], lengths: Tensor, settings: Training) -> list[Tensor]:
    """The rows in random batches, with `bucketing` above 1 of nearly the same length."""
    order = torch.tensor(rows)[torch.randperm(len(rows))]
    if settings.bucketing == 1:
        return list(order.split(settings.batch_size))
    batches = [
        batch
        for window in order.split(settings.batch_size * settings.bucketing)
        for batch in window[lengths.cpu()[window].argsort(stable=True)].split(settings.batch_size)
    ]
    return [batches[i] for i in torch.randperm(len(batches)).tolist()]


def _learning_rate_factor(settings: Training, epoch: int) -> float:
    if settings.schedule == "constant":
        return 1.0
    return half_cosine(epoch, settings.epochs)


def _progress_text(history: History) -> str:
    text = f"loss {history.loss[-1]:.4f}"
    if history.validation:
        text += f", validation {history.validation[-1]:.3f} (best {min(history.validation):.3f})"
    return text


def _copy_weights(model: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
