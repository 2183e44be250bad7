"""Attacks: perturb a model's input inside a budget so that its output becomes a target.

One attack a file, beside the paper it comes from; `gradient_descent.py` is the loop that they
share, `budget.py` the threat model, `targets.py` and `target_curves.py` the targets.  A new attack
is a file here and a line in `registry.py`.  Nothing here knows of experiments or files.
"""

from feint.attacks.aia import AIA
from feint.attacks.attack import Attack, abilities, with_tolerance
from feint.attacks.framewise import FramewiseMinimal
from feint.attacks.minimal import Minimal, MinimalPerturbation
from feint.attacks.noise import Noise
from feint.attacks.random_search import RandomSearch
from feint.attacks.registry import (
    ATTACKS,
    attack_from_dict,
    attack_to_dict,
    make_attack,
    presets,
)
from feint.attacks.untargeted import Untargeted

__all__ = [
    "AIA",
    "ATTACKS",
    "Attack",
    "FramewiseMinimal",
    "Minimal",
    "MinimalPerturbation",
    "Noise",
    "RandomSearch",
    "Untargeted",
    "abilities",
    "attack_from_dict",
    "attack_to_dict",
    "make_attack",
    "presets",
    "with_tolerance",
]
