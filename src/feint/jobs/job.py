"""Jobs: the pieces of work of a run, each named by a hash of everything its result depends on.

A job says what is done (`kind`, `common`, `own`) and what it reads (`needs`).  Its key covers all
of that, so a file under the key is its result: running again does only what is missing, and a
changed setting redoes only what depends on it.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from feint.io.hashing import KEY_LENGTH, _canonical, digest

VERSIONS = {
    "tolerance": 2,
    "train": 2,
    "load": 1,
    "baselines": 1,
    "targets": 2,
    "noise": 1,
    "attack": 1,
    "minimal": 2,
    "score": 3,
    "limits": 1,
    "nulls": 1,
}
"""Raise a kind's number when a change of the code changes its results: old ones are then redone.
`tests/experiments/test_tasks.py` fails when results change and this does not."""


class Common:
    """Settings that many jobs share, hashed once."""

    def __init__(self, **settings: Any) -> None:
        self.settings = settings

    @cached_property
    def digest(self) -> str:
        """Of the settings, as canonical JSON."""
        return digest(self.settings)


@dataclass(frozen=True, eq=False)
class Job:
    """One piece of work.

    Attributes:
        kind: what is done; one of `VERSIONS` (or a kind of the caller's own `Work`).
        common: settings shared with other jobs; JSON values.
        own: settings of this job alone; JSON values.
        needs: what it reads: a role, and the key of a finished job, of data or of weights.
        hints: how to do it, where that changes nothing about the result; not part of the key.
        group: whose duration is like its own, for estimates ("attack tcn sign-noise").
        name: what to call it.
    """

    kind: str
    common: Common
    own: Mapping[str, Any] = field(default_factory=dict)
    needs: Mapping[str, str] = field(default_factory=dict)
    group: str = ""
    name: str = ""
    hints: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def key(self) -> str:
        """The name of its result."""
        version = VERSIONS.get(self.kind, 0)
        content = _canonical([self.kind, version, self.common.digest, self.own, self.needs])
        return hashlib.sha256(content).hexdigest()[:KEY_LENGTH]

    def describe(self) -> dict[str, Any]:
        """The job as metadata of its result."""
        return {
            "kind": self.kind,
            "key": self.key,
            "settings": {**self.common.settings, **self.own},
            "needs": dict(self.needs),
            "group": self.group,
            "name": self.name,
        }


Fetch = Callable[[str], bytes]
"""The content behind a key that a job needs."""
Work = Callable[[Job, Fetch], bytes]
"""Does a job: given it and a way to what it needs, the content of its result."""
