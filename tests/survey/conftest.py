from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from tests.survey import inprocess, judging, postgres, studies

from feint.survey.server.app import create_app
from feint.survey.server.middleware import ServerLimits
from feint.survey.study.schema import Study


@pytest.fixture(scope="session")
def small_study() -> Study:
    return studies.small()[0]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the small study, for this test alone."""
    study, stimuli = studies.small()
    study.save(tmp_path / "study", stimuli)
    return tmp_path / "study"


@pytest.fixture(scope="session")
def cluster() -> Iterator[postgres.Cluster]:
    """A PostgreSQL of its own; skips without one."""
    if postgres.binaries() is None:
        pytest.skip("no PostgreSQL here: initdb is neither in PATH nor in /usr/lib/postgresql")
    with postgres.cluster() as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, folder: Path) -> str | None:
    """A new database: none named (SQLite beside the study), and a schema of PostgreSQL's."""
    if request.param == "sqlite":
        return None
    found: postgres.Cluster = request.getfixturevalue("cluster")
    return found.schema()


@pytest.fixture
def serve(folder: Path) -> Iterator[Callable[..., inprocess.Client]]:
    """Serve the small study in this process: `serve(url=..., limits=..., client=...)`."""
    with ExitStack() as stack:

        def served(url: str | None = None, client: str = "192.0.2.1", **limits: float):
            made = create_app(folder, url, admin_token=judging.TOKEN, limits=ServerLimits(**limits))
            return stack.enter_context(closing(inprocess.Client(made, client)))

        yield served
