"""The cases of the page's 3-D player: which ones, their texts, and their motion in few bytes.

frontend/src/player.js plays them; motion.js decodes the motion.
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from feint.evaluation.attack_task import IS_ATTACK
from feint.io import text
from feint.report.cases.case import (
    DISTANCE_CHANGE,
    WHITE_BOX,
    Case,
    Motion,
    attacked_rows,
    choose,
    goal_text,
    median_row,
    median_success,
    read,
)
from feint.report.embed import bundled_script, csp_hash, safe_json
from feint.report.run_data import RunData
from feint.skeleton import Skeleton

CASES = 100
"""At most so many in one page."""
SIZE = 2_000_000
"""At most so many characters of JSON."""
STEP = 0.001
"""Metres for one unit of a stored number; more where the motion is too far away for int16."""
NOWHERE = -32768
"""Stored in place of NaN and infinity."""
MOTIONS = ("actor", "actor_adv", "answer", "answer_adv", "target")
KEY = ("surrogate", "victim", "target", "eps", "sequence")


@dataclass(frozen=True)
class Player:
    """What the page's player is given.

    Attributes:
        payload: JSON that is safe inside a script element; empty without a case.
        cases: how many are in it.
        attacked: how many attacked sequences the run has.
        keys: `KEY` of the cases in it.
    """

    payload: str
    cases: int
    attacked: int
    keys: tuple[tuple[Any, ...], ...] = ()

    @cached_property
    def script(self) -> str:
        """The player itself, three.js in it."""
        return bundled_script("player.js")

    @property
    def csp_hash(self) -> str:
        """The script as a Content-Security-Policy names it: the page runs no other."""
        return csp_hash(self.script)


def player(run: RunData, cases: int = CASES, size: int = SIZE) -> Player | None:
    """The cases to play; None if nothing was attacked white box.

    A case that no longer fits into `size` characters is left out, and smaller ones after it are
    still tried.
    """
    if not len(attacked_rows(run)):
        return None
    encoded_cases: list[str] = []
    keys: list[tuple[Any, ...]] = []
    head = safe_json(skeleton_to_dict(run.skeleton))
    room = size - len(head) - len('{"skeleton":,"cases":[]}')
    for row, why in notable_cases(run):
        if len(encoded_cases) == cases:
            break
        encoded = safe_json(_encoded(run, read(run, row, why)))
        if len(encoded) <= room:
            encoded_cases.append(encoded)
            keys.append(tuple(row[name] for name in KEY))
            room -= len(encoded) + 1
    total = len(run.judged.filter(IS_ATTACK))
    payload = _payload(head, encoded_cases) if encoded_cases else ""
    return Player(payload, len(encoded_cases), total, tuple(keys))


def single_case_player(run: RunData, case: Case) -> Player:
    """A player of one case of any length."""
    rule = "a success" if case.succeeded else "a failure"
    if case.row["clean_success"]:
        rule = _kind(case.row, rule)
    encoded = safe_json(_encoded(run, replace(case, rule=rule)))
    key = tuple(case.row[name] for name in KEY)
    return Player(_payload(safe_json(skeleton_to_dict(case.skeleton)), [encoded]), 1, 1, (key,))


def case_id(row: dict[str, Any]) -> str:
    """A short name of a row for links; the same in every page of the run."""
    key = json.dumps([row[name] for name in KEY])
    return hashlib.sha256(key.encode()).hexdigest()[:12]


def quantization_step(motions: Iterable[Motion]) -> float:
    """Metres for one unit: `STEP`, or more where int16 would not reach as far as the motion."""
    furthest = max(float(one.nan_to_num(0, 0, 0).abs().max()) for one in motions)
    return max(STEP, furthest / 32767)


def encode_motion(motion: Motion, step: float = STEP) -> str:
    """Metres as base64 of little-endian int16 in units of `step`; see `NOWHERE`."""
    values = motion[..., :3].double().numpy() / step
    counted = np.where(np.isfinite(values), values.round(), NOWHERE).astype("<i2")
    return base64.b64encode(counted.tobytes()).decode("ascii")


def notable_cases(run: RunData) -> Iterator[tuple[dict[str, Any], str]]:
    """The rows that the player shows, each with what it is, without repetition.

    The chosen case, the median success; for each victim and target at the largest eps the success
    whose distance changed the most and the failure with the least distance reduction; the chosen
    case at the other eps; for each victim, target and eps the median by distance reduction.
    """
    seen = set()
    for row, why in _candidates(run):
        if row is not None and case_id(row) not in seen:
            seen.add(case_id(row))
            yield row, why


def _candidates(run: RunData) -> Iterator[tuple[dict[str, Any] | None, str]]:
    chosen = choose(run)
    if chosen is None:
        return
    yield chosen[0], _kind(chosen[0], "the clearest success")
    yield median_success(run), "the median success"
    rows = attacked_rows(run).with_columns(way=DISTANCE_CHANGE)
    open_ = rows.filter(~pl.col("clean_success"))
    for _, group in open_.group_by("victim", "target", maintain_order=True):
        yield _first(group.filter("success"), "way", True), "best success"
        yield _first(group.filter(~pl.col("success")), "distance_reduction", False), "worst failure"
    white = run.readable.filter(WHITE_BOX).sort("eps", descending=True, maintain_order=True)
    same = [pl.col(name) == chosen[0][name] for name in ("victim", "target", "sequence")]
    for row in white.filter(*same).iter_rows(named=True):
        yield row, f"the first case at eps {row['eps']:g}"
    for (_, _, eps), group in white.filter(~pl.col("clean_success")).group_by(
        "victim", "target", "eps", maintain_order=True
    ):
        yield median_row(group), f"the median at eps {eps:g}"


def _first(rows: pl.DataFrame, column: str, descending: bool) -> dict[str, Any] | None:
    order = rows.sort([column, "sequence"], descending=[descending, False], nulls_last=True)
    return order.row(0, named=True) if len(order) else None


def _kind(row: dict[str, Any], success: str) -> str:
    if row["clean_success"]:
        return "a success without an attack"
    return success if row["success"] else "the median failure"


def _payload(head: str, cases: list[str]) -> str:
    return f'{{"skeleton":{head},"cases":[{",".join(cases)}]}}'


def skeleton_to_dict(skeleton: Skeleton) -> dict[str, Any]:
    """A skeleton for the page's script: bones as pairs of joints, axes, frames per second."""
    return {
        "joints": list(skeleton.joints),
        "bones": [[skeleton.joint(a), skeleton.joint(b)] for a, b in skeleton.bones],
        "head": skeleton.head,
        "axes": min(len(skeleton.axes), 3),
        "turned": skeleton.scale[0] < 0,
        "fps": skeleton.fps,
    }


def _encoded(run: RunData, case: Case) -> dict[str, Any]:
    """One case: its texts, numbers and motion."""
    row = case.row
    motions = {name: getattr(case, name) for name in MOTIONS}
    step = quantization_step(motions.values())
    eps = run.units.eps_text(row["eps"])
    return {
        "id": case_id(row),
        **{name: row[name] for name in KEY},
        "label": f"{row['victim']}: {row['true_class']}, {goal_text(row)} ({case.rule})",
        "summary": _summary(case, eps),
        "facts": _facts(run, case),
        "numbers": {
            "distance": _finite(row["distance"]),
            "error_cm": _finite(row.get("error_cm")),
            "perturbation_cm": _finite(row.get("perturbation_cm")),
            "success": bool(row["success"]),
            "clean_success": bool(row["clean_success"]),
        },
        "frames": len(case.actor),
        "fps": case.skeleton.fps,
        "step": step,
        "motions": {name: encode_motion(one, step) for name, one in motions.items()},
    }


def _summary(case: Case, eps: str) -> str:
    """The case in sentences."""
    row = case.row
    if row["clean_success"]:
        outcome = "The output is a success without an attack."
    elif row["success"]:
        outcome = "The attack succeeds."
    else:
        outcome = "The attack fails."
    return (
        f"{row['victim']} sees {row['true_class']} (sequence {row['sequence']}), {goal_text(row)}, "
        f"perturbation of at most {eps} in each coordinate. {outcome}"
    )


def _facts(run: RunData, case: Case) -> list[list[str]]:
    """The case's numbers: name, value, unit."""
    row, clean = case.row, case.clean_row
    return [
        [
            f"distance to {run.led_away_from or 'the target'}",
            f"{text.number(clean.get('error_cm'))} → {text.number(row.get('error_cm'))}",
            "cm a joint",
        ],
        [
            "distance, as evaluated",
            f"{text.number(row['clean_distance'], 2)} → {text.number(row['distance'], 2)}",
            f"tolerance {text.number(row['tolerance'], 2)}",
        ],
        [
            "displacement of the actor",
            text.number(row.get("perturbation_cm")),
            f"cm a joint, largest {text.number(row.get('perturbation_max_cm'))}",
        ],
        [
            "success",
            f"{_yes(row['clean_success'])} → {_yes(row['success'])}",
            "without, under the attack",
        ],
    ]


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _finite(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else round(float(value), 4)
