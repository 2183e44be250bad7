"""What each kind of job comes to, pinned: old results must not be taken for new ones."""

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

    for told in ("rows", "baselines", "tolerance", "history"):
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
        "score": one.score("tcn", "tcn", "hugging", "aia", 6.0, rows),
        "score without": one.score("tcn", "tcn", "hugging", "none", 0.0, rows),
        "score of another": one.score("tcn", "deepgru", "hugging", "aia", 6.0, rows),
    }
    for job in found.values():
        read(job)
    return found


GOLDEN: dict[str, dict[str, float]] = {
    "tolerance": {
        "kappa hugging": 0.438145, "kappa kicking": 0.477545, "per_frame": 1.0,
        "among_others hugging": 0.5, "among_others kicking": 0.5, "between_same hugging": 24.0,
        "between_same kicking": 24.0,
    },
    "train tcn": {
        "weights size": 5.54696, "weights mean": 0.0200154, "loss": 0.00272495,
        "validation": 0.300655, "best_epoch": 1.0,
    },
    "train deepgru": {
        "weights size": 12.9077, "weights mean": 0.0114229, "loss": 0.00264304,
        "validation": 0.298939, "best_epoch": 1.0,
    },
    "load": {"weights size": 4.17309, "weights mean": -0.012354},
    "baselines": {
        "error": 16.1314, "trivial hold first pose": 14.4084, "trivial mean pose": 43.1831,
        "trivial framewise ridge": 11.1493, "reaction": 2.06926, "train_error": 15.1089,
    },
    "targets": {
        "lengths size": 31.0161, "reactor size": 39.0226, "reactor mean": 0.695584,
        "targets size": 38.3468, "targets mean": 0.678599, "x size": 55.1321, "x mean": 0.694901,
    },
    "targets at the answer": {
        "lengths size": 31.0161, "reactor size": 39.0226, "reactor mean": 0.695584,
        "targets size": 38.6035, "targets mean": 0.683629, "x size": 55.1321, "x mean": 0.694901,
    },
    "noise sign": {
        "changed size": 0.620262, "changed mean": -2.89349e-05, "coords size": 6.7082,
        "lengths size": 31.0161,
    },
    "noise uniform": {
        "changed size": 0.357162, "changed mean": -5.20867e-05, "coords size": 6.7082,
        "lengths size": 31.0161,
    },
    "noise offset": {
        "changed size": 0.620262, "changed mean": 0.000336372, "coords size": 6.7082,
        "lengths size": 31.0161,
    },
    "attack": {
        "changed size": 0.240627, "changed mean": -8.35156e-05, "coords size": 6.7082,
        "lengths size": 31.0161,
    },
    "attack further": {
        "changed size": 0.785012, "changed mean": -0.000148138, "coords size": 6.7082,
        "lengths size": 31.0161,
    },
    "attack deepgru": {
        "changed size": 0.23972, "changed mean": 0.000216811, "coords size": 6.7082,
        "lengths size": 31.0161,
    },
    "minimal": {
        "changed size": 1.18906, "changed mean": -1.26192e-05, "coords size": 6.7082,
        "lengths size": 31.0161, "frames": 15.5, "tolerance": 5.673, "distance": 6.68861,
        "eps": 1.03125,
    },
    "score": {
        "lengths size": 31.0161, "values size": 39.1043, "values mean": 0.696749, "eps": 6.0,
        "frames": 15.5, "distance_frame": 6.67937, "linf": 0.0247993, "distance_joint": 22.3309,
        "error_cm": 19.1098, "perturbation_cm": 4.24359, "perturbation_max_cm": 5.40977,
        "bone_length_change": 0.0342786,
    },
    "score without": {
        "lengths size": 31.0161, "values size": 39.1118, "values mean": 0.69692, "eps": 0.0,
        "frames": 15.5, "distance_frame": 6.79349, "linf": 0.0, "distance_joint": 22.7406,
        "error_cm": 19.4457, "perturbation_cm": 0.0, "perturbation_max_cm": 0.0,
        "bone_length_change": 0.0,
    },
    "score of another": {
        "lengths size": 31.0161, "values size": 38.9666, "values mean": 0.694979, "eps": 6.0,
        "frames": 15.5, "distance_frame": 6.55608, "linf": 0.0247993, "distance_joint": 21.9883,
        "error_cm": 18.6767, "perturbation_cm": 4.24359, "perturbation_max_cm": 5.40977,
        "bone_length_change": 0.0342786,
    },
}  # fmt: skip


def test_every_kind_is_pinned() -> None:
    assert {job.kind for job in jobs().values()} == VERSIONS.keys()
    assert jobs().keys() == GOLDEN.keys()


@pytest.mark.parametrize("name", GOLDEN)
def test_a_job_comes_to_what_it_came_to(name: str) -> None:
    job = jobs()[name]
    got, wanted = numbers(job), GOLDEN[name]
    off = [
        f"{what}: {got.get(what)}, was {wanted.get(what)}"
        for what in {**got, **wanted}
        if not math.isclose(got.get(what, math.nan), wanted.get(what, math.nan),
                            rel_tol=1e-4, abs_tol=1e-5)
    ]  # fmt: skip
    assert not off, (
        f"Jobs of kind {job.kind!r} come to something else than before: {'; '.join(off)}. If that "
        f"is meant, raise VERSIONS[{job.kind!r}] in feint/jobs.py, so that nobody's old results "
        "are taken for new ones, and put the new numbers here."
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
