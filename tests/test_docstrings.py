"""Every public name says what it takes, in which shapes, and what it refuses."""

import dataclasses
import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch

import feint

PLAIN = {"feint.Attack.__call__", "feint.Noise.__call__"}
"""Whose arguments are told once, in the contract of `feint.attacks.Attack`."""


def public() -> Iterator[tuple[str, Any]]:
    """Every public function, class and method, by name."""
    for name in feint.__all__:
        one = getattr(feint, name)
        if not callable(one):
            continue
        yield f"feint.{name}", one
        if inspect.isclass(one):
            for method, held in vars(one).items():
                found = held.__func__ if isinstance(held, staticmethod) else held
                own = not method.startswith("_") or method == "__call__"
                if own and inspect.isfunction(found) and not issubclass(one, torch.nn.Module):
                    yield f"feint.{name}.{method}", found


NAMES = dict(public())


def told(doc: str) -> set[str]:
    """The names that sections of a docstring explain: `name:` or `a, b:`."""
    section = re.split(r"\n\s*(?:Args|Attributes|Arguments):\n", doc, maxsplit=1)
    lines = (
        re.findall(r"^\s+((?:\w+)(?:, \w+)*):", section[-1], re.MULTILINE) if section[1:] else []
    )
    return {name for line in lines for name in line.split(", ")}


def takes(one: Callable[..., Any]) -> list[str]:
    if dataclasses.is_dataclass(one):
        return [field.name for field in dataclasses.fields(one)]
    parameters = inspect.signature(one).parameters.values()
    return [p.name for p in parameters if p.name not in ("self", "args", "kwargs")]


@pytest.mark.parametrize("name", NAMES)
def test_it_says_what_it_takes(name: str) -> None:
    one = NAMES[name]
    if inspect.isclass(one) and issubclass(one, BaseException):
        return
    doc = one.__doc__
    assert doc, f"{name} has no docstring"
    assert not doc.startswith(f"{one.__name__}("), f"{name}'s docstring is its signature"
    if name in PLAIN:
        return
    wants, sections = takes(one), "Args:" in doc or "Attributes:" in doc
    short = len(wants) <= 3 and not sections
    explained = set(re.findall(r"\w+", doc.lower())) if short else told(doc)
    lacks = [w for w in wants if w not in explained and f"`{w}`" not in doc]
    if len(wants) > 1 or sections:
        assert not lacks, f"{name} does not tell {', '.join(lacks)}"


@pytest.mark.parametrize("name", NAMES)
def test_it_says_what_it_refuses(name: str) -> None:
    """Whatever raises a FeintError in its own body says so."""
    one = NAMES[name]
    bodies = [one.__post_init__] if hasattr(one, "__post_init__") else []
    bodies += [one] if inspect.isfunction(one) else []
    if any("raise FeintError" in inspect.getsource(body) for body in bodies):
        assert "Raises" in (one.__doc__ or ""), f"{name} raises FeintError and does not say when"


@pytest.mark.parametrize("name", [n for n in NAMES if n.endswith("__call__")] + ["feint.train"])
def test_it_says_shapes(name: str) -> None:
    doc = NAMES[name].__doc__ + NAMES[name.removesuffix(".__call__")].__doc__
    spoken = ("(batch", "(time", "shape", "`feint.attacks.Attack`")
    assert any(word in doc for word in spoken), f"{name} tells no shape"
