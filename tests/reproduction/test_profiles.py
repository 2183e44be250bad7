"""Profiles are experiments that hold, and the full one is the paper's size."""

import pytest
from tests.errors import refused

from feint.evaluation.table1 import EPSILONS
from feint.reproduction.profiles import PAPER, PROFILES, REGULARISED, SECOND_SEED, profile


@pytest.mark.parametrize("name", sorted(PROFILES))
def test_every_part_is_an_experiment(name):
    one = profile(name)
    for part in one.max_sequences:
        preset = part if part.startswith("paper") else "strong"
        experiment = one.experiment(part, PAPER + SECOND_SEED + REGULARISED, preset)
        assert [spec.name for spec in experiment.model] == [*PAPER, *SECOND_SEED, *REGULARISED]
        assert experiment.attack[0].attack().steps == (
            one.paper.get("steps", 400) if preset != "strong" else one.strong["steps"]
        )
        assert experiment.eps == one.epsilons
        assert experiment.evaluation.max_sequences == one.max_sequences[part]


def test_the_full_one_is_the_papers():
    full = profile("full").experiment("paper-eq6", PAPER, "paper-eq6")
    tcn, gru = full.model
    assert (tcn.width, tcn.depth, tcn.dropout) == (256, 10, 0.0)
    assert gru.widths == (512, 256, 128)
    for spec in full.model:
        assert spec.training["epochs"] == 1000
        assert spec.training["keep"] == "last"
        assert "learning_rate" not in spec.training  # 1e-3 by default
    attack = full.attack[0].attack()
    assert (attack.steps, attack.step_size, attack.smoothness) == (400, 0.03, 0.1)
    assert full.eps == EPSILONS
    assert full.attack[0].axes == ("z",)
    assert len(full.target.labels) == 8
    assert full.evaluation.max_sequences == 110
    assert not full.data.first_pose


def test_twins_differ_in_their_seed_alone():
    models = {
        spec.name: spec for spec in profile("full").experiment("strong", PAPER + SECOND_SEED).model
    }
    for name in PAPER:
        one, second = models[name].training, models[f"{name}-second-seed"].training
        assert second == {**one, "seed": one["seed"] + 1}


def test_regularised_ones_have_dropout_and_stop_early():
    tcn, gru = profile("full").experiment("regularised", REGULARISED).model
    assert tcn.dropout == 0.2
    assert tcn.training["keep"] == gru.training["keep"] == "best"


def test_fewer_rows_keep_the_jobs_of_more():
    one = profile("full")
    fewer = one.with_max_sequences(["paper-eq6=11", "paper-adam=0"])
    sizes = [
        p.experiment("paper-eq6", PAPER, "paper-eq6").evaluation.sequences_per_job
        for p in (one, fewer)
    ]
    assert sizes == [11, 11]
    assert fewer.max_sequences["paper-eq6"] == 11


@pytest.mark.parametrize(
    "asked", ["strong", "strong=0", "strong=-1", "cases=0", "nothing=3", "strong=x"]
)
def test_wrong_numbers_of_rows_are_refused(asked):
    with refused("bad-max-sequences", names=[repr(asked)]):
        profile("full").with_max_sequences([asked])


def test_an_unknown_profile_is_refused():
    with refused("unknown-profile", names=["'huge'", "full, quick, smoke"]):
        profile("huge")
