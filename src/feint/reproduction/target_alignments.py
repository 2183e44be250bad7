"""How the choice and alignment of targets change the clean success rate.

The paper leaves both open.  This file compares clean outputs of the reactors with targets chosen
and aligned in every way that feint offers.
"""

import polars as pl
from torch import nn

from feint.attacks.targets import Targets
from feint.data.pairs import Pairs
from feint.evaluation import table1, tolerance
from feint.models.inference import predict
from feint.sequences import Sequences, distance

VARIANTS: dict[str, Targets] = {
    "default: medoid, initiator, resampled, at the reactor's place": Targets(role="initiator"),
    "either role": Targets(),
    "length: hold the last frame": Targets(role="initiator", length_mode="hold"),
    "length: crop": Targets(role="initiator", length_mode="crop"),
    "anchor: as recorded (raw)": Targets(role="initiator", anchor="raw"),
    "anchor: first place of the clean prediction": Targets(role="initiator", anchor="prediction"),
    "anchor: root of the clean prediction in every frame": Targets(role="initiator", anchor="root"),
    "exemplar: any": Targets(role="initiator", exemplar="any"),
    "exemplar: nearest to the true reaction": Targets(role="initiator", exemplar="nearest"),
}


def table(
    train: Pairs, test: Pairs, models: dict[str, nn.Module], labels: tuple[str, ...]
) -> pl.DataFrame:
    """Compare every variant and reactor, over all test sequences of other classes and all targets.

    Returns:
        Columns variant, model, n; distance_frame and distance_joint (mean of equation 7),
        success_frame and success_joint (share within Table 1's kappa); and the same with the
        prefix real_, for the recorded reactions in place of the outputs.
    """
    answers = {name: predict(model, test.actor) for name, model in models.items()}
    criteria = {norm: table1.paper(norm) for norm in ("frame", "joint")}
    rows = []
    for variant, spec in VARIANTS.items():
        for name, answer in answers.items():
            found: dict[str, list[float]] = {}
            for label in labels:
                other = [i for i, own in enumerate(test.labels) if own != label]
                some = test[other]
                _, raw = spec.choose(label, train, some)
                targets = spec.align(raw, some.reactor, answer[other], test.skeleton)
                _add(found, "", answer[other], targets, label, criteria)
                _add(found, "real_", some.reactor, targets, label, criteria)
            means = {k: sum(v) / len(v) for k, v in found.items()}
            n = len(found["distance_frame"])
            rows.append({"variant": variant, "model": name, "n": n, **means})
    return pl.DataFrame(rows)


def _add(
    found: dict[str, list[float]],
    prefix: str,
    answers: Sequences,
    targets: Sequences,
    label: str,
    criteria: dict[str, tolerance.Tolerance],
) -> None:
    answers = targets.with_values(answers.values[:, : targets.values.shape[1]])
    for norm, criterion in criteria.items():
        d = distance(answers, targets, criterion.norm)
        found.setdefault(f"{prefix}distance_{norm}", []).extend(d.tolist())
        success = (d < criterion.of(label)).float().tolist()
        found.setdefault(f"{prefix}success_{norm}", []).extend(success)
