"""The smallest reproduction there is, from nothing to its page; and again, from its results."""

import base64
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from tests.errors import refused

from feint.reproduction.page import write
from feint.reproduction.parts import run
from feint.reproduction.profiles import profile
from feint.reproduction.runner import Reproduction
from feint.survey.study.schema import Study

SECTIONS = (
    "Does the attack work",
    "Figure 5 left",
    "Figure 5 right",
    "The recogniser",
    "The tolerance",
    "Figure 4",
    "Figures 1 to 3",
    "Table 1",
    "Regularised reactors",
    "leaves open",
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reproduction")
    # As the command does it, but a thousand files are not waited for until they are on the disk.
    main = "import os; os.fsync = lambda _: None; from feint.cli import main; main()"
    command = [sys.executable, "-c", main, "reproduce", "--profile", "smoke"]
    command += ["--second-seed", "tcn", "--out", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def test_every_part_leaves_its_tables_and_its_section(out: Path):
    text = (out / "reproduction.md").read_text()
    assert "Not run yet" not in text
    for words in SECTIONS:
        assert words in text, words
    assert "nan" not in text
    images = re.findall(r"\]\((images/[^)]+)\)", text)
    assert len(images) > 8
    for image in images:
        assert (out / image).read_bytes().startswith(b"\x89PNG")
    assert 'feint reproduce --data DIR --profile smoke --second-seed "tcn"' in text
    assert "`strong` 12," in " ".join(text.split())


def test_rows_stand_beside_their_baselines(out: Path):
    rows = pl.read_parquet(out / "results" / "fig5.parquet")
    assert set(rows["preset"]) == {"strong", "paper-eq6", "paper-adam"}
    for _, some in rows.group_by("preset", "victim", "target"):
        count = {a: s["sequence"].n_unique() for (a,), s in some.group_by("attack")}
        assert set(count) == {"none", "aia", "sign-noise", "offset-noise"}
        assert len(set(count.values())) == 1
    baselines = rows.filter(pl.col("attack") != "aia")
    assert (baselines["surrogate"] == baselines["victim"]).all()
    assert rows.filter(pl.col("surrogate") != pl.col("victim"))["attack"].unique().to_list() == [
        "aia"
    ]


def test_run_again_nothing_is_done_again_and_nothing_differs(out: Path):
    def times(kind: str) -> dict[Path, int]:
        return {p: p.stat().st_mtime_ns for p in (out / kind).rglob("*.*") if p.name != "run.json"}

    before = {kind: times(kind) for kind in ("run/jobs", "run/models", "recognisers", "judged")}
    study = next(out.glob("studies/*/study.json")).read_bytes()
    run.run(Reproduction(profile("smoke"), None, out, second_seed=["tcn"]), ["table1"])
    assert {kind: times(kind) for kind in before} == before
    assert [one.read_bytes() for one in out.glob("studies/*/study.json")] == [study]


def test_the_study_for_people_rises_in_eps_and_moves_depth_alone(out: Path):
    (folder,) = (out / "studies").iterdir()
    study = Study.load(folder)
    assert len(study.objectives) == 4  # two targets, two reactors

    def actor(name: str) -> torch.Tensor:
        content = json.loads(study.stimulus(folder, name))
        counted = np.frombuffer(base64.b64decode(content["people"]["actor"]), "<i2")
        return torch.tensor(counted.reshape(content["frames"], -1, 3) * content["step"])

    for one in study.objectives:
        assert one.action != one.reaction
        mine = [trial for trial in study.trials if trial.objective == one.name]
        (asked,) = [t for t in mine if t.kind == "leftmost" and not t.catch]
        assert [panel.eps for panel in asked.panels] == list(profile("smoke").epsilons)
        pairs = [t.panels for t in mine if t.kind == "which"]
        assert len(pairs) == 2
        for recorded, changed in (sorted(two, key=lambda one: one.eps or 0) for two in pairs):
            moved = (actor(changed.stimulus) - actor(recorded.stimulus)).abs()
            assert recorded.eps == 0 < float(moved[..., 2].max())
            assert float(moved[..., :2].max()) < 0.0015  # depth alone, to a millimetre
            assert float(moved[..., 2].max()) < 1.28 * (changed.eps or 0) + 0.0015


def test_the_page_needs_results_alone(out: Path, tmp_path: Path):
    shutil.copytree(out / "results", tmp_path / "results")
    for name in ("cases-motion", "fig4-motion"):  # recordings: their figures are kept, if there
        (tmp_path / "results" / f"{name}.parquet").unlink()
    shutil.copytree(out / "images", tmp_path / "docs" / "images")
    written = write.write(tmp_path / "results", tmp_path / "docs")
    assert written.read_text() == (out / "reproduction.md").read_text()


def test_a_missing_part_is_named_and_a_damaged_one_refused(out: Path, tmp_path: Path):
    for name in ("about.json", "models.parquet"):
        shutil.copy(out / "results" / name, tmp_path)
    text = write.write(tmp_path, tmp_path / "docs").read_text()
    assert "Figure 5 has not been run yet." in text
    assert "(the results lack fig4, natural-motion)." in text
    path = tmp_path / "models.parquet"
    path.write_bytes(path.read_bytes()[:100])
    with refused("damaged-file", names=["models.parquet"]):
        write.write(tmp_path, tmp_path / "docs")


def test_what_cannot_be_run_is_refused(tmp_path: Path):
    with refused("unknown-part", names=["'fig9'"]):
        run.run(Reproduction(profile("smoke"), None, tmp_path), ["fig9"])
    with refused("no-data-folder"):
        Reproduction(profile("quick"), None, tmp_path)
    with refused("unknown-model", names=["'lstm'"]):
        Reproduction(profile("smoke"), None, tmp_path, second_seed=["lstm"])
    with refused("no-results", names=["about.json"]):
        write.write(tmp_path, tmp_path)
    (tmp_path / "about.json").write_text('{"schema": 1}')
    with refused("schema-mismatch"):
        write.write(tmp_path, tmp_path)
