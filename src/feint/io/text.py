"""Numbers, shares and lists as text: every message, table and page words them in the same way.

Only formatting belongs here; which number stands where is decided by the caller.  The pages'
scripts have the same functions in frontend/src/format.js.
"""

import math
from collections.abc import Iterable

MISSING = "–"
"""The text for a value that is not known."""


def join_words(words: Iterable[object], last: str = "and") -> str:
    """`a, b and c`; empty without words."""
    *before, end = [str(word) for word in words] or [""]
    return f"{', '.join(before)} {last} {end}" if before else end


def number(value: float | None, decimals: int = 1) -> str:
    """A number with so many decimals; a dash for None and NaN."""
    return MISSING if value is None or math.isnan(value) else f"{value:.{decimals}f}"


def percent(value: float | None, decimals: int = 0) -> str:
    """A share as a percentage, `0.5` as `50%`; a dash for None and NaN."""
    if value is None or math.isnan(value):
        return MISSING
    return f"{value:.{decimals}%}".replace("-0%", "0%")


def percent_interval(low: float | None, high: float | None) -> str:
    """Two shares as `40%-60%`; a dash where one of them is not known."""
    ends = percent(low), percent(high)
    return MISSING if MISSING in ends else "-".join(ends)


def number_interval(low: float | None, high: float | None, decimals: int = 3) -> str:
    """Two numbers as `0.1 to 0.2`; a dash where neither is known."""
    if low is None and high is None:
        return MISSING
    return f"{number(low, decimals)} to {number(high, decimals)}"
