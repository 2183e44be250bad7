"""What the paper leaves open about targets, and what it changes before anybody attacks.

Clean answers of the reactors beside targets chosen and aligned in every offered way: how far they
are, and how many already pass for the target.
"""

import polars as pl
from torch import nn

from feint.attacks.targets import Targets
from feint.data.pairs import Pairs
from feint.evaluation import table1, tolerance
from feint.models.inference import predict
from feint.sequences import Sequences, distance

VARIANTS: dict[str, Targets] = {
    "ours: medoid, who initiates, resampled, at the reactor's place": Targets(role="initiator"),
    "either role": Targets(),
    "length: hold the last frame": Targets(role="initiator", length_mode="hold"),
    "length: crop": Targets(role="initiator", length_mode="crop"),
    "place: as recorded (raw)": Targets(role="initiator", anchor="raw"),
    "place: at the clean prediction's": Targets(role="initiator", anchor="prediction"),
    "place: on the clean prediction's root": Targets(role="initiator", anchor="root"),
    "exemplar: any": Targets(role="initiator", exemplar="any"),
    "exemplar: nearest to the true reaction": Targets(role="initiator", exemplar="nearest"),
}


def table(
    train: Pairs, test: Pairs, models: dict[str, nn.Module], labels: tuple[str, ...]
) -> pl.DataFrame:
    """For every variant and reactor, over all test sequences of other classes and all targets.

    Returns:
        variant, model, n, frame and joint (mean equation 7 in either norm), passes_frame and
        passes_joint (the share that Table 1's kappa lets pass); the same of the real reactions in
        place of the answers, real_ before each name.
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
                wanted = spec.align(raw, some.reactor, answer[other], test.skeleton)
                _add(found, "", answer[other], wanted, label, criteria)
                _add(found, "real_", some.reactor, wanted, label, criteria)
            means = {k: sum(v) / len(v) for k, v in found.items()}
            rows.append({"variant": variant, "model": name, "n": len(found["frame"]), **means})
    return pl.DataFrame(rows)


def _add(
    found: dict[str, list[float]],
    begin: str,
    answers: Sequences,
    wanted: Sequences,
    label: str,
    criteria: dict[str, tolerance.Tolerance],
) -> None:
    answers = wanted.with_values(answers.values[:, : wanted.values.shape[1]])
    for norm, kappa in criteria.items():
        d = distance(answers, wanted, kappa.norm)
        found.setdefault(f"{begin}{norm}", []).extend(d.tolist())
        passed = (d < kappa.of(label)).float().tolist()
        found.setdefault(f"{begin}passes_{norm}", []).extend(passed)
