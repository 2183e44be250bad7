"""Errors are matched by their code and by facts, never by an English phrase."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from feint.errors import FeintError


@contextmanager
def refused(
    code: str, names: Sequence[object] = (), error: type[FeintError] = FeintError
) -> Iterator[pytest.ExceptionInfo[FeintError]]:
    """Expect one FeintError with this code, whose message contains all of these facts."""
    with pytest.raises(error) as caught:
        yield caught
    message = str(caught.value)
    assert caught.value.code == code, message
    assert [name for name in names if str(name) not in message] == [], message
