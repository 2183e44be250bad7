"""95 % intervals by resampling whole clusters; every interval of feint comes from here.

Rows of one cluster (both sides of an interaction, all answers of a judge) are not independent, so a
resample draws whole clusters.  With few clusters a plain bootstrap is too narrow: its spread is too
small by sqrt((n - 1) / n), and it takes normal quantiles where Student's t are due (Hesterberg
2015).  Both are corrected here.

`rate_interval` is for shares: Student's t on the log-odds, with the bootstrap's standard error.  It
covers 93 to 97 % from 8 clusters on, where percentiles fall to 88 %.  `interval` is for any other
statistic: percentiles of its values over resamples.
"""

import math
from functools import lru_cache

import numpy as np

LEVEL = 0.95
DRAWS = 1000


@lru_cache(maxsize=8)
def resamples(clusters: int, draws: int = DRAWS, seed: int = 0) -> np.ndarray:
    """How often each cluster is in each resample: (draws, clusters)."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(clusters, np.full(clusters, 1 / clusters), draws).astype(float)


def interval(drawn: np.ndarray, clusters: int) -> tuple[float, float]:
    """The interval of a statistic: percentiles of its values over resamples, widened.

    Args:
        drawn: (draws,), the statistic of each resample; infinite values count, NaN are left out.
        clusters: how many were resampled.

    Returns:
        low, high; NaN with fewer than two clusters or without a value.
    """
    from scipy.special import ndtr

    known = drawn[~np.isnan(drawn)]
    if clusters < 2 or not len(known):
        return float("nan"), float("nan")
    tail = float(ndtr(-_widened(clusters)))
    low = np.quantile(known, tail, method="lower")
    return float(low), float(np.quantile(known, 1 - tail, method="higher"))


def rate_interval(hits: np.ndarray, clusters: list[str]) -> tuple[float, float]:
    """The interval of the share of rows that are hits.

    Args:
        hits: (rows,), 0 or 1.
        clusters: what each row belongs to.

    Returns:
        low, high; NaN without rows.
    """
    low, high = rate_intervals(hits[:, None], clusters)[0]
    return float(low), float(high)


def paired_interval(differences: np.ndarray, clusters: list[str]) -> tuple[float, float]:
    """The interval of the mean of paired differences, row by row: percentiles over resamples.

    Args:
        differences: (rows,).
        clusters: what each row belongs to.

    Returns:
        low, high; NaN with fewer than two clusters.
    """
    names, of = np.unique(clusters, return_inverse=True)
    often = resamples(max(len(names), 1))
    totals, counts = np.bincount(of, differences, len(names)), np.bincount(of, minlength=len(names))
    return interval((often @ totals) / (often @ counts), len(names))


def rate_intervals(hits: np.ndarray, clusters: list[str]) -> np.ndarray:
    """`rate_interval` of every column of `hits` (rows, columns): (columns, 2)."""
    if not len(hits):
        return np.full((hits.shape[1], 2), np.nan)
    names, of = np.unique(clusters, return_inverse=True)
    totals = np.stack([np.bincount(of, column, len(names)) for column in hits.T])
    return intervals_of_totals(totals, np.broadcast_to(np.bincount(of), totals.shape))


def intervals_of_totals(hits: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Intervals of shares whose hits and rows are counted by cluster.

    Where every cluster is all hits, or none is one, resampling sees no spread: there the interval
    is the exact binomial one (Clopper and Pearson 1934) for as many trials as there are clusters.

    Args:
        hits, rows: (shares, clusters), rows at least 1.

    Returns:
        (shares, 2), within 0 and 1.
    """
    clusters = hits.shape[1]
    often = resamples(clusters)
    share, total = hits.sum(axis=1) / rows.sum(axis=1), rows.sum(axis=1)
    found = np.stack([np.zeros(len(hits)), np.ones(len(hits))], axis=1)
    inner = (share > 0) & (share < 1) & (clusters > 1)
    if inner.any():
        p = share[inner]
        spread = ((hits[inner] @ often.T) / (rows[inner] @ often.T)).std(axis=1)
        # Clusters of one and the same share have no spread: then their rows count as independent.
        spread = np.where(spread > 0, spread, np.sqrt(p * (1 - p) / total[inner]))
        reach = _widened(clusters) * spread / (p * (1 - p))
        odds = np.log(p / (1 - p))
        found[inner] = np.stack([_share(odds - reach), _share(odds + reach)], axis=1)
    bound = ((1 - LEVEL) / 2) ** (1 / clusters)
    found[share == 0] = 0.0, 1 - bound
    found[share == 1] = bound, 1.0
    return found


def _widened(clusters: int) -> float:
    """Student's quantile, with the spread of a bootstrap corrected: in standard errors."""
    from scipy.special import stdtrit

    return float(stdtrit(clusters - 1, (1 + LEVEL) / 2)) * math.sqrt(clusters / (clusters - 1))


def _share(odds: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-odds))
