"""Where and when something was measured."""

import datetime
import os
import platform
from pathlib import Path

import torch


def made_by(command: str, threads: int) -> str:
    """A sentence: the command, the day, the machine, the versions, and how busy it was."""
    return (
        f"Made by `python -m {command}` on {datetime.date.today().isoformat()}: {processor()}, "
        f"{threads} threads on {os.cpu_count()} cores, load average {os.getloadavg()[0]:.2f} at "
        f"the start, torch {torch.__version__}."
    )


def processor() -> str:
    """The processor's own name, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
