"""The results of each kind of job, pinned: old results must not be taken for new ones."""

import json
import math
import pickle
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.errors import refused

from feint.data.packing import pack_pairs, unpack_pairs
from feint.data.pairs import Interaction, Pairs, pair
from feint.errors import DamagedError, FeintError
from feint.evaluation.tolerance import Tolerance
from feint.experiments.config import Experiment
from feint.experiments.facts import Facts
from feint.experiments.plan import Plan
from feint.experiments.task_inputs import InputCache, TaskContext
from feint.experiments.tasks import run_task
from feint.io.sealed import unpack
from feint.jobs.job import VERSIONS, Job
from feint.models.external.source import ModelSource
from feint.skeleton import SBU_15

SETTINGS: dict[str, Any] = {
    "name": "golden",
    "model": [
        {"kind": "TCN", "width": 4, "depth": 2, "training": {"epochs": 2, "validation": 0.25}},
        {
            "kind": "DeepGRU",
            "widths": [4, 4, 4],
            "training": {"epochs": 2, "keep": "last", "validation": 0.25},
        },
    ],
    "attack": {
        "eps": [2.0, 6.0], "eps_unit": "cm", "axes": ["x", "y", "z"], "settings": {"steps": 3},
    },
    "target": {"labels": ["hugging"]},
    "evaluation": {"noise": ["sign", "uniform", "offset"], "sequences_per_job": 4},
}  # fmt: skip


def moved(person: int, label: int, frames: int) -> torch.Tensor:
    """Somebody waving, written down and not drawn: the same everywhere."""
    t = torch.arange(frames, dtype=torch.float64)[:, None]
    joint = torch.arange(45, dtype=torch.float64)
    rest = 0.5 + 0.2 * torch.sin(0.7 * joint) + 0.25 * (person % 2) * (joint % 3 == 0)
    wave = 0.05 * torch.sin(0.3 * (1 + label) * t + 0.2 * joint + person)
    return (rest + wave + 0.01 * person).float()


@cache
def pairs() -> tuple[Pairs, Pairs]:
    """Eight interactions to learn from, two to be tested on, each with both people as the actor."""
    labels = ("hugging", "kicking")
    every = [
        Interaction(
            f"s/{i}/1", "s", labels[i % 2], moved(2 * i, i % 2, 7 + i), moved(2 * i + 1, 3, 7 + i)
        )
        for i in range(10)
    ]
    return pair(every[:8]), pair(every[8:])


@cache
def plan(anchor: str = "reactor") -> Plan:
    learnt, test = pairs()
    facts = Facts(learnt.fingerprint(), test.fingerprint(), len(test))
    experiment = Experiment(**{**SETTINGS, "target": {"labels": ["hugging"], "anchor": anchor}})
    kappa = Tolerance({"hugging": 0.366}, per_frame=True)
    named = Plan(experiment, facts, {"tcn": "?", "deepgru": "?"}, kappa)
    weights = {name: read(job)[1]["weights"] for name, job in named.training.items()}
    return Plan(experiment, facts, weights, kappa)


_done: dict[str, bytes] = {}


def fetch(key: str) -> bytes:
    learnt, test = pairs()
    packed = {plan_key(learnt): learnt, plan_key(test): test}
    return pack_pairs(packed[key]) if key in packed else _done[key]


def plan_key(of: Pairs) -> str:
    return Facts(of.fingerprint(), "", 1).train_key


def read(job: Job) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """A job's result; what it needs is done first."""
    if job.key not in _done:
        told = job.common.settings.get("source")
        trusted = frozenset([ModelSource(**told).digest] if told else [])
        _done[job.key] = run_task(TaskContext(trusted=trusted), job, fetch)
    return unpack(_done[job.key], job.name)


def numbers(job: Job) -> dict[str, float]:
    """What a result comes to: means and sizes of its tensors, and the numbers it tells."""
    tensors, about = read(job)
    if job.kind in ("train", "load"):  # all weights as one
        tensors = {"weights": torch.cat([t.flatten().float() for t in tensors.values()])}
    if "changed" in tensors:  # only by how much, or what was there hides it
        asked = read(plan().targets("tcn", "hugging", (0, 4)))[0]
        tensors["changed"] = tensors["changed"] - asked["x"][..., tensors["coords"]]
    found: dict[str, float] = {}
    for name, tensor in sorted(tensors.items()):
        found[f"{name} size"] = float(tensor.double().norm())
        if tensor.is_floating_point():
            found[f"{name} mean"] = float(tensor.double().mean())

    def tell(value: Any, name: str) -> None:
        if isinstance(value, dict):
            for inner, one in value.items():
                tell(one, f"{name} {inner}".strip())
        elif isinstance(value, list):
            there = [one for one in value if isinstance(one, int | float)]
            if there:
                found[name] = sum(there) / len(there)
        elif isinstance(value, int | float):
            found[name] = float(value)

    for told in ("rows", "baselines", "tolerance", "history", "limits"):
        tell(about.get(told), "")
    return found


def loading() -> Job:
    """A user's model by its import path."""
    learnt, test = pairs()
    facts = Facts(learnt.fingerprint(), test.fingerprint(), len(test))
    mine = {"kind": "import", "name": "mine", "model": "tests.models.mine:build"}
    experiment = Experiment(**{**SETTINGS, "model": [{**mine, "code_hash": "0" * 64, "seed": 3}]})
    return Plan(experiment, facts, {"mine": "?"}).training["mine"]


def jobs() -> dict[str, Job]:
    one, rows = plan(), (0, 4)
    follows, bringing = plan("prediction"), loading()
    crafted = {name: one.crafted("tcn", "hugging", name, rows) for name in one.attacks}
    found = {
        "tolerance": one.natural(),
        "train tcn": one.training["tcn"],
        "train deepgru": one.training["deepgru"],
        "load": bringing,
        "baselines": one.baselines("tcn"),
        "targets": one.targets("tcn", "hugging", rows),
        "targets at the answer": follows.targets("tcn", "hugging", rows),
        "noise sign": crafted["sign-noise"][2.0],
        "noise uniform": crafted["uniform-noise"][2.0],
        "noise offset": crafted["offset-noise"][2.0],
        "attack": crafted["aia"][2.0],
        "attack further": crafted["aia"][6.0],
        "attack deepgru": one.crafted("deepgru", "hugging", "aia", rows)[2.0],
        "minimal": one.minimal("tcn", "hugging", rows),
        "limits": one.limits(),
        "nulls": one.nulls("tcn", "hugging", rows),
        "score": one.score("tcn", "tcn", "hugging", "aia", 6.0, rows),
        "score without": one.score("tcn", "tcn", "hugging", "none", 0.0, rows),
        "score of another": one.score("tcn", "deepgru", "hugging", "aia", 6.0, rows),
    }
    for job in found.values():
        read(job)
    return found


GOLDEN = Path(__file__).with_name("golden.json")


def golden() -> dict[str, Any]:
    """The pinned numbers, and the torch that made them."""
    if not GOLDEN.exists():
        return {"torch": "", "jobs": {}}
    read: dict[str, Any] = json.loads(GOLDEN.read_text())
    return read


def write_golden() -> None:
    """Pin the numbers anew: `python -m tests.experiments.test_tasks`."""
    found = {
        name: {what: float(f"{value:.6g}") for what, value in sorted(numbers(job).items())}
        for name, job in jobs().items()
    }
    GOLDEN.write_text(json.dumps({"torch": torch.__version__, "jobs": found}, indent=1) + "\n")


def test_every_kind_is_pinned() -> None:
    assert {job.kind for job in jobs().values()} == VERSIONS.keys()
    assert jobs().keys() == golden()["jobs"].keys()


@pytest.mark.parametrize("name", golden()["jobs"])
def test_a_job_has_the_pinned_numbers(name: str) -> None:
    """Results may change only together with VERSIONS, or with torch.

    After either, `python -m tests.experiments.test_tasks` writes golden.json anew; look at its
    difference before you commit it.
    """
    job = jobs()[name]
    got, pinned = numbers(job), golden()["jobs"][name]
    off = [
        f"{what}: {got.get(what)}, was {pinned.get(what)}"
        for what in {**got, **pinned}
        if not math.isclose(got.get(what, math.nan), pinned.get(what, math.nan),
                            rel_tol=1e-4, abs_tol=1e-5)
    ]  # fmt: skip
    assert not off, (
        f"Jobs of kind {job.kind!r} have other results than before: {'; '.join(off)}. This is "
        f"torch {torch.__version__}, golden.json was made with {golden()['torch']}. If your change "
        f"means to change them, raise VERSIONS[{job.kind!r}] in feint/jobs/job.py, so that old "
        "results are not taken for new ones, and write golden.json anew."
    )


# -- what else a job does -------------------------------------------------------------------


def test_a_result_says_what_made_it() -> None:
    _, about = read(jobs()["attack"])
    assert about["made"].keys() == {"seconds", "device", "feint", "torch"}
    assert about["key"] == jobs()["attack"].key
    assert about["settings"]["eps"] == 2.0


def test_a_job_done_again_comes_to_the_same() -> None:
    for name in ("train tcn", "attack", "score"):
        job = jobs()[name]
        tensors, _ = unpack(run_task(TaskContext(), job, fetch), name)
        before, _ = read(job)
        assert all(torch.equal(tensors[one], before[one]) for one in before)


@pytest.mark.parametrize("name", ["attack", "attack deepgru"])
def test_how_many_are_attacked_at_once_changes_nothing(name: str) -> None:
    job = jobs()[name]
    tensors, _ = unpack(run_task(TaskContext(batch_size=1), job, fetch), name)
    torch.testing.assert_close(tensors["changed"], read(job)[0]["changed"], rtol=0, atol=1e-5)


def trained(folder: Path) -> tuple[Job, dict[str, torch.Tensor]]:
    job = plan().training["tcn"]
    often = Job(job.kind, job.common, job.own, job.needs, hints={"checkpoint_every": 1})
    return job, unpack(run_task(TaskContext(folder), often, fetch), "training")[0]


def test_a_damaged_checkpoint_is_set_aside_and_the_training_begun_anew(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}")
    job, _ = trained(tmp_path)
    path = tmp_path / "checkpoints" / f"{job.key}.safetensors"
    whole = path.read_bytes()
    for damage in (whole[:-1], b"", whole[:9] + b"?" + whole[10:]):
        path.write_bytes(damage)
        _, weights = trained(tmp_path)
        assert all(torch.equal(weights[name], tensor) for name, tensor in read(job)[0].items())
    assert len(list((tmp_path / "damaged").glob("*.safetensors*"))) == 3 * 2  # each with why


def test_no_checkpoint_is_written_where_no_run_is(tmp_path: Path) -> None:
    trained(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_checkpoints_that_lead_elsewhere_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "checkpoints").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FeintError, match="is a link"):
        trained(tmp_path)
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_weights_that_changed_meanwhile_are_found() -> None:
    job = jobs()["attack"]
    other = Job(job.kind, job.common, {**job.own, "weights": "other"}, job.needs, name=job.name)
    with refused("changed-meanwhile", names=("weights other",)):
        run_task(TaskContext(), other, fetch)


def test_a_need_that_is_damaged_is_told_with_what_needs_it() -> None:
    job = jobs()["attack"]
    with refused("damaged-file", names=("attack aia", "needs as its targets"), error=DamagedError):
        run_task(TaskContext(), job, lambda key: fetch(key)[:-1])


def test_the_inputs_read_last_are_kept() -> None:
    context = TaskContext(cache=InputCache(size=2))
    asked: list[str] = []

    def counting(key: str) -> bytes:
        asked.append(key)
        return fetch(key)

    job = jobs()["attack"]
    for _ in range(2):
        run_task(context, job, counting)
    assert sorted(asked) == sorted(job.needs.values())  # the second time none was read
    assert len(context.cache) == 2


def test_a_workers_cache_outlives_the_job() -> None:
    once, again = (pickle.loads(pickle.dumps(TaskContext())) for _ in range(2))  # noqa: S301
    assert once.cache is again.cache
    assert TaskContext().cache is not once.cache


def test_pairs_come_back_from_what_is_sent() -> None:
    one, _ = pairs()
    again = unpack_pairs(*unpack(pack_pairs(one), "pairs"))
    assert again.fingerprint() == one.fingerprint()
    assert again.skeleton == SBU_15


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is one")
def test_a_gpu_that_is_not_there_is_told() -> None:
    with refused("no-gpu", names=("--device cpu",)):
        TaskContext(device="cuda").place()
    assert TaskContext(device="auto").place() == torch.device("cpu")


if __name__ == "__main__":
    write_golden()
