"""feint: the smallest change in what a sequence model sees that makes it answer what you chose.

The public names and where each lives.  A new public name is a line in `_HOME` and one in the
TYPE_CHECKING block; nothing is imported before it is used.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from feint.attacks import AIA as AIA
    from feint.attacks import Attack as Attack
    from feint.attacks import FramewiseMinimal as FramewiseMinimal
    from feint.attacks import Minimal as Minimal
    from feint.attacks import MinimalPerturbation as MinimalPerturbation
    from feint.attacks import Noise as Noise
    from feint.attacks import RandomSearch as RandomSearch
    from feint.attacks import Untargeted as Untargeted
    from feint.attacks.attack_result import AttackResult as AttackResult
    from feint.attacks.budget import Budget as Budget
    from feint.attacks.external.art import ART as ART
    from feint.attacks.quick import attack as attack
    from feint.attacks.targets import Targets as Targets
    from feint.data.pairs import with_first_pose as with_first_pose
    from feint.errors import FeintError as FeintError
    from feint.errors import FeintWarning as FeintWarning
    from feint.evaluation.crafting import craft as craft
    from feint.evaluation.success_rates import judge as judge
    from feint.evaluation.success_rates import success_rates as success_rates
    from feint.evaluation.tolerance import Tolerance as Tolerance
    from feint.experiments.run import Run as Run
    from feint.models.deepgru import DeepGRU as DeepGRU
    from feint.models.external.wrappers import EOTModel as EOTModel
    from feint.models.external.wrappers import Function as Function
    from feint.models.inference import predict as predict
    from feint.models.sanity_checks import ModelIssue as ModelIssue
    from feint.models.sanity_checks import check_model as check_model
    from feint.models.tcn import TCN as TCN
    from feint.models.training import train as train
    from feint.models.training_settings import Training as Training
    from feint.sequences import Sequences as Sequences
    from feint.sequences import distance as distance
    from feint.skeleton import SBU_15 as SBU_15
    from feint.skeleton import Skeleton as Skeleton

__version__ = "0.1.0"

_HOME = {
    "AIA": "feint.attacks",
    "ART": "feint.attacks.external.art",
    "Attack": "feint.attacks",
    "AttackResult": "feint.attacks.attack_result",
    "Budget": "feint.attacks.budget",
    "DeepGRU": "feint.models.deepgru",
    "EOTModel": "feint.models.external.wrappers",
    "FeintError": "feint.errors",
    "FeintWarning": "feint.errors",
    "FramewiseMinimal": "feint.attacks",
    "Function": "feint.models.external.wrappers",
    "Minimal": "feint.attacks",
    "MinimalPerturbation": "feint.attacks",
    "ModelIssue": "feint.models.sanity_checks",
    "Noise": "feint.attacks",
    "RandomSearch": "feint.attacks",
    "Run": "feint.experiments.run",
    "SBU_15": "feint.skeleton",
    "Sequences": "feint.sequences",
    "Skeleton": "feint.skeleton",
    "TCN": "feint.models.tcn",
    "Targets": "feint.attacks.targets",
    "Tolerance": "feint.evaluation.tolerance",
    "Training": "feint.models.training_settings",
    "Untargeted": "feint.attacks",
    "attack": "feint.attacks.quick",
    "check_model": "feint.models.sanity_checks",
    "craft": "feint.evaluation.crafting",
    "distance": "feint.sequences",
    "judge": "feint.evaluation.success_rates",
    "predict": "feint.models.inference",
    "success_rates": "feint.evaluation.success_rates",
    "train": "feint.models.training",
    "with_first_pose": "feint.data.pairs",
}
"""Where each public name lives; imported when first asked for, so that `import feint` is fast."""

_EARLIER = {
    "Attacked": "AttackResult",
    "Finding": "ModelIssue",
    "Sampled": "EOTModel",
    "probe": "check_model",
}
"""Earlier names, which still import."""

__all__ = [*_HOME, "__version__"]


def __getattr__(name: str) -> Any:
    name = _EARLIER.get(name, name)
    if name not in _HOME:
        raise AttributeError(f"module 'feint' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
