"""A format is one file and one line: a made-up one goes from its files to a finished report."""

from pathlib import Path

import numpy as np
import pytest
from tests.data import written

from feint.data.formats import FORMATS, Format
from feint.data.synthetic import generate
from feint.experiments import config_file
from feint.experiments.run import Run
from feint.report import page

READER = '''
"""`.pos`: a line a frame, the numbers of both people one after the other, in centimetres."""

import numpy as np

from feint.data.formats.recording import Recording


def read(path, options):
    values = np.loadtxt(path, ndmin=2).reshape(-1, 2, 15, 3)
    return Recording(str(path), {"a": values[:, 0], "b": values[:, 1]}, fps=15.0)
'''
TEXT = """
name = "toy"
[data]
source = "positions"
skeleton = "SBU_15"
unit = "cm"
test_share = 0.25
[[model]]
kind = "TCN"
width = 4
depth = 1
training = { epochs = 1 }
[attack]
settings = { steps = 1 }
eps = [3]
eps_unit = "cm"
axes = ["x"]
[target]
labels = ["punching"]
[evaluation]
noise = ["sign"]
max_sequences = 2
"""


def test_a_made_up_format_reaches_a_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "positions_reader.py").write_text(READER)
    monkeypatch.syspath_prepend(tmp_path)
    line = Format("positions (text)", ".pos", "positions_reader:read")
    monkeypatch.setitem(FORMATS, "positions", line)
    some = [one for one in generate.generate(repetitions=1) if one.label in ("punching", "hugging")]
    for one in some[::3][:8]:
        folder = tmp_path / "data" / one.label
        folder.mkdir(parents=True, exist_ok=True)
        people = np.stack([written.metres(one.first), written.metres(one.second)], axis=1)
        np.savetxt(
            folder / f"{one.key.replace('/', '-')}.pos", 100 * people.reshape(len(people), -1)
        )
    spec = config_file.parse(TEXT, "toy.toml")
    data = spec.data.model_copy(update={"root": tmp_path / "data"})
    run = Run(spec.model_copy(update={"data": data}), tmp_path / "run")
    run.attack()
    assert set(run.score()["target"]) == {"punching"}
    page.write(run.folder)
    assert "positions (text)" in (run.folder / "report" / "index.html").read_text()
