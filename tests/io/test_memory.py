"""Free memory."""

import os

from feint.io.memory import free_memory


def test_free_memory_is_less_than_there_is() -> None:
    there = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert 2**20 < free_memory() <= there
