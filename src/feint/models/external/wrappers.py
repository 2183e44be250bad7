"""Wrappers for models that are not a plain `nn.Module`: functions, exports, random ones, others.

A plain `nn.Module` needs none of these: attacks use it as it is.
"""

import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from feint.errors import FeintError
from feint.models.inference import call_with_lengths, forward_values


class Function(nn.Module):
    """A plain function of (values) or (values, lengths) as a model without weights."""

    def __init__(self, function: Callable[..., Tensor]) -> None:
        super().__init__()
        self.function = function
        self.lengths = "lengths" in inspect.signature(function).parameters

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """The function's answer: (batch, time, outputs)."""
        return self.function(x, lengths) if self.lengths else self.function(x)


class Exported(nn.Module):
    """A program that `torch.export` saved; it has no training mode."""

    def __init__(self, program: Any) -> None:
        super().__init__()
        self.program = program.module()
        self.lengths = len(program.graph_signature.user_inputs) > 1

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """The program's answer; a second input of it gets the lengths."""
        return self.program(x, lengths) if self.lengths else self.program(x)

    def train(self, mode: bool = True) -> "Exported":
        """Change nothing: an export has no mode."""
        return self


class EOTModel(nn.Module):
    """The mean answer of a random model over a fixed set of draws.

    With more than one sample an attack works on the expectation over the draws (EOT: Athalye et
    al. 2018, arXiv:1707.07397); with one the model is held to a single draw.  Deterministic for a
    batch of one shape.  In a batch of another shape the draws fall elsewhere, so that a
    perturbation is also scored on draws that it was not crafted on.

    Args:
        model: in the mode in which it is meant to answer; its dropout may be on.
        samples: number of draws, a forward pass each.
        seed: of the first draw; the caller's random state is left alone.

    Raises:
        FeintError: samples or seed is out of range.
    """

    averages_draws = True
    """Lets `inference.check_mode` accept dropout that is on."""

    def __init__(self, model: nn.Module, samples: int = 8, seed: int = 0) -> None:
        super().__init__()
        if type(samples) is not int or samples < 1 or type(seed) is not int or seed < 0:
            raise FeintError(
                f"EOTModel got samples={samples}, seed={seed}; expected samples of at least 1 and "
                "a seed of at least 0.",
                code="bad-setting",
            )
        self.model, self.samples, self.seed = model, samples, seed

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """The mean over the draws: (batch, time, outputs)."""
        devices = [x.device] if x.is_cuda else []
        total = None
        with torch.random.fork_rng(devices=devices):
            for draw in range(self.samples):
                torch.manual_seed(self.seed * 1_000_003 + draw)
                answer = forward_values(self.model, x, lengths)
                total = answer if total is None else total + answer
        assert total is not None
        return total / self.samples


class CastModel(nn.Module):
    """A model of another precision than the data's: input and output are converted."""

    converts = True
    """Lets `inference.forward` accept weights of another precision."""

    def __init__(self, model: nn.Module, dtype: torch.dtype) -> None:
        super().__init__()
        self.model, self.dtype = model, dtype

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """The answer, in x's precision."""
        answer = call_with_lengths(self.model, x.to(self.dtype), lengths)
        return answer.to(x.dtype) if isinstance(answer, Tensor) else answer
