"""The notebook in examples/ runs cell by cell; and as a script, where marimo is installed."""

import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib
import pytest
import torch

NOTEBOOK = Path(__file__).parents[1] / "examples" / "attack.py"


class App:
    """As much of marimo as the notebook uses: it keeps the cells."""

    def __init__(self) -> None:
        self.cells: list[Callable[..., Any]] = []

    def cell(self, body: Callable[..., Any]) -> Callable[..., Any]:
        self.cells.append(body)
        return body


def test_the_notebook_goes_from_tensors_to_a_picture(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    matplotlib.use("Agg")
    monkeypatch.setitem(sys.modules, "marimo", type("marimo", (), {"App": App}))  # type: ignore[arg-type]
    monkeypatch.chdir(tmp_path)
    held: dict[str, Any] = {"__name__": "notebook"}
    exec(compile(NOTEBOOK.read_text(), str(NOTEBOOK), "exec"), held)
    known: dict[str, Any] = {}
    with torch.random.fork_rng():
        for cell in held["app"].cells:
            names = inspect.getsource(cell).rsplit("return ", 1)[1].strip(" ()\n,").split(", ")
            given = {name: known[name] for name in inspect.signature(cell).parameters}
            known.update(zip(names, cell(**given), strict=True))
    found = known["found"]
    assert (found.after < 0.5 * found.before).all()
    assert (found.after < found.noise).all()
    assert (tmp_path / "attack.png").stat().st_size > 10_000


def test_it_is_a_script_where_marimo_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    marimo = pytest.importorskip("marimo")
    matplotlib.use("Agg")
    monkeypatch.chdir(tmp_path)
    held: dict[str, Any] = {"__name__": "notebook"}
    exec(compile(NOTEBOOK.read_text(), str(NOTEBOOK), "exec"), held)
    assert isinstance(held["app"], marimo.App)
    held["app"].run()
    assert (tmp_path / "attack.png").exists()
