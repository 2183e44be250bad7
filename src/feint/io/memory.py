"""How much memory is free, so that what does not fit is refused before it is read.

Readers multiply it by `SHARE` and refuse what is larger.
"""

import os
from pathlib import Path

SHARE = 0.5
"""The share of the free memory that one file may take."""


def free_memory() -> int:
    """Bytes of memory that are available without swapping; 4 GiB if the system does not say."""
    try:
        status = Path("/proc/meminfo").read_text()
        return 1024 * int(status.partition("MemAvailable:")[2].split()[0])
    except (OSError, ValueError, IndexError):
        pass
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 4 * 2**30
