"""A threshold from people's answers: the distance at which half recognise the target reaction.

Every judge has a threshold per objective, logistic in the distance.  Who chooses the leftmost panel
k has one between the distances of panel k - 1 and of panel k; who says "none" has one below the
nearest panel.  A name given to a single clip is right or wrong, and may be guessed.  With a small
probability a judge lapses, and chooses any of what was offered.

Maximum likelihood with weak priors (`feint.censored`).  The 95 % interval is the wider of two:
judges resampled whole (percentiles, for few judges widened), and the likelihood's own.  The second
is there because a resample cannot see how wide the gap between two panels is: where all judges
choose one panel, all resamples say the same.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from feint.errors import FeintError
from feint.survey.analysis.interval_censored import Cells, Maxima, maximise, profile, quantiles

LIKELY = 1.92
"""Half of chi-squared's 95 % at one degree of freedom."""


@dataclass(frozen=True)
class Threshold:
    """A fitted threshold, in the unit of its distances.

    Attributes:
        kappa: the distance at which half recognise the target; NaN where the answers do not say.
        low, high: its 95 % interval; infinite where it has no end, NaN where it is not known.
        width: the distance over which the odds fall by e; NaN with kappa.
        lapse: the share of answers given at random, estimated with it.
        judges: how many answered.
        answers: how many they gave.
        failed: of `draws` resamples, how many had no answer to go by.
        draws: how many there were.
        extrapolated: kappa lies outside of the distances that were shown.
        resampled, likely: the two intervals.
    """

    kappa: float
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
    """Answers as numbers, one an element; a missing one is not among them.

    Attributes:
        judge: who, as any word.
        question: what was asked, from 0.
        choice: for "leftmost" the panel from 0, the number of panels is "none"; for naming whether
            it was recognised: RIGHT, WRONG or UNKNOWN.
    """

    judge: Sequence[str]
    question: np.ndarray
    choice: np.ndarray

    def counts(self, sizes: Sequence[int]) -> np.ndarray:
        """(judges, cells): what each judge answered, judges in the order of their names."""
        names, judge = np.unique(np.asarray(self.judge, str), return_inverse=True)
        starts = np.concatenate([[0], np.cumsum(sizes)]).astype(int)
        found = np.zeros((len(names), starts[-1]))
        np.add.at(found, (judge, starts[self.question] + self.choice), 1)
        return found


RIGHT, WRONG, UNKNOWN = 0, 1, 2
"""Of a name: the target's, another, "can't tell"."""


@dataclass(frozen=True)
class Fit:
    """Thresholds from one kind of question.

    Attributes:
        own: one a curve, all with one lapse rate.
        pooled: one for all curves, with the lapse rate of `own`: what objectives differ in is
            width here, and not a lapse.
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
    """A threshold per question, and one for all, from choices of the leftmost panel.

    A panel no nearer than an earlier one can only be chosen in a lapse.

    Args:
        ladders: per question the distances from left to right.
        lapse: the lapse rate, if it is known.

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
    """A threshold per curve, and one for all, from names given to single clips.

    Who does not recognise the reaction says "can't tell" in a share of cases, and otherwise any of
    the names.  That share is what the wrong answers say: can't tell / (can't tell + wrong *
    names / (names - 1)).

    Args:
        distances: per question the clip's.
        names: how many names are offered beside "can't tell".
        curve: per question its threshold, from 0; one for all if not given.

    Raises:
        FeintError: a curve was asked at one distance only, or there is no answer.
    """
    three = answers.counts([3] * len(distances))
    told = _resampled(three, draws, seed).reshape(1 + draws, -1, 3)
    wrong, unknown = told[..., WRONG].sum(1), told[..., UNKNOWN].sum(1)
    guesses = wrong * names / (names - 1)
    # Without a wrong answer and a "can't tell" nothing was guessed, and the share is of nothing.
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
    return _fit(cells, _two(three.reshape(len(three), -1, 3)), _two(told), lapse)


def _two(told: np.ndarray) -> np.ndarray:
    """Right or not, of (rows, questions, 3) counts: (rows, 2 * questions)."""
    two = np.stack([told[..., RIGHT], told[..., WRONG] + told[..., UNKNOWN]], -1)
    return two.reshape(len(two), -1)


def _resampled(counts: np.ndarray, draws: int, seed: int) -> np.ndarray:
    """(1 + draws, cells): everybody first, then judges drawn with replacement, whole."""
    judges = len(counts)
    if not judges:
        raise FeintError("There is no answer to fit a threshold to.")
    rng = np.random.default_rng(seed)
    often = rng.multinomial(judges, np.full(judges, 1 / judges), draws)
    return np.concatenate([counts.sum(0)[None], often @ counts])


def _fit(cells: Cells, counts: np.ndarray, drawn: np.ndarray, lapse: float | None) -> Fit:
    """Curves from everybody's answers (the first of `drawn`) and from the resampled judges'."""
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
    kappa, width = float(best.kappa[0, i]), float(best.width[0, i])
    judges = int((counts[:, mine].sum(1) > 0).sum())
    resampled = quantiles(best.kappa[1:, i], judges)
    likely = (math.nan, math.nan)
    if not math.isnan(kappa):
        likely = profile(own, drawn[0, mine], float(best.lapse[0]), LIKELY)
    low, high = _hull(resampled, likely)
    known = math.isfinite(kappa)
    return Threshold(
        kappa=kappa if known else math.nan,
        low=low,
        high=high,
        width=width if known else math.nan,
        lapse=float(best.lapse[0]),
        judges=judges,
        answers=int(drawn[0, mine].sum()),
        failed=int(np.isnan(best.kappa[1:, i]).sum()),
        draws=len(drawn) - 1,
        extrapolated=known and not ends.min() <= kappa <= ends.max(),
        resampled=resampled,
        likely=likely,
    )


def _hull(a: tuple[float, float], b: tuple[float, float]) -> tuple[float, float]:
    """The wider of two intervals at each end; one that is not known counts not."""
    if math.isnan(a[0]) or math.isnan(b[0]):
        return math.nan, math.nan
    return min(a[0], b[0]), max(a[1], b[1])


def _joined(parts: Sequence[Cells]) -> Cells:
    names = ("curve", "question", "near", "far", "chance", "floor", "height")
    return Cells(**{n: np.concatenate([getattr(part, n) for part in parts]) for n in names})


def probabilities(ladder: Sequence[float], one: Threshold) -> np.ndarray:
    """How likely each panel is to be chosen, from left to right, and "none": (panels + 1,)."""
    near = np.minimum.accumulate(np.asarray(ladder, float))
    reach = np.clip((near - one.kappa) / one.width, -700, 700)
    passed = np.concatenate([[0.0], 1 / (1 + np.exp(reach)), [1.0]])
    return (1 - one.lapse) * np.diff(passed) + one.lapse / (len(near) + 1)
