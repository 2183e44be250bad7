"""Why attacks on one reactor transfer and others do not: losses and gradients of both reactors.

They are computed on the straight line from a clean input to its perturbed one: each reactor's
distance to the target, the direction of its gradient, and whether the two gradients agree.
"""

import polars as pl
import torch
from torch import Tensor, nn

from feint.experiments.tensor_reader import TensorReader
from feint.models.inference import forward
from feint.sequences import Sequences, distance

POSITIONS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Positions on the line from x (0) to x' (1)."""


def along_perturbation(
    rows: pl.DataFrame, reader: TensorReader, models: dict[str, nn.Module], coords: Tensor
) -> pl.DataFrame:
    """Loss and gradient of each attacked row and reactor, at each position.

    Args:
        rows: attacked rows of rows.parquet, each once.
        reader: reader of the run's tensors.
        models: reactors by name.
        coords: (features,), true for the features that the attack may perturb.

    Returns:
        Columns surrogate, victim, target, eps, sequence, position, loss (equation 7 per frame),
        gradient_norm (per frame), cosine_to_start (of the gradient and the one at x) and
        cosine_to_surrogate (of the gradient and the surrogate's, at the same position).
    """
    tables = []
    for (job,), some in rows.group_by("job", maintain_order=True):
        places = some["row"].to_list()
        task = reader.attack_task(str(job))
        x, targets = task.x[places], task.targets[places]
        x_adv = reader.victim_input(str(job))[places]
        surrogate = some["surrogate"][0]
        own: list[Tensor] = []
        for victim in (surrogate, *(name for name in models if name != surrogate)):
            first = None
            for i, at in enumerate(POSITIONS):
                here = x.with_values(torch.lerp(x.values, x_adv.values, at))
                loss, gradient = _gradient(models[victim], here, targets, coords)
                first = gradient if first is None else first
                if victim == surrogate:
                    own.append(gradient)
                frames = x.lengths.tolist()
                tables.append(
                    some.select("surrogate", "target", "eps", "sequence").with_columns(
                        victim=pl.lit(victim),
                        position=pl.lit(at),
                        loss=pl.Series((loss / x.lengths).tolist(), dtype=pl.Float64),
                        gradient_norm=pl.Series(
                            [float(g.norm()) / n for g, n in zip(gradient, frames, strict=True)],
                            dtype=pl.Float64,
                        ),
                        cosine_to_start=pl.Series(_cosine(gradient, first), dtype=pl.Float64),
                        cosine_to_surrogate=pl.Series(_cosine(gradient, own[i]), dtype=pl.Float64),
                    )
                )
    return pl.concat(tables)


def _gradient(
    model: nn.Module, x: Sequences, targets: Sequences, coords: Tensor
) -> tuple[Tensor, Tensor]:
    """The distance to the target, (rows,), and its gradient on the mask, (rows, n)."""
    values = x.values.detach().clone().requires_grad_()
    answer = forward(model, x.with_values(values))
    loss = distance(targets.with_values(answer), targets)
    (gradient,) = torch.autograd.grad(loss.sum(), values)
    return loss.detach(), gradient[..., coords].flatten(1)


def _cosine(a: Tensor, b: Tensor) -> list[float]:
    cosines: list[float] = nn.functional.cosine_similarity(a, b, dim=1).tolist()
    return cosines
