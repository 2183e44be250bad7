"""Why one reactor's attacks transfer and another's do not: what the two losses look like.

Along the straight way from a clean input to its attacked one: how far each reactor's distance to
the target falls, whether its gradient turns, and whether the two reactors' gradients agree.
"""

import polars as pl
import torch
from torch import Tensor, nn

from feint.experiments.tensor_reader import TensorReader
from feint.models.inference import forward
from feint.sequences import Sequences, distance

WAY = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Shares of the way from x to x'."""


def along(
    rows: pl.DataFrame, reader: TensorReader, models: dict[str, nn.Module], coords: Tensor
) -> pl.DataFrame:
    """Of every attacked row and reactor, at each share of the way.

    Args:
        rows: attacked rows of rows.parquet, each once (a row's surrogate crafted it).
        models: reactors by name.
        coords: (features,), what could be changed.

    Returns:
        surrogate, victim, target, eps, sequence, at (share of the way), loss (equation 7 a frame),
        size (norm of the gradient per frame), turned (cosine of the gradient and the one at x),
        agrees (cosine of the gradient and the surrogate's own, at the same place).
    """
    tables = []
    for (job,), some in rows.group_by("job", maintain_order=True):
        places = some["row"].to_list()
        task = reader.attack_task(str(job))
        x, targets = task.x[places], task.targets[places]
        x_adv = reader.seen(str(job))[places]
        surrogate = some["surrogate"][0]
        own: list[Tensor] = []
        for victim in (surrogate, *(name for name in models if name != surrogate)):
            first = None
            for i, at in enumerate(WAY):
                here = x.with_values(torch.lerp(x.values, x_adv.values, at))
                loss, gradient = _gradient(models[victim], here, targets, coords)
                first = gradient if first is None else first
                if victim == surrogate:
                    own.append(gradient)
                frames = x.lengths.tolist()
                tables.append(
                    some.select("surrogate", "target", "eps", "sequence").with_columns(
                        victim=pl.lit(victim),
                        at=pl.lit(at),
                        loss=pl.Series((loss / x.lengths).tolist(), dtype=pl.Float64),
                        size=pl.Series(
                            [float(g.norm()) / n for g, n in zip(gradient, frames, strict=True)],
                            dtype=pl.Float64,
                        ),
                        turned=pl.Series(_cosine(gradient, first), dtype=pl.Float64),
                        agrees=pl.Series(_cosine(gradient, own[i]), dtype=pl.Float64),
                    )
                )
    return pl.concat(tables)


def _gradient(
    model: nn.Module, x: Sequences, targets: Sequences, coords: Tensor
) -> tuple[Tensor, Tensor]:
    """The distance to the target, (rows,), and its gradient on the coordinates, (rows, n)."""
    values = x.values.detach().clone().requires_grad_()
    answer = forward(model, x.with_values(values))
    loss = distance(targets.with_values(answer), targets)
    (gradient,) = torch.autograd.grad(loss.sum(), values)
    return loss.detach(), gradient[..., coords].flatten(1)


def _cosine(a: Tensor, b: Tensor) -> list[float]:
    cosines: list[float] = nn.functional.cosine_similarity(a, b, dim=1).tolist()
    return cosines
