"""How much memory is free."""

import os
from pathlib import Path

SHARE = 0.5
"""Of the memory that is free, how much one file may take."""


def free_memory() -> int:
    """Bytes of memory that can be had without swapping."""
    try:
        told = Path("/proc/meminfo").read_text()
        return 1024 * int(told.partition("MemAvailable:")[2].split()[0])
    except (OSError, ValueError, IndexError):
        pass
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 4 * 2**30  # a system that does not tell
