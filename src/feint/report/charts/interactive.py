"""The page's charts together: every section, as one piece of JSON beside the script that draws it.

A new chart is one file in this folder and one line in `SECTIONS`.
"""

from dataclasses import dataclass
from functools import cached_property

import polars as pl

from feint.report.charts import (
    attack_comparison,
    displacement,
    distances,
    minimal_eps,
    smoothness,
    success,
)
from feint.report.charts.chart import Section
from feint.report.charts.inputs import ChartInputs
from feint.report.charts.success_matrix import SuccessMatrix
from feint.report.embed import bundled_script, csp_hash, safe_json
from feint.report.run_data import RunData

SECTIONS = (
    success.section,
    success.transfer_section,
    attack_comparison.section,
    minimal_eps.section,
    distances.section,
    displacement.section,
    smoothness.section,
)
"""In the order of the page. Each makes a `Section` of `ChartInputs`, or None without data."""


@dataclass(frozen=True)
class Charts:
    """The charts of a page.

    Attributes:
        sections: those that have something to show.
        payload: what the script reads: JSON that is safe inside a script element.
    """

    sections: tuple[Section, ...]
    payload: str

    def placed(self, place: str) -> list[Section]:
        """The sections of one place in the page."""
        return [one for one in self.sections if one.place == place]

    @cached_property
    def script(self) -> str:
        """The script that draws the charts, with uPlot in it."""
        return bundled_script("charts.js")

    @property
    def csp_hash(self) -> str:
        """The script as a Content-Security-Policy names it."""
        return csp_hash(self.script)


def charts(
    run: RunData, matrix: SuccessMatrix | None, acceleration_rows: pl.DataFrame
) -> Charts | None:
    """Everything to draw; None if nothing was attacked.

    Args:
        run: the run.
        matrix: of the same, for its order of pairs, eps and targets.
        acceleration_rows: of `case.acceleration_rows`.
    """
    if matrix is None:
        return None
    inputs = ChartInputs(run, matrix, acceleration_rows)
    sections = tuple(one for make in SECTIONS if (one := make(inputs)) is not None)
    payload = {
        "rates": success.rates_to_dict(inputs),
        "sections": [one.to_dict() for one in sections],
    }
    return Charts(sections, safe_json(payload))
