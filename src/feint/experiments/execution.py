"""Doing a run's jobs: its store, its engine, and the contents that jobs read.

`run.py` says which jobs; `feint.jobs` does them; what a job computes is in `tasks.py`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property, partial

from feint.data.load import LoadedData
from feint.data.packing import pack_pairs
from feint.errors import FeintError
from feint.experiments import tasks
from feint.experiments.config import Experiment
from feint.experiments.facts import Facts
from feint.experiments.task_inputs import TaskContext
from feint.io.hashing import digest
from feint.io.progress import bar
from feint.io.sealed import pack
from feint.jobs import scheduler
from feint.jobs.engines import Engine
from feint.jobs.engines.shared import SharedEngine
from feint.jobs.job import Job
from feint.jobs.store import Store
from feint.models.config import ExternalModelConfig
from feint.models.external.import_path import read_files
from feint.models.external.loading import bytes_to_tensor

MAX_RETRIES = 3
"""How often jobs are done again whose results turn out to be damaged."""


@dataclass(eq=False)
class Execution:
    """Does the jobs of one run, in one engine that is kept from stage to stage.

    Attributes:
        store: where results are kept.
        engine: where jobs are done.
        context: what every job gets beside its inputs.
        experiment, data, facts: what jobs read beside the results of other jobs.
    """

    store: Store
    engine: Engine
    context: TaskContext
    experiment: Experiment
    data: LoadedData
    facts: Facts
    _shared: SharedEngine = field(init=False)

    def __post_init__(self) -> None:
        self._shared = SharedEngine(self.engine)

    def complete(self, jobs: Callable[[], Iterable[Job]], description: str, total: int) -> None:
        """Do the jobs that are missing; a result that turns out to be damaged is made again.

        Args:
            jobs: each after those it needs.
            description, total: of the progress bar.

        Raises:
            FeintError: a job failed.
        """
        work = partial(tasks.run_task, self.context)
        for _ in range(MAX_RETRIES):
            damaged = self.store.n_quarantined
            shown = bar(total, description)
            counts = scheduler.complete(jobs(), self.store, self._shared, work, self.fetch, shown)
            if self.store.n_quarantined == damaged:
                break
        counts.check()

    def fetch(self, key: str) -> bytes:
        """The content behind a key: of data, of a user's model, or of a finished job.

        Raises:
            FeintError: the job is not finished, or its result is damaged.
        """
        if key == self.facts.train_key:
            return self._packed[0]
        if key == self.facts.test_key:
            return self._packed[1]
        if key in self._files:
            one = self._files[key]
            files = read_files(one.kind, one.path)
            return pack({name: bytes_to_tensor(content) for name, content in files.items()}, {})
        return self.store.get(key)

    def end(self) -> None:
        """Stop the engine."""
        self._shared.end()

    @cached_property
    def _packed(self) -> tuple[bytes, bytes]:
        return pack_pairs(self.data.train), pack_pairs(self.data.test)

    @cached_property
    def _files(self) -> dict[str, ExternalModelConfig]:
        yours = [one for one in self.experiment.model if isinstance(one, ExternalModelConfig)]
        return {digest(one.files_hash): one for one in yours if one.path is not None}


def damaged_again(store: Store) -> FeintError:
    """The error of results that stay damaged however often they are made."""
    return FeintError(
        f"Results in {store.folder} are damaged as fast as they are made. Check the disk, or "
        "give another folder with --out.",
        "damaged-file",
    )
