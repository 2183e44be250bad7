"""Bootstrap intervals over clusters of rows."""

from functools import lru_cache

import numpy as np


def cluster_interval(
    hits: np.ndarray, clusters: list[str], draws: int = 1000, seed: int = 0
) -> tuple[float, float]:
    """95 % percentile bootstrap of the mean, resampling whole clusters; NaN without any.

    Where all clusters are 0, or all are 1, resampling knows no doubt: there the exact binomial
    bound (Clopper and Pearson 1934) for as many trials as there are clusters stands in.
    """
    low, high = cluster_intervals(hits[:, None], clusters, draws, seed)[0]
    return float(low), float(high)


def cluster_intervals(
    hits: np.ndarray, clusters: list[str], draws: int = 1000, seed: int = 0
) -> np.ndarray:
    """`cluster_interval` of every column of `hits` (rows, columns): (columns, 2)."""
    if not len(hits):
        return np.full((hits.shape[1], 2), np.nan)
    names, of = np.unique(clusters, return_inverse=True)
    total = np.stack([np.bincount(of, column) for column in hits.T], axis=1)
    drawn = _drawn(len(names), draws, seed)
    means = (drawn @ total) / (drawn @ np.bincount(of))[:, None]
    found = np.quantile(means, [0.025, 0.975], axis=0).T
    bound = 0.025 ** (1 / len(names))
    found[(hits == 0).all(axis=0)] = 0.0, 1 - bound
    found[(hits == 1).all(axis=0)] = bound, 1.0
    return found


@lru_cache(maxsize=2)
def _drawn(clusters: int, draws: int, seed: int) -> np.ndarray:
    """How often each cluster is in each draw: (draws, clusters)."""
    drawn = np.random.default_rng(seed).integers(clusters, size=(draws, clusters))
    flat = (drawn + clusters * np.arange(draws)[:, None]).ravel()
    return np.bincount(flat, minlength=draws * clusters).reshape(draws, clusters).astype(float)
