"""Batches of rows to attack at once: of similar length, and no larger than fits in memory.

`feint.attack` and `evaluation/crafting.py` take their batches from here.  The size of a batch never
changes a result.
"""

from collections.abc import Iterator

import torch
from jaxtyping import Int
from torch import Tensor, nn

from feint.io.memory import free_memory
from feint.models.inference import forward_values
from feint.models.layers.weight_cache import cached_weights
from feint.sequences import Sequences

FRAMES = {"cpu": 4096, "cuda": 2**20}
"""Frames at once beyond which a processor gains nothing more."""
SHARE = 0.5
"""Of the memory that is free, how much a step may take."""


def batches(
    model: nn.Module, x: Sequences, which: Int[Tensor, " rows"], size: int | None = None
) -> Iterator[Int[Tensor, " batch"]]:
    """Places in `which` in batches to attack at once, the longest first.

    Args:
        which: for every row of the work, the sequence of x it is about.
        size: rows a batch; if not given, as many as a step's memory, measured on the longest
            row, allows, up to `FRAMES`, beyond which the device gains nothing.
    """
    if len(which) == 0:
        return
    order = x.lengths[which].cpu().argsort(descending=True, stable=True)
    lengths = x.lengths[which].cpu()[order].tolist()
    frames = 0
    if not size:
        most = FRAMES.get(x.values.device.type, FRAMES["cpu"])
        frames = min(most, _fitting(model, x[which[order[:1]]]))
    begin = 0
    while begin < len(lengths):
        end = begin + (size or max(1, frames // lengths[begin]))
        yield order[begin:end]
        begin = end


def _fitting(model: nn.Module, x: Sequences) -> int:
    """How many frames of x fit into the memory a step may take."""
    return int(SHARE * _free(x.values.device) / step_memory(model, x) * x.values.shape[1])


def step_memory(model: nn.Module, x: Sequences) -> int:
    """Bytes that a forward pass over x keeps for its gradient, and the way back once more."""
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    hooks = torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor)
    with torch.enable_grad(), cached_weights(), hooks:
        output = forward_values(model, x.values.detach().requires_grad_(), x.lengths)
    own = {
        weight.untyped_storage().data_ptr() for weight in (*model.parameters(), *model.buffers())
    }
    kept[output.untyped_storage().data_ptr()] = output.untyped_storage().nbytes()
    return 2 * sum(size for place, size in kept.items() if place not in own)


def _free(device: torch.device) -> int:
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return free_memory()
