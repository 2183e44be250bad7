"""Training a reactor: masked mean squared error, Adam, the best epoch by validation kept.

A training can be killed at any moment: with a checkpoint it resumes and ends at the same weights,
because every epoch seeds its own shuffling and dropout, and the checkpoint is one file.
"""

import hashlib
import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from feint.errors import DamagedError, FeintError
from feint.files import read_tensors, write_tensors
from feint.progress import bar
from feint.sequences import Sequences, distance, forward, predict, sum_over_time

SCHEMA = 1


@dataclass(frozen=True)
class Training:
    """How to train.  The paper states the epochs (1,000), Adam and its rate; the rest is ours.

    Attributes:
        epochs: passes over the training rows.
        learning_rate: Adam's; `schedule` "cosine" lets it fall to 0 over the epochs.
        batch_size: rows a step.
        bucketing: how many batches' rows are sorted by length together before they are split into
            batches, in random order: less padding, less time, the same work. 1 sorts nothing.
        validation: share of the groups held out to choose the epoch by.
        keep: the "best" epoch by validation error, or the "last" as in the paper.
        clip: largest norm of the gradient.
        checkpoint_every: epochs between checkpoints.
        seed: of the split, the shuffling and dropout.

    Raises:
        FeintError: a number out of its range, an unknown choice.
    """

    epochs: int = 100
    learning_rate: float = 1e-3
    schedule: Literal["constant", "cosine"] = "constant"
    batch_size: int = 64
    bucketing: int = 1
    validation: float = 0.1
    keep: Literal["best", "last"] = "best"
    clip: float = 1.0
    checkpoint_every: int = 10
    seed: int = 0

    def __post_init__(self) -> None:
        counts = (self.epochs, self.batch_size, self.bucketing, self.checkpoint_every)
        if not all(type(value) is int for value in (*counts, self.seed)):
            raise FeintError(
                f"Training got {self}; expected whole numbers for epochs, batch_size, bucketing, "
                "checkpoint_every and seed."
            )
        if self.schedule not in ("constant", "cosine") or self.keep not in ("best", "last"):
            raise FeintError(
                f"Training got schedule={self.schedule!r}, keep={self.keep!r}; expected 'constant' "
                "or 'cosine', and 'best' or 'last'."
            )
        for name in ("learning_rate", "validation", "clip"):
            if type(getattr(self, name)) not in (int, float):
                raise FeintError(f"Training got {name}={getattr(self, name)!r}; expected a number.")
        if (
            min(counts) < 1
            or not 0 <= self.validation < 1
            or not self.learning_rate > 0
            or not self.clip > 0
        ):
            raise FeintError(
                f"Training got {self}; expected epochs, batch_size, bucketing and checkpoint_every "
                "of at least 1, 0 <= validation < 1, learning_rate > 0 and clip > 0."
            )
        if self.keep == "best" and self.validation == 0:
            raise FeintError(
                "Training got keep='best' and validation=0; expected something to choose the "
                "epoch by. Use keep='last', or a validation share."
            )


@dataclass(frozen=True)
class History:
    """What a training did: one entry an epoch, and the epoch whose weights were kept.

    Attributes:
        loss: mean squared error on the training rows, in data units squared.
        validation: mean per-frame distance on the held-out rows (empty without them).
        kept: index of the epoch kept.
    """

    loss: list[float] = field(default_factory=list)
    validation: list[float] = field(default_factory=list)
    kept: int = 0


def train(
    model: nn.Module,
    x: Sequences,
    y: Sequences,
    settings: Training,
    *,
    groups: Sequence[str] | None = None,
    checkpoint: Path | None = None,
    name: str = "training",
    watch: Callable[[int, History], None] | None = None,
) -> History:
    """Train `model` in place to answer x with y; it ends in evaluation mode.

    Args:
        model: initialised by the caller; if it has `fit_coordinates(x, y)` that is called first,
            with the rows trained on.  If it has `solve(x, y)`, that is all of its training.
        x, y: (batch, time, features) and (batch, time, outputs), same lengths.
        settings: how.
        groups: what belongs together (the interaction of each row): never split by validation.
        checkpoint: a file to resume from if it is there, and to keep up to date; a finished
            training is recognised by it and not repeated.
        name: what the progress bar says.
        watch: called after every epoch with the number of those done, and with how it went.

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
    fit_coordinates: Callable[[Sequences, Sequences], None] | None
    fit_coordinates = getattr(model, "fit_coordinates", None)
    if fit_coordinates is not None:
        fit_coordinates(x[fit], y[fit])
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
            if watch is not None:
                watch(done, history)
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
    return 0.5 * (1 + math.cos(math.pi * epoch / settings.epochs))


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


def _identity(
    model: nn.Module, x: Sequences, y: Sequences, settings: Training, held: list[int]
) -> str:
    """What a checkpoint must agree with: settings, architecture, first weights, data, split."""
    architecture = (str(model), getattr(model, "settings", None))
    asked = {k: v for k, v in asdict(settings).items() if k != "checkpoint_every"}
    digest = hashlib.sha256(repr((SCHEMA, asked, architecture, held)).encode())
    for tensor in (*model.state_dict().values(), x.values, y.values, x.lengths):
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _save(
    path: Path,
    identity: str,
    done: int,
    history: History,
    best: dict[str, Tensor],
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
) -> None:
    tensors = {f"best.{k}": v for k, v in best.items()}
    tensors |= {f"model.{k}": v for k, v in model.state_dict().items()}
    for i, state in optimizer.state_dict()["state"].items():
        tensors |= {f"adam.{i}.{k}": v for k, v in state.items()}
    about = {"schema": SCHEMA, "identity": identity, "done": done, "history": asdict(history)}
    write_tensors(path, {k: v.clone() for k, v in tensors.items()}, about)


def _resume(
    path: Path, identity: str, model: nn.Module, optimizer: torch.optim.Optimizer
) -> tuple[int, History, dict[str, Tensor]]:
    tensors, about = read_tensors(path)
    if not isinstance(about, dict) or about.get("identity") != identity:
        raise DamagedError(
            f"{path} belongs to another training (other settings, weights or data); expected the "
            "one that is being resumed. Remove it to begin anew, or train into another folder."
        )
    parts: dict[str, dict[str, Tensor]] = {"best": {}, "model": {}, "adam": {}}
    for name, tensor in tensors.items():
        part, _, rest = name.partition(".")
        parts[part][rest] = tensor
    model.load_state_dict(parts["model"])
    state: dict[int, dict[str, Any]] = {}
    for name, tensor in parts["adam"].items():
        i, _, key = name.partition(".")
        state.setdefault(int(i), {})[key] = tensor
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
    return about["done"], History(**about["history"]), parts["best"]
