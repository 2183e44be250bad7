import json
import os
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from feint.experiments.run import Run

# The first call of a checked function costs more than hypothesis's 200 ms.
settings.register_profile("feint", deadline=None)
settings.load_profile("feint")

ROOT = Path(__file__).resolve().parent.parent
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session", autouse=True)
def _nobody_waits_for_the_disk() -> Iterator[None]:
    """A test's files need not outlive a power cut; `test_files.py` sees that feint's would."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        yield


@pytest.fixture(scope="session")
def sbu_root() -> Path:
    """The real SBU skeletons: $FEINT_DATA/sbu, else ../shared/data/sbu; skips without them."""
    root = Path(os.environ.get("FEINT_DATA", ROOT.parent / "shared" / "data")) / "sbu"
    if not root.is_dir():
        pytest.skip(f"no SBU data at {root}; set FEINT_DATA to a folder that holds sbu/")
    return root


TINY = """
name = "tiny"
[data]
repetitions = 1
test_sets = {test_sets}
[[model]]
kind = "TCN"
name = "a"
width = 4
depth = 1
training = {{ epochs = 1 }}
[[model]]
kind = "TCN"
name = "b"
width = 6
depth = 1
training = {{ epochs = 1 }}
[attack]
settings = {{ steps = 2 }}
eps = [2, 6]
eps_unit = "cm"
axes = ["x", "y", "z"]
[target]
labels = ["punching"]
[evaluation]
max_sequences = 4
noise = ["sign"]
sequences_per_job = 2
"""


LEAST = """
name = "least"
[data]
repetitions = 1
test_sets = {test_sets}
[[model]]
kind = "TCN"
name = "a"
width = 4
depth = 1
training = {{ epochs = 1 }}
[attack]
settings = {{ steps = 1 }}
eps = [2]
eps_unit = "cm"
[target]
labels = ["punching"]
[evaluation]
max_sequences = 2
noise = ["sign"]
"""


@cache
def _generated(**words: Any) -> Any:
    """The embedded data, which takes a second to generate."""
    from feint.data.synthetic import generate

    return generate.generate(**words)


@pytest.fixture(scope="module")
def generated_once() -> Iterator[None]:
    """Every run of a module on the embedded data reads what was generated for the first."""
    from feint.data import load

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(load, "generate", SimpleNamespace(generate=_generated))
        yield


class Tiny:
    """The smallest run that has everything: two models, two eps, noise, transfer, two parts."""

    def __init__(self, folder: Path, text: str = TINY) -> None:
        from feint.data.sbu.constants import SETS
        from feint.experiments import config_file

        self.text = text.format(test_sets=json.dumps(SETS[4:]))
        self.folder, self._data, self.parse = folder, None, config_file.parse

    def run(self, folder: Path, change: tuple[str, str] = ("", ""), **knobs: Any) -> "Run":
        """The experiment in a folder, its data made once; `change` replaces some of its text."""
        from feint.experiments.run import Run

        one = Run(
            self.parse(self.text.replace(*change), "tiny.toml"), folder, data=self._data, **knobs
        )
        self._data = one.load_data()
        return one

    def whole(self, folder: Path) -> "Run":
        """Everything, in its order."""
        one = self.run(folder)
        one.attack()
        one.score()
        return one

    def copy(self, to: Path) -> Path:
        """The finished run once more, to be damaged."""
        return Path(shutil.copytree(self.folder, to / "copy"))


def _finished(factory: pytest.TempPathFactory, text: str) -> Tiny:
    made = Tiny(factory.mktemp("finished") / "run", text)
    made.whole(made.folder).minimal()
    return made


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """The tiny run, finished: to be read, or copied and damaged."""
    return _finished(tmp_path_factory, TINY)


@pytest.fixture(scope="session")
def least(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """A run of hardly more than one job of each kind, finished."""
    return _finished(tmp_path_factory, LEAST)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A real one, which needs playwright and chromium; an event loop runs while it is open."""
    sync_api = pytest.importorskip("playwright.sync_api")
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("no chromium; apt-get install chromium")
    with sync_api.sync_playwright() as play:
        opened = play.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield opened
        opened.close()
