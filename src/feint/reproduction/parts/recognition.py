"""Parts of the reproduction about success criteria: the recognisers and fitted tolerances.

Their sizes are in `profiles.py`, their numbers on the page in `page/sections/`.
"""

from collections.abc import Sequence

import polars as pl
import torch

from feint.models.inference import predict
from feint.reproduction import distance_auc
from feint.reproduction.metrics import recognised_tolerance, recognition_curves
from feint.reproduction.parts.attacks import strong_rows
from feint.reproduction.profiles import PAPER, REGULARISED
from feint.reproduction.runner import Reproduction


def recogniser(r: Reproduction) -> None:
    """Measure the recognisers' accuracy on real reactions, outputs and blurred targets."""
    test, train, rows = r.data.test, r.data.train, []
    seen = {"real reactions, held out": (test.reactor, test.labels)}
    for name in (*PAPER, *REGULARISED):
        seen[f"clean outputs: {name}"] = (predict(r.model(name), test.actor), test.labels)
    for name, one in r.recognisers.items():
        for what, (reactions, labels) in seen.items():
            rows += _named(name, what, one.predict(reactions), labels, test.keys)
        rows += _named(
            name,
            "real reactions, training set",
            one.predict(train.reactor),
            train.labels,
            train.keys,
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


BLUR_CM = (0.0, 5.0, 10.0, 15.0, 20.0)
"""Sizes of blur: mean distance of a joint, in cm.  Attacks leave errors of this size."""


def _blurred(r: Reproduction, name: str) -> list[dict[str, str | float]]:
    """Recognise the attack's targets with noise of several sizes, per frame or constant."""
    recogniser, rows = r.recognisers[name], []
    experiment = r.experiment("strong", PAPER)
    spec, test, skeleton = experiment.target.targets(r.profile.seed), r.data.test, r.skeleton
    generator = torch.Generator().manual_seed(r.profile.seed)
    for label in r.profile.labels:
        _, raw = spec.choose(label, r.data.train, test)
        targets = spec.align(raw, test.reactor, test.reactor, skeleton)
        for kind in ("framewise", "constant"):
            for size in BLUR_CM:
                if size == 0 and kind == "constant":
                    continue
                frames = targets.values.shape[1] if kind == "framewise" else 1
                shape = (len(targets), frames, len(skeleton.joints), 3)
                noise = torch.randn(shape, generator=generator)
                noise = noise / noise.norm(dim=-1).mean() * size / 100
                metres = skeleton.to_metres(targets.values) + noise
                values = skeleton.from_metres(metres) * targets.mask[..., None]
                what = f"targets, {size:g} cm of {kind} noise" if size else "targets"
                names = recogniser.predict(targets.with_values(values))
                rows += _named(name, what, names, [label] * len(names), test.keys)
    return rows


def tolerance(r: Reproduction) -> None:
    """Fit tolerances on the recognisers, and compute distance AUCs of real reactions."""
    r.save("distance_auc", distance_auc.table(r.data.train))
    rows = strong_rows(r)
    r.save("recognition_curves", recognition_curves(rows, r.profile.seed))
    found = recognised_tolerance(rows, r.profile.seed)
    if found is not None:
        found.save(r.results / "tolerance-recognised.json")
