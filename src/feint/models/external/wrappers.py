"""Models that are not feint's, made to answer like one: functions, exports, random ones.

Nothing here is needed for a plain `nn.Module`: attacks use that as it is.
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
        """What the function answers."""
        return self.function(x, lengths) if self.lengths else self.function(x)


class Exported(nn.Module):
    """What `torch.export` saved, which knows no training mode and is as it was exported."""

    def __init__(self, program: Any) -> None:
        super().__init__()
        self.program = program.module()
        self.lengths = len(program.graph_signature.user_inputs) > 1

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """What the program answers; a second input of it gets the lengths."""
        return self.program(x, lengths) if self.lengths else self.program(x)

    def train(self, mode: bool = True) -> "Exported":
        """Change nothing: an export has no mode."""
        return self


class EOTModel(nn.Module):
    """The mean answer of a model that draws random numbers, over draws that are always the same.

    With 1 sample the model is held to one draw; with more, an attack works on the expectation over
    them (Athalye et al. 2018, arXiv:1707.07397).  Deterministic for a batch of one shape: in a
    batch of another the draws fall elsewhere, so what is found is scored on other draws, too.

    Args:
        model: in the mode in which it is meant to answer; its dropout may be on.
        samples: draws, a forward pass each.
        seed: of the first; the caller's random state is left alone.
    """

    means_to_draw = True
    """Tells `sequences.check_mode` that dropout inside may be on."""

    def __init__(self, model: nn.Module, samples: int = 8, seed: int = 0) -> None:
        super().__init__()
        if type(samples) is not int or samples < 1 or type(seed) is not int or seed < 0:
            raise FeintError(
                f"Sampled got samples={samples}, seed={seed}; expected at least 1, and at least 0."
            )
        self.model, self.samples, self.seed = model, samples, seed

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """The mean over the draws."""
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
    """A model of another precision than the data's: converted on the way in and out."""

    converts = True
    """Tells `sequences.forward` that weights of another precision are no mistake."""

    def __init__(self, model: nn.Module, dtype: torch.dtype) -> None:
        super().__init__()
        self.model, self.dtype = model, dtype

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """The answer, in x's precision."""
        answer = call_with_lengths(self.model, x.to(self.dtype), lengths)
        return answer.to(x.dtype) if isinstance(answer, Tensor) else answer
