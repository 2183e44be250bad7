"""Pairs as the bytes of one checksummed safetensors file, to be sent to other processes.

`experiments/execution.py` packs and `experiments/task_inputs.py` unpacks.  A new field of `Pairs`
needs a line in both functions.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict

import torch
from torch import Tensor

from feint.columns import spec_from_dict
from feint.data.pairs import Pairs
from feint.io.sealed import pack
from feint.sequences import Sequences


def pack_pairs(pairs: Pairs) -> bytes:
    """Pairs as checksummed safetensors."""
    names = {
        "keys": pairs.keys,
        "labels": pairs.labels,
        "sets": pairs.sets,
        "sides": pairs.sides,
        "roles": pairs.roles,
        "feature_spec": asdict(pairs.feature_spec),
    }
    text = json.dumps(names)
    tensors = {
        "actor": pairs.actor.values,
        "reactor": pairs.reactor.values,
        "lengths": pairs.actor.lengths,
        "names": torch.frombuffer(bytearray(text.encode()), dtype=torch.uint8),
    }
    return pack(tensors, {})


def unpack_pairs(tensors: Mapping[str, Tensor], about: object = None) -> Pairs:
    """The pairs in the tensors of a file that `pack_pairs` made."""
    names = json.loads(bytes(tensors["names"].numpy()))
    lengths = tensors["lengths"]
    return Pairs(
        Sequences(tensors["actor"], lengths),
        Sequences(tensors["reactor"], lengths),
        tuple(names["keys"]),
        tuple(names["labels"]),
        tuple(names["sets"]),
        tuple(names["sides"]),
        tuple(names["roles"]),
        spec_from_dict(names["feature_spec"]),
    )
