"""Numbers of the page: success rates by several criteria, fitted tolerances, and the cases shown.

Everything here works on tables of results (see `results.py`); no model runs.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from feint.evaluation import table1
from feint.evaluation.attack_task import IS_ATTACK, IS_NOISE, NONE
from feint.evaluation.criteria import Column
from feint.evaluation.psychometric import fit
from feint.evaluation.success_rates import (
    INTERACTION,
    judge,
    success_rates,
)
from feint.evaluation.tolerance import Tolerance

CRITERIA = ("table1_frame", "table1_joint", "natural", "recognised", "recognised_both")
"""Table 1's kappa with the frame norm and with the joint norm of equation 7, the natural
tolerance, and the two recognisers: trained on real reactions, and also on reactors' outputs."""
ANSWER_KEY = ["victim", "target", "sequence"]
THREAT_MODEL = ("axes",)
"""Columns that define a threat model: an attack's noise baseline has the same threat model."""


def with_success(rows: pl.DataFrame, natural: Tolerance) -> pl.DataFrame:
    """Add a column for each criterion: whether the row is a success."""
    criteria = {
        "table1_frame": table1.paper(),
        "table1_joint": table1.paper("joint"),
        "natural": natural,
    }
    return rows.with_columns(
        *(one.success(rows).alias(name) for name, one in criteria.items()),
        recognised=pl.col("recognised_as") == pl.col("target"),
        recognised_both=pl.col("recognised_as_both") == pl.col("target"),
    )


def rates(
    rows: pl.DataFrame, by: Sequence[str], criteria: Sequence[str] = CRITERIA
) -> pl.DataFrame:
    """Success rates of attacked rows and their baselines, one row for each criterion.

    Sequences whose true class is the target are left out.

    Args:
        rows: rows of `with_success`; each baseline once for each victim (`row_metrics`).
        by: columns that define the groups.
        criteria: the criteria, of `CRITERIA`.

    Returns:
        The columns of `by`, criterion, n, sequences; success_rate, clean_success_rate and
        noise_success_rate (under noise of either kind with the same eps); n_clean_failures, and
        success_rate_if_clean_fails and noise_success_rate_if_clean_fails among these;
        distance_reduction (median); clean_cm, error_cm and bone_length_change (means).  The columns
        with _low and _high are 95 % intervals, bootstrap over interactions.
    """
    key = [*ANSWER_KEY, *(name for name in THREAT_MODEL if name in rows.columns)]
    baselines = rows.filter(~IS_ATTACK)
    baselines = baselines.unique([*key, "attack", "eps"], keep="first", maintain_order=True)
    every = pl.concat([baselines, rows.filter(IS_ATTACK)])
    tables = []
    for criterion in criteria:
        judged = judge(every, Column(criterion, "error_cm"), key)
        judged = judged.filter(IS_ATTACK)
        table = success_rates(judged, by, ("success_rate", "success_rate_if_clean_fails"))
        more = judged.group_by(list(by)).agg(
            sequences=pl.col("sequence").n_unique(), clean_cm=pl.col("clean_distance").mean()
        )
        tables.append(table.join(more, on=list(by)).with_columns(criterion=pl.lit(criterion)))
    order = pl.col("criterion").cast(pl.Enum(list(criteria)))
    return pl.concat(tables).sort(*by, order)


def mean(values: pl.Series) -> float | None:
    """The mean without nulls; None if all are null."""
    known = values.drop_nulls()
    return float(known.cast(pl.Float64).mean()) if len(known) else None  # type: ignore[arg-type]


CURVE_FIELDS = ("low", "high", "width", "n", "recognised", "auc")
DISTANCES = {
    "error_cm": "absolute, at the reactor's first place",
    "error_root_cm": "root-relative in every frame",
    "error_facing_cm": "root-relative, turned to one direction",
}


def recognition_curves(rows: pl.DataFrame, seed: int = 0) -> pl.DataFrame:
    """Fit P(recognised | distance) for each recogniser, kind of distance and target.

    Args:
        rows: white-box rows of `with_success`, attacked and clean.
        seed: seed of the bootstrap.

    Returns:
        Columns recogniser, distance, target ("all" for all targets), threshold (the distance at
        which half are recognised), and the other fields of `Curve`.
    """
    used = _white_box(rows)
    lines = []
    for recogniser in ("recognised", "recognised_both"):
        for kind in DISTANCES:
            for target in ("all", *sorted(set(used["target"]))):
                some = used if target == "all" else used.filter(pl.col("target") == target)
                curve = fit(
                    some[kind].to_numpy(),
                    some[recogniser].to_numpy(),
                    some["interaction"].to_list(),
                    draws=200 if target == "all" else 100,
                    seed=seed,
                )
                key = {"recogniser": recogniser, "distance": kind, "target": target}
                fitted = {name: getattr(curve, name) for name in CURVE_FIELDS}
                lines.append({**key, "threshold": curve.threshold, **fitted})
    return pl.DataFrame(lines, infer_schema_length=None)


def recognised_tolerance(rows: pl.DataFrame, seed: int = 0) -> Tolerance | None:
    """The tolerance at which half of the outputs are recognised: per target, in data units.

    It is a mean per frame, for `evaluation.tolerance`.  A target whose fit fails gets the tolerance
    of all targets; None if that fit fails, too.

    Args:
        rows: as in `recognition_curves`.
        seed: seed of the fit.
    """
    used = _white_box(rows)

    def fitted(some: pl.DataFrame) -> float:
        per_frame = (some["distance_frame"] / some["frames"]).to_numpy()
        hit, of = some["recognised"].to_numpy(), some["interaction"].to_list()
        return fit(per_frame, hit, of, draws=1, seed=seed).threshold

    every = fitted(used)
    if not (np.isfinite(every) and every > 0):
        return None
    own = {t: fitted(used.filter(pl.col("target") == t)) for t in sorted(set(used["target"]))}
    return Tolerance(
        {t: k if np.isfinite(k) and k > 0 else every for t, k in own.items()},
        other=every,
        per_frame=True,
        source="fitted on the recogniser: half of the outputs at this distance are recognised",
    )


def _white_box(rows: pl.DataFrame) -> pl.DataFrame:
    """Attacked and clean white-box rows, with the interaction of each."""
    return rows.filter(
        ~IS_NOISE,
        pl.col("true_class") != pl.col("target"),
        pl.col("surrogate") == pl.col("victim"),
    ).with_columns(interaction=INTERACTION)


CASES: Mapping[str, tuple[str, str, str]] = {
    "1: handshaking -> punching": ("handshaking", "punching", "any"),
    "2: punching -> handshaking": ("punching", "handshaking", "any"),
    "3: approaching -> remaining": ("approaching", "approaching", "initiator"),
    "3b: approaching -> departing": ("approaching", "departing", "any"),
}
"""Figures 1 to 3: the true interaction, the target, and the role of the reactor.

"Remaining" is not a class of SBU: it is what a person does while the other one approaches.
"""


def case_rows(
    rows: pl.DataFrame, staying: pl.DataFrame, roles: pl.DataFrame
) -> dict[str, dict[str, dict[str, object]]]:
    """The rows that Figures 1 to 3 show, by case and kind ("success" or "nearest", "failure").

    Args:
        rows: white-box rows of `row_metrics.add_metrics`.
        staying: the same for the target "remaining".
        roles: columns sequence and role (the reactor's), of the test sequences.
    """
    found: dict[str, dict[str, dict[str, object]]] = {}
    for case, (label, target, role) in CASES.items():
        stays = case.endswith("remaining")
        some = (staying if stays else rows).filter(
            pl.col("true_class") == label, pl.col("target") == target
        )
        if role != "any":
            some = some.join(roles.filter(pl.col("role") == role), on="sequence", how="semi")
        clean = some.filter(pl.col("attack") == NONE).select(
            *ANSWER_KEY, clean_cm="error_cm", clean_recognised_as="recognised_as"
        )
        clean = clean.unique(ANSWER_KEY, maintain_order=True)
        some = some.filter(IS_ATTACK, pl.col("surrogate") == pl.col("victim"))
        some = some.filter(pl.col("eps") == pl.col("eps").max()).join(
            clean, on=ANSWER_KEY, how="left"
        )
        if stays:  # the recogniser has one class for approaching and remaining: use the distance
            some = some.with_columns(success=pl.col("error_cm") < 0.5 * pl.col("clean_cm"))
            some = some.with_columns(score=1 - pl.col("error_cm") / pl.col("clean_cm"))
        else:
            some = some.filter(pl.col("clean_recognised_as") != target).with_columns(
                success=pl.col("recognised_as") == target, score=pl.col("target_probability")
            )
        some = some.sort(["score", "victim", "sequence"], descending=[True, False, False])
        if not len(some):
            continue
        kind = "success" if some["success"].any() else "nearest"
        best = some.filter(pl.col("success")) if kind == "success" else some
        found[case] = {kind: best.row(0, named=True)}
        missed = some.filter(~pl.col("success"))
        if len(missed) > (kind == "nearest"):
            found[case]["failure"] = missed.row(-1, named=True)
        for one in found[case].values():
            one["n"] = len(some)
            one["successes"] = int(some["success"].sum())
    return found


def natural_percentile(values: np.ndarray, natural: pl.DataFrame, quantity: str) -> float:
    """The percentile of natural motion at which the mean of the values lies, interpolated."""
    table = natural.filter(pl.col("quantity") == quantity).sort("percent")
    return float(np.interp(values.mean(), table["value"].to_numpy(), table["percent"].to_numpy()))
