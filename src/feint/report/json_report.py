"""`feint report --json`: the report as one JSON object.  docs/figures.md lists its keys."""

import json
from dataclasses import asdict
from typing import Any

from feint.columns import Columns
from feint.io.sealed import json_safe
from feint.report.run_data import RunData

SCHEMA = 2
"""Grows when a key is removed or changes its meaning, not when a key is added."""


def to_json(run: RunData) -> str:
    """The report as JSON text; the same for the same folder.

    Raises:
        FeintError: the run was not evaluated yet, or its rows or its tolerance are damaged.
    """
    tolerance = run.tolerance
    return json.dumps(
        json_safe(
            {
                "schema": SCHEMA,
                "name": run.experiment["name"],
                "eps_unit": run.units.eps,
                **_changed(run),
                "verdict": run.verdicts,
                "missing": run.missing,
                "warnings": [asdict(one) for one in run.warnings],
                "models": {
                    name: {
                        **asdict(comparison),
                        "beats_trivial": not comparison.better,
                    }
                    for name, comparison in run.baselines.items()
                },
                "tolerance": {
                    "source": tolerance.source,
                    "norm": tolerance.norm,
                    "per_frame": tolerance.per_frame,
                    "values": {
                        target: tolerance.of(target)
                        for target in run.experiment["target"]["labels"]
                        if target in tolerance.values or tolerance.other is not None
                    },
                    "other": tolerance.other,
                    "low": dict(tolerance.low),
                    "high": dict(tolerance.high),
                    "judges": tolerance.judges,
                    "study": tolerance.study,
                },
                "attack": run.experiment["attack"]["name"],
                "attacks": run.attack_rates.to_dicts(),
                "rates": run.rates.to_dicts(),
                "rates_by_target": run.rates_by_target.to_dicts(),
                "criteria": run.criteria.table.to_dicts() if run.criteria else [],
            }
        ),
        indent=2,
        allow_nan=False,
    )


def _changed(run: RunData) -> dict[str, Any]:
    """What the attacker can change: axes of joints, or columns of a table."""
    if isinstance(run.feature_spec, Columns):
        return {"columns": run.units.attacked_columns}
    return {"axes": run.experiment["attack"]["axes"]}
