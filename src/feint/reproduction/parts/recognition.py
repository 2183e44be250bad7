"""Parts of the reproduction that judge answers: the recogniser and kappa."""

from collections.abc import Sequence

import polars as pl
import torch

from feint.models.inference import predict
from feint.reproduction import distance_auc
from feint.reproduction.metrics import curves, recognised_tolerance
from feint.reproduction.parts.attacks import _figure5
from feint.reproduction.profiles import PAPER, REGULAR
from feint.reproduction.runner import Reproduction


def recogniser(r: Reproduction) -> None:
    """What the recognisers name right, on real reactions, answers and blurred targets."""
    test, train, rows = r.data.test, r.data.train, []
    seen = {"real reactions, held out": (test.reactor, test.labels)}
    for name in (*PAPER, *REGULAR):
        seen[f"clean answers: {name}"] = (predict(r.model(name), test.actor), test.labels)
    for name, one in r.recognisers.items():
        for what, (reactions, labels) in seen.items():
            rows += _named(name, what, one.names(reactions), labels, test.keys)
        rows += _named(
            name, "real reactions, trained on", one.names(train.reactor), train.labels, train.keys
        )
        rows += _blurred(r, name)
    r.save("recogniser", pl.DataFrame(rows))


def _named(
    recogniser: str, what: str, names: Sequence[str], labels: Sequence[str], keys: Sequence[str]
) -> list[dict[str, str | float]]:
    return [
        {
            "recogniser": recogniser,
            "what": what,
            "true_class": label,
            "recognised_as": name,
            "sequence": key,
        }
        for name, label, key in zip(names, labels, keys, strict=True)
    ]


RESIDUALS = (0.0, 5.0, 10.0, 15.0, 20.0)
"""Sizes of blur in cm a joint, mean distance: attacks leave residuals of this order."""


def _blurred(r: Reproduction, name: str) -> list[dict[str, str | float]]:
    """Targets as they are asked for, blurred by noise that shakes or is held, of several sizes."""
    recogniser, rows = r.recognisers[name], []
    experiment = r.experiment("strong", PAPER)
    spec, test, skeleton = experiment.target.targets(r.profile.seed), r.data.test, r.skeleton
    generator = torch.Generator().manual_seed(r.profile.seed)
    for label in r.profile.labels:
        _, raw = spec.choose(label, r.data.train, test)
        wanted = spec.align(raw, test.reactor, test.reactor, skeleton)
        for kind in ("shaking", "held"):
            for size in RESIDUALS:
                if size == 0 and kind == "held":
                    continue
                frames = wanted.values.shape[1] if kind == "shaking" else 1
                shape = (len(wanted), frames, len(skeleton.joints), 3)
                noise = torch.randn(shape, generator=generator)
                noise = noise / noise.norm(dim=-1).mean() * size / 100
                metres = skeleton.to_metres(wanted.values) + noise
                values = skeleton.from_metres(metres) * wanted.mask[..., None]
                what = f"targets, {kind} by {size:g} cm" if size else "targets as asked"
                names = recogniser.names(wanted.with_values(values))
                rows += _named(name, what, names, [label] * len(names), test.keys)
    return rows


def kappa(r: Reproduction) -> None:
    """What distances tell: kappa fitted on the recognisers, and AUCs of real reactions."""
    r.save("separation", distance_auc.table(r.data.train))
    rows = _figure5(r)
    r.save("kappa", curves(rows, r.profile.seed))
    found = recognised_tolerance(rows, r.profile.seed)
    if found is not None:
        found.save(r.results / "tolerance-recognised.json")
