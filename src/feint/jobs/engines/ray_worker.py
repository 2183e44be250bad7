"""The code that a Ray worker runs for one job.

It compares versions first, then does the job as the local engine does, and returns bytes.
"""

import os
import sys
from collections.abc import Mapping
from typing import Any

import feint
from feint.jobs.engines.local import attempt
from feint.jobs.engines.ray_cluster import _first_line, _import_ray, _versions
from feint.jobs.engines.ray_inputs import _InputLostError


def _do(
    asked: Mapping[str, Any], packed: bytes, refs: Mapping[str, Any], threads: int, sees_gpu: bool
) -> tuple[bytes | None, str | None, str]:
    """Do a job, on a worker.  Nothing is unpacked before the versions are known to be alike."""
    ray = _import_ray()
    here = _versions()
    if here != asked:
        differences = "; ".join(
            f"{name}: {asked.get(name)} here, {here.get(name)} there"
            for name in asked.keys() | here.keys()
            if asked.get(name) != here.get(name)
        )
        return (
            None,
            f"A worker has another feint ({differences}). Expected: the same on every node",
            "",
        )
    # Libraries look at the environment when they are first imported, which is about to happen.
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(threads)
    if not sees_gpu:
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    try:
        work, job = ray.cloudpickle.loads(packed)
    except Exception as error:
        return None, _cannot_begin(error), ""
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(threads)

    lost: list[_InputLostError] = []

    def fetch(key: str) -> bytes:
        try:
            return ray.get(refs[key])
        except ray.exceptions.RayError as error:
            lost.append(_InputLostError(key, str(error)))
            raise

    outcome = attempt(work, job, fetch)
    if outcome.failure is not None and lost:
        raise lost[0]
    return outcome.content, outcome.failure, outcome.detail


def _cannot_begin(error: BaseException | None) -> str:
    reason = f"{type(error).__name__}: {_first_line(error)}"
    return (
        f"A worker could not begin the job: {reason}. Expected: feint {feint.__version__}, "
        "and the module that the work is from, on every node"
    )
