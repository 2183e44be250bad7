"""Pairs as one checksummed safetensors file."""

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
    """Pairs as sealed safetensors, to be sent to whoever works on them."""
    told = {"keys": pairs.keys, "labels": pairs.labels, "sets": pairs.sets, "sides": pairs.sides}
    names = json.dumps({**told, "roles": pairs.roles, "feature_spec": asdict(pairs.feature_spec)})
    tensors = {
        "actor": pairs.actor.values,
        "reactor": pairs.reactor.values,
        "lengths": pairs.actor.lengths,
        "names": torch.frombuffer(bytearray(names.encode()), dtype=torch.uint8),
    }
    return pack(tensors, {})


def unpack_pairs(tensors: Mapping[str, Tensor], about: object = None) -> Pairs:
    """What `pack_pairs` packed."""
    told = json.loads(bytes(tensors["names"].numpy()))
    lengths = tensors["lengths"]
    return Pairs(
        Sequences(tensors["actor"], lengths),
        Sequences(tensors["reactor"], lengths),
        tuple(told["keys"]),
        tuple(told["labels"]),
        tuple(told["sets"]),
        tuple(told["sides"]),
        tuple(told["roles"]),
        spec_from_dict(told["feature_spec"]),
    )
