"""From the keys of [attack] to a `Budget`: what the attacker may change of a model's input.

A new key that limits the attacker is a field of `AttackConfig` and is applied here.
"""

import torch
from torch import Tensor

from feint.attacks.budget import Budget
from feint.columns import Columns, FeatureSpec
from feint.data.pairs import Pairs
from feint.errors import FeintError
from feint.experiments.attack_config import AttackConfig
from feint.experiments.config import Experiment
from feint.skeleton import Skeleton


def make_budget(attacker: AttackConfig, feature_spec: FeatureSpec, hidden: int) -> Budget:
    """The budget at the attacker's first eps; every job replaces eps by its own.

    Args:
        hidden: features after the data's own (a first pose), which the attacker cannot change.

    Raises:
        FeintError: an axis, joint or column that is not in the data.
    """
    if isinstance(feature_spec, Columns):
        return _of_series(attacker, feature_spec, hidden)
    coords = feature_spec.axis(*attacker.axes)
    if attacker.joints is not None:
        coords = coords & feature_spec.of_joints(attacker.joints)
    unit = None
    if attacker.eps_unit == "cm":
        unit = torch.cat([feature_spec.centimetres(), torch.ones(hidden)])
    return Budget(attacker.eps[0], _behind(coords, hidden, False), unit=unit)


def _of_series(attacker: AttackConfig, columns: Columns, hidden: int) -> Budget:
    coords = torch.ones(columns.features, dtype=torch.bool)
    if attacker.columns is not None:
        coords = columns.mask(attacker.columns)
    unit = units(attacker, columns)
    _check_columns(attacker, columns, coords, unit)
    whole = columns.mask(attacker.integer_columns) if attacker.integer_columns else None
    low, high = (
        torch.full((columns.features,), -torch.inf),
        torch.full((columns.features,), torch.inf),
    )
    for name, (least, most) in attacker.bounds.items():
        low[columns.index(name)], high[columns.index(name)] = least, most
    ranged = bool(attacker.bounds)
    return Budget(
        attacker.eps[0],
        _behind(coords, hidden, False),
        low=_behind(low, hidden, -torch.inf) if ranged else None,
        high=_behind(high, hidden, torch.inf) if ranged else None,
        unit=_behind(torch.where(unit > 0, unit, 1.0), hidden, 1.0),
        integer=None if whole is None else _behind(whole, hidden, False),
    )


def _check_columns(attacker: AttackConfig, columns: Columns, coords: Tensor, unit: Tensor) -> None:
    """Raise FeintError if eps means nothing on a column that may be changed."""
    eps = min((one for one in attacker.eps if one > 0), default=0.0)
    steps = columns.resolution or (0.0,) * columns.features
    for k, name in enumerate(columns.inputs):
        if not coords[k]:
            continue
        if not unit[k] > 0:
            others = ", ".join(repr(one) for one in columns.inputs if one != name)
            raise FeintError(
                f"The column {name!r} never changes in the training windows, so an eps in standard "
                f"deviations means nothing on it. Leave it out: attack.columns = [{others}], or "
                "give the eps of each column in its own unit: attack.eps_per_column.",
                code="constant-column",
            )
        if eps and steps[k] > 0.1 * eps * float(unit[k]):
            raise FeintError(
                f"eps = {eps:g} changes the column {name!r} by {eps * float(unit[k]):.3g}, and "
                f"float32, in which models work, has steps of {steps[k]:g} at its values. Subtract "
                "a constant from it (data.offsets), or use a larger eps.",
                code="eps-below-precision",
            )


def units(attacker: AttackConfig, columns: Columns) -> Tensor:
    """How much of each column one eps is, in the column's own unit: (features,)."""
    if attacker.eps_unit == "deviation":
        return columns.deviations()
    return torch.tensor([float(attacker.eps_per_column.get(name, 1.0)) for name in columns.inputs])


def _behind(values: Tensor, hidden: int, value: float | bool) -> Tensor:
    """The values, followed by another one for every hidden feature."""
    return torch.cat([values, torch.full((hidden,), value, dtype=values.dtype)])


def hidden(feature_spec: FeatureSpec, first_pose: bool) -> int:
    """Features that a model sees after the data's own: the first frame of the reactor."""
    if not first_pose:
        return 0
    return (
        feature_spec.features if isinstance(feature_spec, Skeleton) else len(feature_spec.outputs)
    )


def check_fits(experiment: Experiment, train: Pairs) -> None:
    """Raise FeintError if the data lacks what the attack changes, or reactions to a target."""
    try:
        make_budget(experiment.budget, train.feature_spec, 0)
    except FeintError as error:
        raise FeintError(
            f"The experiment's attack does not fit its data: {error}", error.code
        ) from error
    target = experiment.target
    for label in () if target.curves else target.labels:
        target.targets(experiment.seed).candidates(label, train)
