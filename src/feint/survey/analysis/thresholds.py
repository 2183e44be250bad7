"""Thresholds from judges' answers: the distance at which half recognise the target reaction.

Every judge has a threshold for each objective, logistic in the distance.  A judge who chooses panel
k as the leftmost has a threshold between the distances of panels k - 1 and k.  A judge who says
"none" has one below the nearest panel.  A name given to a single clip is right or wrong, and may be
a guess.  With a small probability a judge lapses: the choice is random.

The estimate is the posterior maximum of `interval_censored.py`.  The 95 % interval is the wider of
two: one from resampled judges, and one from the profile likelihood.  The second is needed because
resampling cannot see how wide the gap between two panels is: if all judges choose the same panel,
all resamples agree.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from feint.errors import FeintError
from feint.evaluation.bootstrap import interval, resamples
from feint.survey.analysis.interval_censored import Cells, Maxima, maximise, profile

LIKELY = 1.92
"""Half of chi-squared's 95 % at one degree of freedom."""


@dataclass(frozen=True)
class Threshold:
    """A fitted threshold, in the unit of its distances.

    Attributes:
        distance: the distance at which half recognise the target; NaN if the answers give only a
            bound.
        low, high: 95 % interval; infinite where the answers give no bound, NaN if not known.
        width: the distance over which the odds fall by a factor e; NaN with `distance`.
        lapse: estimated share of answers given at random.
        judges: number of judges who answered.
        answers: number of their answers.
        failed: number of resamples without a usable answer.
        draws: number of resamples.
        extrapolated: whether `distance` lies outside the distances that were shown.
        resampled, likely: the two intervals.
    """

    distance: float
    low: float
    high: float
    width: float
    lapse: float
    judges: int
    answers: int
    failed: int
    draws: int
    extrapolated: bool
    resampled: tuple[float, float]
    likely: tuple[float, float]


@dataclass(frozen=True)
class Answers:
    """Answers as arrays; missing answers are left out.

    Attributes:
        judge: (answers,), ids of the judges.
        question: (answers,), indices of the questions.
        choice: (answers,); for "leftmost" the index of the panel, where the number of panels means
            "none"; for naming RIGHT, WRONG or UNKNOWN.
    """

    judge: Sequence[str]
    question: np.ndarray
    choice: np.ndarray

    def counts(self, sizes: Sequence[int]) -> np.ndarray:
        """(judges, cells): the number of each judge's answers, judges sorted by id."""
        names, judge = np.unique(np.asarray(self.judge, str), return_inverse=True)
        starts = np.concatenate([[0], np.cumsum(sizes)]).astype(int)
        found = np.zeros((len(names), starts[-1]))
        np.add.at(found, (judge, starts[self.question] + self.choice), 1)
        return found


RIGHT, WRONG, UNKNOWN = 0, 1, 2
"""A named clip: the target's name, another name, "can't tell"."""


@dataclass(frozen=True)
class Fit:
    """Thresholds from one kind of question.

    Attributes:
        own: one threshold for each curve, all with the same lapse rate.
        pooled: one threshold for all curves, with the lapse rate of `own`; differences between
            objectives make it wider.
    """

    own: tuple[Threshold, ...]
    pooled: Threshold


def leftmost(
    ladders: Sequence[Sequence[float]],
    answers: Answers,
    draws: int = 1000,
    seed: int = 0,
    lapse: float | None = None,
) -> Fit:
    """Thresholds from choices of the leftmost panel: one for each question, and one for all.

    A panel that is no nearer than an earlier one can only be chosen in a lapse.

    Args:
        ladders: for each question, the distances from left to right.
        answers: the choices.
        draws: number of resamples of judges.
        seed: seed of the resamples.
        lapse: the lapse rate; None estimates it.

    Raises:
        FeintError: a question was asked at one distance only, or there is no answer.
    """
    parts = []
    for i, ladder in enumerate(ladders):
        near = np.asarray(ladder, float)
        before = np.concatenate([[math.inf], np.minimum.accumulate(near)])
        size = len(near) + 1
        parts.append(
            Cells(
                curve=np.full(size, i),
                question=np.full(size, i),
                near=np.append(np.minimum(near, before[:-1]), -math.inf),
                far=before,
                chance=np.full(size, 1 / size),
                floor=np.zeros(size),
                height=np.ones(size),
            )
        )
    counts = answers.counts([len(ladder) + 1 for ladder in ladders])
    return _fit(_joined(parts), counts, _resampled(counts, draws, seed), lapse)


def naming(
    distances: Sequence[float],
    answers: Answers,
    names: int = 8,
    curve: Sequence[int] | None = None,
    draws: int = 1000,
    seed: int = 0,
    lapse: float | None = None,
) -> Fit:
    """Thresholds from names given to single clips: one for each curve, and one for all.

    A judge who does not recognise the reaction says "can't tell" in a share of the cases, and
    otherwise chooses a random name.  The share follows from the wrong answers: can't tell /
    (can't tell + wrong * names / (names - 1)).

    Args:
        distances: for each question, the distance of its clip.
        answers: the names, as RIGHT, WRONG or UNKNOWN.
        names: the number of names offered beside "can't tell".
        curve: for each question, the index of its curve; None makes one curve.
        draws: number of resamples of judges.
        seed: seed of the resamples.
        lapse: the lapse rate; None estimates it.

    Raises:
        FeintError: a curve was asked at one distance only, or there is no answer.
    """
    three = answers.counts([3] * len(distances))
    resampled = _resampled(three, draws, seed).reshape(1 + draws, -1, 3)
    wrong, unknown = resampled[..., WRONG].sum(1), resampled[..., UNKNOWN].sum(1)
    guesses = wrong * names / (names - 1)
    # Without wrong answers and "can't tell" there was no guess; 1e-12 avoids 0 / 0.
    guess = np.where(wrong > 0, guesses / np.maximum(guesses + unknown, 1e-12), 0.0) / names
    d = np.asarray(distances, float)
    size = len(d)
    cells = Cells(
        curve=np.repeat(np.zeros(size, int) if curve is None else np.asarray(curve), 2),
        question=np.repeat(np.arange(size), 2),
        near=np.stack([d, np.full(size, -math.inf)], 1).ravel(),
        far=np.stack([np.full(size, math.inf), d], 1).ravel(),
        chance=np.tile([1 / (names + 1), names / (names + 1)], size),
        floor=np.stack([guess, np.zeros_like(guess)], 1)[:, np.arange(2 * size) % 2],
        height=np.repeat(1 - guess[:, None], 2 * size, 1),
    )
    own = _right_or_not(three.reshape(len(three), -1, 3))
    return _fit(cells, own, _right_or_not(resampled), lapse)


def _right_or_not(counts: np.ndarray) -> np.ndarray:
    """(rows, questions, 3) counts as (rows, 2 * questions): right, and not right."""
    two = np.stack([counts[..., RIGHT], counts[..., WRONG] + counts[..., UNKNOWN]], -1)
    return two.reshape(len(two), -1)


def _resampled(counts: np.ndarray, draws: int, seed: int) -> np.ndarray:
    """(1 + draws, cells): all judges first, then judges drawn with replacement."""
    judges = len(counts)
    if not judges:
        raise FeintError("There are no answers to fit a threshold to.", code="no-answers")
    return np.concatenate([counts.sum(0)[None], resamples(judges, draws, seed) @ counts])


def _fit(cells: Cells, counts: np.ndarray, drawn: np.ndarray, lapse: float | None) -> Fit:
    """Fit all judges' answers (the first row of `drawn`) and the resamples (the other rows)."""
    curves = int(cells.curve.max()) + 1
    best = maximise(cells, drawn, curves, lapse)
    own = tuple(_one(cells, counts, drawn, best, i) for i in range(curves))
    if curves == 1:
        return Fit(own, own[0])
    one = replace(cells, curve=np.zeros_like(cells.curve))
    together = maximise(one, drawn, 1, best.lapse)
    return Fit(own, _one(one, counts, drawn, together, 0))


def _one(cells: Cells, counts: np.ndarray, drawn: np.ndarray, best: Maxima, i: int) -> Threshold:
    mine = cells.curve == i
    own = Cells(
        np.zeros(int(mine.sum()), int),
        cells.question[mine],
        cells.near[mine],
        cells.far[mine],
        cells.chance[mine],
        np.atleast_2d(cells.floor)[0, mine],
        np.atleast_2d(cells.height)[0, mine],
    )
    ends = np.concatenate([own.near, own.far])
    ends = ends[np.isfinite(ends)]
    distance, width = float(best.location[0, i]), float(best.width[0, i])
    judges = int((counts[:, mine].sum(1) > 0).sum())
    resampled = interval(best.location[1:, i], judges)
    likely = (math.nan, math.nan)
    if not math.isnan(distance):
        likely = profile(own, drawn[0, mine], float(best.lapse[0]), LIKELY)
    low, high = _hull(resampled, likely)
    known = math.isfinite(distance)
    return Threshold(
        distance=distance if known else math.nan,
        low=low,
        high=high,
        width=width if known else math.nan,
        lapse=float(best.lapse[0]),
        judges=judges,
        answers=int(drawn[0, mine].sum()),
        failed=int(np.isnan(best.location[1:, i]).sum()),
        draws=len(drawn) - 1,
        extrapolated=known and not ends.min() <= distance <= ends.max(),
        resampled=resampled,
        likely=likely,
    )


def _hull(a: tuple[float, float], b: tuple[float, float]) -> tuple[float, float]:
    """The smaller low and the larger high of two intervals; NaN if one is not known."""
    if math.isnan(a[0]) or math.isnan(b[0]):
        return math.nan, math.nan
    return min(a[0], b[0]), max(a[1], b[1])


def _joined(parts: Sequence[Cells]) -> Cells:
    names = ("curve", "question", "near", "far", "chance", "floor", "height")
    return Cells(**{n: np.concatenate([getattr(part, n) for part in parts]) for n in names})


def probabilities(ladder: Sequence[float], one: Threshold) -> np.ndarray:
    """(panels + 1,): the probability of each panel's choice from left to right, then of "none"."""
    near = np.minimum.accumulate(np.asarray(ladder, float))
    reach = np.clip((near - one.distance) / one.width, -700, 700)
    passed = np.concatenate([[0.0], 1 / (1 + np.exp(reach)), [1.0]])
    return (1 - one.lapse) * np.diff(passed) + one.lapse / (len(near) + 1)
