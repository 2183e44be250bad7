"""How often a threshold's 95 % interval covers the truth, over simulated studies.

    python -m benchmarks.threshold_coverage > benchmarks/threshold-coverage.md

Simulated judges have known curves (feint.survey.analysis.simulate), so this tests the estimator.
It cannot show whether real people have such curves.
"""

import argparse
import math
from dataclasses import dataclass, field

import numpy as np
from benchmarks.machine import made_by

from feint.evaluation.table1 import EPSILONS, TABLE_1_DISTANCES
from feint.survey.analysis import simulate
from feint.survey.analysis.estimate import estimate
from feint.survey.analysis.simulate import Truth
from feint.survey.analysis.thresholds import Threshold

COMMON = {
    "handshaking": (92.0, 81.0, 67.0, 56.0, 43.0, 29.0),
    "punching": (71.0, 63.0, 58.0, 52.0, 47.0, 41.0),
    "kicking": (110.0, 84.0, 61.0, 49.0, 37.0, 22.0),
    "departing": (66.0, 60.0, 51.0, 45.0, 35.0, 31.0),
    "pushing": (78.0, 69.0, 55.0, 46.0, 40.0, 33.0),
}
DESIGNS = {
    "broad": (TABLE_1_DISTANCES, (70, 44, 88, 66, 25.2), (8, 4, 6, 8, 1.2)),
    "steep": (
        TABLE_1_DISTANCES, (82.06, 55.33, 96.07, 73.56, 23.59), (0.79, 2.26, 1.05, 1.65, 0.27)
    ),
    "common": (COMMON, (50,) * 5, (6,) * 5),
}  # fmt: skip
BEHAVIOURS = ((0.0, 0.0, 0.0), (0.05, 0.1, 1.0))
"""Lapses, missing answers, and a judge's own share of the spread, in widths."""


@dataclass
class Tally:
    """Intervals against the truth."""

    covered: list[bool] = field(default_factory=list)
    off: list[float] = field(default_factory=list)
    endless: int = 0

    def add(self, truth: float, width: float, low: float, high: float, distance: float) -> None:
        """One more interval."""
        self.covered.append(low <= truth <= high)
        self.endless += math.isinf(high - low)
        if math.isfinite(distance):
            self.off.append((distance - truth) / width)

    @property
    def share(self) -> float:
        """Of intervals that cover."""
        return float(np.mean(self.covered))


def run(design: str, judges: int, behaviour: tuple[float, float, float], studies: int) -> str:
    """A row of the table."""
    ladders, distances, widths = DESIGNS[design]
    common = design == "common"
    study = simulate.study(ladders, EPSILONS, catches=False, other_kinds=common)
    names = [one.name for one in study.objectives]
    distance, width = (dict(zip(names, some, strict=True)) for some in (distances, widths))
    lapse, missing, spread = behaviour
    truth = Truth(distance, width, lapse=lapse, missing=missing, spread=spread)
    own = {name: Tally() for name in names}
    resampled, likely, pooled, named, named_all = (Tally() for _ in range(5))

    def add(tally: Tally, name: str, t: Threshold) -> None:
        tally.add(distance[name], width[name], t.low, t.high, t.distance)

    for seed in range(studies):
        answers = simulate.answers(study, truth, judges, seed)
        found = estimate(study, answers, rule=None, draws=200, seed=seed)
        for one in found.objectives:
            t = one.thresholds["sum"]
            add(own[one.name], one.name, t)
            resampled.add(distance[one.name], 1, *t.resampled, t.distance)
            likely.add(distance[one.name], 1, *t.likely, t.distance)
            if common:
                add(named, one.name, one.named["sum"])
        if common:
            add(pooled, names[0], found.pooled["sum"])
            add(named_all, names[0], found.named["sum"])
    every = [hit for tally in own.values() for hit in tally.covered]
    worst = min(tally.share for tally in own.values())
    endless = sum(tally.endless for tally in own.values()) / len(every)
    off = np.concatenate([tally.off for tally in own.values()])
    cells = [
        design, str(judges), f"{lapse:.0%}", f"{missing:.0%}", f"{spread:g}",
        f"**{np.mean(every):.1%}**", f"{worst:.1%}", f"{resampled.share:.1%}",
        f"{likely.share:.1%}", f"{np.median(off):+.2f}", f"{endless:.1%}",
        *(f"{t.share:.1%}" if common else "" for t in (pooled, named, named_all)),
    ]  # fmt: skip
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--studies", type=int, default=200)
    parser.add_argument("--designs", default=",".join(DESIGNS))
    asked = parser.parse_args()
    print(f"""# The interval of a threshold against the truth

{made_by("benchmarks.threshold_coverage", 1)}

{asked.studies} simulated studies a row, five objectives each, seeds from 0, 200 resamples. "covered": intervals that hold the true threshold,
over objectives and studies; "worst": of the objective with the fewest. "resampled" and "likelihood" are the two intervals alone, of which
the one reported is the wider at each end. "off": the median error of the threshold, in widths of the true curve. "endless": intervals
without an upper or lower end, since nearly all judges chose the same end. "pooled", "naming" and "naming, pooled" are the other thresholds' coverage,
where all objectives have one threshold. Designs: "broad" and "steep" have Table 1's distances, with curves as wide as a step between panels or
more, and with the curves fitted to Table 1's votes, most of them narrower than a step, and one threshold beyond the first panel.

These judges are simulated: the table tests the estimator, not people.

| design | judges | lapse | missing | own | covered | worst | resampled | likelihood | off | endless | pooled | naming | naming, pooled |
|---|---|---|---|---|---|---|---|---|---|---|---|---|---|""", flush=True)  # fmt: skip # noqa: E501
    for design in asked.designs.split(","):
        for judges in (10, 30, 82):
            for behaviour in BEHAVIOURS:
                print(run(design, judges, behaviour, asked.studies), flush=True)


if __name__ == "__main__":
    main()
