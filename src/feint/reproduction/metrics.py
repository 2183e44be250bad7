"""Numbers of rows: success by every yardstick, beside its baselines, with intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

import numpy as np
import polars as pl

from feint.evaluation import table1
from feint.evaluation.attack_task import IS_ATTACK, IS_NOISE, NONE
from feint.evaluation.bootstrap import cluster_interval
from feint.evaluation.psychometric import fit
from feint.evaluation.success_rates import INTERACTION
from feint.evaluation.tolerance import Tolerance

YARDSTICKS = ("literal", "joint", "natural", "recognised", "recognised-both")
"""Table 1's kappa in the frame norm of equation 7 and in the joint norm; the natural
tolerance; and the two recognisers: trained on real reactions, and on reactors' answers too."""
ANSWER = ["victim", "target", "sequence"]


def with_success(rows: pl.DataFrame, natural: Tolerance) -> pl.DataFrame:
    """A column for every yardstick: does the answer count as the target?"""
    criteria = {
        "literal": table1.paper(),
        "joint": table1.paper("joint"),
        "natural": natural,
    }
    return rows.with_columns(
        *(kappa.reached(rows).alias(name) for name, kappa in criteria.items()),
        recognised=pl.col("recognised_as") == pl.col("target"),
        **{"recognised-both": pl.col("recognised_as_both") == pl.col("target")},
    )


def rates(
    rows: pl.DataFrame, by: Sequence[str], yardsticks: Sequence[str] = YARDSTICKS
) -> pl.DataFrame:
    """Success rates of attacked rows, beside their baselines, one line a yardstick.

    Sequences of the target's own class are left out: they have nothing to be moved to.

    Args:
        rows: of `with_success`; baselines once a victim (`judging.judged`).
        by: what is told apart, of the columns of the rows.

    Returns:
        the columns of `by`, yardstick, n, sequences; reached, with reached_low and reached_high;
        clean and noise: the same without an attack, and under noise (either kind) of that eps;
        failed: rows that did not count without an attack, moved (with low and high): the share of
        these that do after it, and moved_noise; closed: the median share of the distance closed.
        Intervals are 95 %, bootstrap over interactions.
    """
    judged = rows.filter(pl.col("true_class") != pl.col("target"))
    clean = judged.filter(pl.col("attack") == NONE).unique(ANSWER, maintain_order=True)
    noise = judged.filter(IS_NOISE)
    attacked = judged.filter(IS_ATTACK).join(
        clean.select(*ANSWER, clean_cm="error_cm", **{f"clean {y}": y for y in yardsticks}),
        on=ANSWER, how="left", validate="m:1",
    ).join(
        noise.group_by([*ANSWER, "eps"]).agg(**{f"noise {y}": pl.col(y).any() for y in yardsticks}),
        on=[*ANSWER, "eps"], how="left", validate="m:1",
    )  # fmt: skip
    attacked = attacked.with_columns(
        interaction=INTERACTION,
        closed=1 - pl.col("error_cm") / pl.col("clean_cm"),
    )
    lines = []
    for keys, some in attacked.group_by(list(by), maintain_order=True):
        for yardstick in yardsticks:
            lines.append({**dict(zip(by, keys, strict=True)), **_line(some, yardstick)})
    return pl.DataFrame(lines, infer_schema_length=None).sort(by)


def _line(some: pl.DataFrame, yardstick: str) -> dict[str, object]:
    hits = some[yardstick].cast(pl.Float64).to_numpy()
    clean = some[f"clean {yardstick}"]
    noise = some[f"noise {yardstick}"]
    failed = ~clean.to_numpy().astype(bool)
    of = some["interaction"].to_list()
    low, high = cluster_interval(hits, of)
    after = hits[failed]
    moved_low, moved_high = cluster_interval(
        after, [one for one, is_failed in zip(of, failed, strict=True) if is_failed]
    )
    return {
        "yardstick": yardstick,
        "n": len(some),
        "sequences": some["sequence"].n_unique(),
        "reached": float(hits.mean()),
        "reached_low": low,
        "reached_high": high,
        "clean": mean(clean),
        "noise": mean(noise),
        "failed": int(failed.sum()),
        "moved": float(after.mean()) if len(after) else None,
        "low": moved_low if len(after) else None,
        "high": moved_high if len(after) else None,
        "moved_noise": mean(noise.filter(pl.Series(failed))),
        "closed": some["closed"].median(),
        "clean_cm": some["clean_cm"].mean(),
        "error_cm": some["error_cm"].mean(),
        "bone_length_change": some["bone_length_change"].mean(),
    }


def mean(values: pl.Series) -> float | None:
    """The mean of what is known; None if nothing is."""
    known = values.drop_nulls()
    return float(known.cast(pl.Float64).mean()) if len(known) else None  # type: ignore[arg-type]


DISTANCES = {
    "error_cm": "as asked: at the reactor's first place",
    "error_root_cm": "root-relative in every frame",
    "error_facing_cm": "root-relative, turned to one direction",
}


def curves(rows: pl.DataFrame, seed: int = 0) -> pl.DataFrame:
    """Kappa fitted on the recognisers: P(recognised | distance), per form of the distance.

    Args:
        rows: white-box rows of `with_success`, attacked and clean.

    Returns:
        one line a recogniser, a form of the distance and a target ("all" among them): `Curve`.
    """
    used = _white(rows)
    lines = []
    for recogniser in ("recognised", "recognised-both"):
        for form in DISTANCES:
            for target in ("all", *sorted(set(used["target"]))):
                some = used if target == "all" else used.filter(pl.col("target") == target)
                curve = fit(
                    some[form].to_numpy(),
                    some[recogniser].to_numpy(),
                    some["interaction"].to_list(),
                    draws=200 if target == "all" else 100,
                    seed=seed,
                )
                told = {"recogniser": recogniser, "distance": form, "target": target}
                lines.append({**told, **asdict(curve)})
    return pl.DataFrame(lines, infer_schema_length=None)


def recognised_tolerance(rows: pl.DataFrame, seed: int = 0) -> Tolerance | None:
    """Kappa per target for `evaluation.tolerance`: per frame, in data units, from the recogniser.

    Where a target's own answers tell no kappa, that of all answers stands in; None without any.

    Args:
        rows: as of `curves`.
    """
    used = _white(rows)

    def kappa(some: pl.DataFrame) -> float:
        per_frame = (some["distance_frame"] / some["frames"]).to_numpy()
        hit, of = some["recognised"].to_numpy(), some["interaction"].to_list()
        return fit(per_frame, hit, of, draws=1, seed=seed).kappa

    every = kappa(used)
    if not (np.isfinite(every) and every > 0):
        return None
    own = {t: kappa(used.filter(pl.col("target") == t)) for t in sorted(set(used["target"]))}
    return Tolerance(
        {t: k if np.isfinite(k) and k > 0 else every for t, k in own.items()},
        other=every,
        per_frame=True,
        source="fitted on the recogniser: half of the answers at this distance are recognised",
    )


def _white(rows: pl.DataFrame) -> pl.DataFrame:
    """Attacked and clean answers of white boxes, and the interaction each belongs to."""
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
"""Figures 1 to 3: the true interaction, the target, and the role of the reactor asked.

"Remaining" is no class of SBU: it is what the one does whom the other approaches.
"""
RULE = (
    "At the largest eps, of the sequences of that interaction whose clean answer the recogniser "
    "does not call the target: the success is the recognised answer with the highest probability "
    "of the target, the failure the one with the lowest; with no success, the likeliest stands in "
    "its place, and says so. Remaining is what approaching is to the recogniser, so that success "
    "there is half of the clean answer's distance or less."
)


def case_rows(
    rows: pl.DataFrame, staying: pl.DataFrame, roles: pl.DataFrame
) -> dict[str, dict[str, dict[str, object]]]:
    """The rows Figures 1 to 3 show, by case and kind ("success" or "nearest", and "failure").

    Args:
        rows: of `judging.judged`, white box; staying: the same, of the target "remaining".
        roles: sequence and role of the reactor, of the test rows.
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
            *ANSWER, clean_cm="error_cm", clean_recognised_as="recognised_as"
        )
        clean = clean.unique(ANSWER, maintain_order=True)
        some = some.filter(IS_ATTACK, pl.col("surrogate") == pl.col("victim"))
        some = some.filter(pl.col("eps") == pl.col("eps").max()).join(clean, on=ANSWER, how="left")
        if stays:  # approaching and remaining are one class to the recogniser: told by distance
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
            one["of"] = len(some)
            one["successes"] = int(some["success"].sum())
    return found


def percentile_of(values: np.ndarray, natural: pl.DataFrame, quantity: str) -> float:
    """Where the mean of values lies among natural motion's percentiles, by interpolation."""
    table = natural.filter(pl.col("quantity") == quantity).sort("percent")
    return float(np.interp(values.mean(), table["value"].to_numpy(), table["percent"].to_numpy()))
