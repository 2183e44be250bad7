"""The attacks that an experiment can name: an attack is one file and one line of `ATTACKS`.

The key is the attack's `kind` in a TOML file; its `settings` are the fields of the dataclass, so
nothing else has to be written to make an attack available (docs/adding-an-attack.md).
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from feint.attacks.aia import AIA
from feint.attacks.attack import Attack
from feint.attacks.external.art import ART
from feint.attacks.random_search import RandomSearch
from feint.attacks.settings import from_settings
from feint.attacks.untargeted import Untargeted
from feint.errors import FeintError

ATTACKS: dict[str, type[Attack]] = {
    "aia": AIA,
    "untargeted": Untargeted,
    "art": ART,
    "random-search": RandomSearch,
}


def presets(kind: str) -> Mapping[str, Mapping[str, Any]]:
    """The named settings of a kind of attack, the default first; empty if it has none.

    Raises:
        FeintError: an unknown kind.
    """
    found: Mapping[str, Mapping[str, Any]] = getattr(_class(kind), "PRESETS", {})
    return found


def make_attack(kind: str, settings: Mapping[str, Any], preset: str | None = None) -> Attack:
    """The attack of this kind with these fields, over those of the preset.

    Raises:
        FeintError: an unknown kind, preset or field, or a value that the attack refuses.
    """
    return from_settings(_class(kind), settings, preset)


def attack_to_dict(attack: Attack) -> dict[str, Any]:
    """The kind and all settings, as JSON values; `attack_from_dict` reads them."""
    kind = next(kind for kind, one in ATTACKS.items() if one is type(attack))
    return {"kind": kind, "settings": asdict(attack)}  # type: ignore[call-overload]


def attack_from_dict(values: Mapping[str, Any]) -> Attack:
    """The attack that `attack_to_dict` wrote.

    Raises:
        FeintError: an unknown kind or field.
    """
    return make_attack(values["kind"], values["settings"])


def _class(kind: str) -> type[Attack]:
    if kind not in ATTACKS:
        raise FeintError(
            f"The attack's kind is {kind!r}; expected one of {', '.join(ATTACKS)}.",
            code="unknown-attack",
        )
    return ATTACKS[kind]
