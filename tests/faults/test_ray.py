"""Workers and nodes of Ray are killed in the middle of a real run, which ends the same."""

import contextlib
import random
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import pytest
from tests.faults.conftest import POINTS, Whole
from tests.faults.nursery import TEXT
from tests.jobs.engines.conftest import Loopback

from feint.data import load
from feint.experiments import config_file, execution, task_inputs, tasks
from feint.experiments.run import Run
from feint.jobs.engines.ray import RayEngine
from feint.jobs.job import Fetch, Job

ray = pytest.importorskip("ray")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::ResourceWarning")]


@pytest.fixture(scope="module")
def data() -> load.LoadedData:
    experiment = config_file.parse(TEXT, "faults.toml")
    return load.load_data(experiment.data, experiment.evaluation.max_sequences, experiment.seed)


def slowly(context: task_inputs.TaskContext, job: Job, fetch: Fetch) -> bytes:
    """A job, and some time in which its worker can be killed."""
    time.sleep(0.15)
    content = tasks.run_task(context, job, fetch)
    time.sleep(0.15)
    return content


@pytest.fixture
def on_ray(loopback: Loopback, data: load.LoadedData) -> Iterator[Callable[[Path], Run]]:
    """The small run, on the cluster."""
    loopback.settle()
    # Who is hit is random: one job may be hit often.
    engine = RayEngine(loopback.address, retries=50)
    ray.init(address=loopback.address, log_to_driver=False)
    try:
        yield lambda folder: Run(
            config_file.parse(TEXT, "faults.toml"), folder, engine=engine, data=data
        )
    finally:
        ray.shutdown()


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs slow enough to be hit."""
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    monkeypatch.setattr(execution.tasks, "run_task", slowly)


def whole_run(run: Run) -> None:
    run.train()
    run.attack()
    run.score()


def hurt(
    on_ray: Callable[[Path], Run],
    whole: Whole,
    tmp_path: Path,
    harm: Callable[[random.Random], Any],
    often: float,
) -> None:
    """Run after run, until there was harm enough; each ends as if there had been none.

    The runs are in a thread: nodes must be started in one that stays.
    """
    done, draw = 0, random.Random(0)
    for i in range(10 * POINTS):
        folder = tmp_path / str(i)
        with ThreadPoolExecutor(1) as pool:
            run = pool.submit(whole_run, on_ray(folder))
            while not wait([run], timeout=often * draw.uniform(0.5, 1.5)).done and done < POINTS:
                with contextlib.suppress(TimeoutError):  # the run has just ended
                    harm(draw)
                    done += 1
            run.result()
        whole.check(folder)
        if done >= POINTS:
            return
    raise AssertionError("nothing is hit")


@pytest.mark.usefixtures("slow")
def test_workers_are_killed(on_ray, whole, tmp_path, kill_a_worker):
    hurt(on_ray, whole, tmp_path, lambda draw: kill_a_worker(draw, patience=3.0), often=1.5)


@pytest.mark.usefixtures("slow")
def test_nodes_are_killed(on_ray, whole, tmp_path, loopback):
    def kill_a_node(draw: random.Random) -> None:
        loopback.kill_raylet(draw.choice(loopback.nodes))
        loopback.settle()

    hurt(on_ray, whole, tmp_path, kill_a_node, often=3.0)


def test_both_engines_give_the_same_rows(on_ray, whole, tmp_path):
    whole_run(on_ray(tmp_path))
    whole.check(tmp_path)
