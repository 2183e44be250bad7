"""Where results come from: versions, machine, and the commit of the code.

`run_folder.py` stores it in run.json for every session.  It never decides a job's key.
"""

import os
import platform
import socket
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

import feint

LIBRARIES = ("numpy", "polars", "safetensors")


def versions() -> dict[str, str]:
    """Of feint, of Python, and of the libraries that results pass through."""
    found = {"feint": feint.__version__, "python": platform.python_version()}
    found["torch"] = torch.__version__
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def session(engine: str, stage: str) -> dict[str, Any]:
    """One session of work on a run: when, where, and with which versions."""
    return {
        "began": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "stage": stage,
        "engine": engine,
        "host": socket.gethostname(),
        "system": platform.platform(),
        "processor": processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "commit": commit(),
        "versions": versions(),
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
    }


def processor() -> str:
    """The processor's own name, where the system knows it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def commit() -> str | None:
    """The commit of feint's own checkout, with "+" where it was changed; None outside of one."""
    home = Path(feint.__file__).parent
    tracked = _git(home, "ls-files", "--error-unmatch", "__init__.py")
    head = _git(home, "rev-parse", "HEAD") if tracked else None
    if head is None:
        return None
    return head + ("+" if _git(home, "status", "--porcelain", "--", ".") else "")


def _git(folder: Path, *words: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "--no-optional-locks", "-C", str(folder), *words],
            capture_output=True, text=True, timeout=10, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
