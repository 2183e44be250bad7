"""Where and when something was measured."""

import datetime
import os

import torch

from feint.experiments.provenance import processor


def made_by(command: str, threads: int) -> str:
    """A sentence: the command, the day, the machine, the versions, and how busy it was."""
    return (
        f"Made by `python -m {command}` on {datetime.date.today().isoformat()}: {processor()}, "
        f"{threads} threads on {os.cpu_count()} cores, load average {os.getloadavg()[0]:.2f} at "
        f"the start, torch {torch.__version__}."
    )
