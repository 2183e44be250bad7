"""Inputs of jobs in Ray's object store: each is put there once, and dropped when no job needs it.

`ray.py` uses it in the process that gives out jobs.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from typing import Any

from feint.jobs.job import Fetch

INPUTS_KEPT = 64
"""How many inputs stay in Ray although no running job needs them."""


class _Inputs:
    """The inputs of running jobs in Ray; those no longer needed are dropped, oldest first."""

    def __init__(self, fetch: Fetch, put: Callable[[bytes], Any]) -> None:
        self.fetch = fetch
        self._put = put
        self._refs: OrderedDict[str, Any] = OrderedDict()
        self._users: Counter[str] = Counter()

    def take(self, keys: Iterable[str]) -> dict[str, Any]:
        distinct = set(keys)
        for key in distinct:
            if key not in self._refs:
                self._refs[key] = self._put(self.fetch(key))
            self._refs.move_to_end(key)
        self._users.update(distinct)
        self._trim()
        return {key: self._refs[key] for key in distinct}

    def release(self, keys: Iterable[str]) -> None:
        self._users -= Counter(set(keys))
        self._trim()

    def forget(self, key: str) -> None:
        self._refs.pop(key, None)

    def clear(self) -> None:
        self._refs.clear()
        self._users.clear()

    def _trim(self) -> None:
        for key in list(self._refs)[: max(0, len(self._refs) - INPUTS_KEPT)]:
            if not self._users[key]:
                del self._refs[key]


class _InputLostError(Exception):
    """Ray has lost an input of a job; the job itself did not fail."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(key, reason)
        self.key = key
        self.reason = reason
