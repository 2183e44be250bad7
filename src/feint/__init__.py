"""feint: the smallest change in what a sequence model sees that makes it answer what you chose."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from feint.attacked import Attacked as Attacked
    from feint.attacked import attack as attack
    from feint.attacks import AIA as AIA
    from feint.attacks import Attack as Attack
    from feint.attacks import FramewiseMinimal as FramewiseMinimal
    from feint.attacks import Minimal as Minimal
    from feint.attacks import MinimalPerturbation as MinimalPerturbation
    from feint.attacks import Noise as Noise
    from feint.attacks import Untargeted as Untargeted
    from feint.budget import Budget as Budget
    from feint.errors import FeintError as FeintError
    from feint.models.coordinates import with_first_pose as with_first_pose
    from feint.models.deepgru import DeepGRU as DeepGRU
    from feint.models.tcn import TCN as TCN
    from feint.models.yours import Function as Function
    from feint.models.yours import Sampled as Sampled
    from feint.probes import Finding as Finding
    from feint.probes import probe as probe
    from feint.sequences import Sequences as Sequences
    from feint.sequences import distance as distance
    from feint.sequences import predict as predict
    from feint.skeleton import SBU_15 as SBU_15
    from feint.skeleton import Skeleton as Skeleton
    from feint.targets import Targets as Targets
    from feint.tolerance import Tolerance as Tolerance
    from feint.training import Training as Training
    from feint.training import train as train

__version__ = "0.1.0"

_HOME = {
    "AIA": "feint.attacks",
    "Attack": "feint.attacks",
    "Attacked": "feint.attacked",
    "Budget": "feint.budget",
    "DeepGRU": "feint.models.deepgru",
    "FeintError": "feint.errors",
    "Finding": "feint.probes",
    "FramewiseMinimal": "feint.attacks",
    "Function": "feint.models.yours",
    "Minimal": "feint.attacks",
    "MinimalPerturbation": "feint.attacks",
    "Noise": "feint.attacks",
    "SBU_15": "feint.skeleton",
    "Sampled": "feint.models.yours",
    "Sequences": "feint.sequences",
    "Skeleton": "feint.skeleton",
    "TCN": "feint.models.tcn",
    "Targets": "feint.targets",
    "Tolerance": "feint.tolerance",
    "Training": "feint.training",
    "Untargeted": "feint.attacks",
    "attack": "feint.attacked",
    "distance": "feint.sequences",
    "probe": "feint.probes",
    "predict": "feint.sequences",
    "train": "feint.training",
    "with_first_pose": "feint.models.coordinates",
}
"""Where each public name lives; imported when first asked for, so that `import feint` is fast."""

__all__ = [*_HOME, "__version__"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'feint' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
