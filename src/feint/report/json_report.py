"""The report for machines: one JSON object, its keys told in docs/figures.md."""

import json
from dataclasses import asdict
from typing import Any

from feint.columns import Columns
from feint.io.sealed import json_safe
from feint.report.run_data import Findings

SCHEMA = 1
"""Grows when a key changes its meaning or goes; new keys leave it as it is."""


def told(findings: Findings) -> str:
    """What the report says, as JSON text: the same for the same folder.

    Raises:
        FeintError: the run was not scored yet, or its rows or its tolerance are damaged.
    """
    tolerance = findings.tolerance
    return json.dumps(
        json_safe(
            {
                "schema": SCHEMA,
                "name": findings.experiment["name"],
                "eps_unit": findings.unit,
                **_changed(findings),
                "verdict": findings.verdicts,
                "missing": findings.absent,
                "warnings": [asdict(one) for one in findings.warnings],
                "models": {
                    name: {
                        **asdict(gate),
                        "beats_trivial": all(gate.error < one for one in gate.trivial.values()),
                    }
                    for name, gate in findings.gates.items()
                },
                "tolerance": {
                    "source": tolerance.source,
                    "norm": tolerance.norm,
                    "per_frame": tolerance.per_frame,
                    "kappa": {
                        target: tolerance.of(target)
                        for target in findings.experiment["target"]["labels"]
                        if target in tolerance.kappa or tolerance.other is not None
                    },
                    "low": dict(tolerance.low),
                    "high": dict(tolerance.high),
                    "judges": tolerance.judges,
                    "study": tolerance.study,
                },
                "rates": findings.rates.to_dicts(),
                "rates_by_target": findings.rates_by_target.to_dicts(),
            }
        ),
        indent=2,
        allow_nan=False,
    )


def _changed(findings: Findings) -> dict[str, Any]:
    """What the attacker can change: axes of joints, or columns of a series."""
    if isinstance(findings.feature_spec, Columns):
        return {"columns": findings.attacked}
    return {"axes": findings.experiment["attack"]["axes"]}
