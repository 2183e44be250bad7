"""Every job once, after what it needs; a changed setting gives new keys to what depends on it."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feint.attacks.targets import Anchor
from feint.evaluation.attack_task import is_attack_name
from feint.evaluation.tolerance import Tolerance
from feint.experiments import stages
from feint.experiments.config import Experiment
from feint.experiments.facts import UNKNOWN, Facts
from feint.experiments.plan import Plan
from feint.jobs.job import Job

LABELS = ("hugging", "kicking", "punching")
KAPPA = Tolerance(dict.fromkeys(LABELS, 0.5), per_frame=True)


def planned(rows: int = 5, kappa: Tolerance | None = KAPPA, **change: Any) -> Plan:
    """A plan; `change` replaces values by their dotted names."""
    told: dict[str, Any] = {
        "name": "small",
        "model": [{"kind": "TCN", "name": "a", "training": {}}],
        "attack": {"eps": [2.0, 6.0], "settings": {}},
        "target": {"labels": list(LABELS[:2])},
        "evaluation": {"sequences_per_job": 2, "noise": ["sign", "uniform"]},
        "data": {},
    }
    for name, value in change.items():
        place = told
        *path, last = name.split("__")
        for part in path:
            place = place[int(part) if part.isdigit() else part]
        place[last] = value
    experiment = Experiment(**told)
    weights = {spec.name: f"weights of {i}" for i, spec in enumerate(experiment.model)}
    return Plan(experiment, Facts("train", "test", rows), weights, kappa)


@st.composite
def asked(draw: st.DrawFn) -> dict[str, Any]:
    """What `planned` makes a small plan of."""
    names = draw(st.lists(st.sampled_from("abc"), min_size=1, max_size=3, unique=True))
    return {
        "rows": draw(st.integers(1, 7)),
        "model": [
            {"kind": "TCN" if name != "b" else "DeepGRU", "name": name, "training": {"epochs": i}}
            for i, name in enumerate(names, 1)
        ],
        "attack": {
            "eps": draw(st.permutations([0.5, 2.0, 6.0]))[: draw(st.integers(1, 3))],
            "warm_start": draw(st.booleans()),
            **draw(
                st.sampled_from(
                    [
                        {"preset": "strong"},
                        {"preset": "paper-adam"},
                        {"preset": "paper-eq6", "settings": {"surface": "ball"}},
                        {"preset": "paper-eq6", "settings": {"surface": "sphere"}},
                        {"settings": {"keep": "last"}},
                    ]
                )
            ),
        },
        "target": {
            "labels": draw(st.permutations(LABELS))[: draw(st.integers(1, 3))],
            "anchor": draw(st.sampled_from(get_args(Anchor))),
        },
        "evaluation": {
            "transfer": draw(st.booleans()),
            "noise": draw(st.lists(st.sampled_from(["sign", "offset"]), unique=True)),
            "sequences_per_job": draw(st.integers(1, 4)),
            "craft_on": draw(st.none() | st.lists(st.sampled_from(names), min_size=1, unique=True)),
        },
    }


def walk(jobs: Iterable[Job], there: set[str]) -> list[Job]:
    """The jobs of a stage, each once and after what it needs."""
    seen: set[str] = set()
    found = []
    for one in jobs:
        assert one.key not in seen, f"{one.name} stands twice"
        assert set(one.needs.values()) <= there | seen, f"{one.name} comes before what it needs"
        seen.add(one.key)
        found.append(one)
    return found


@given(asked())
def test_a_stage_has_every_job_once_and_after_what_it_needs(told: dict[str, Any]) -> None:
    plan = planned(**told)
    there = {plan.facts.train_key, plan.facts.test_key}
    there |= {one.key for one in walk(plan.training.values(), there)}
    comparisons = walk(stages.baselines(plan), there)
    walk([plan.natural()], there)
    attack = walk(stages.attack(plan), there)
    minimal = walk(stages.minimal(plan), there)  # it needs no attack
    score = walk(stages.score(plan), there | {one.key for one in attack})
    nulls = walk([job for _, job in stages.nulls(plan)], there | {one.key for one in attack})
    sizes = {"attack": len(attack), "minimal": len(minimal), "score": len(score)}
    sizes["nulls"] = len(nulls)
    assert stages.sizes(plan) == sizes
    assert len(comparisons) == len(plan.weights)
    for kind, stage in (("attack", attack), ("minimal", minimal), ("score", score)):
        assert kind in {one.kind for one in stage}


@given(asked())
def test_the_rows_come_from_what_is_scored_and_from_nothing_else(told: dict[str, Any]) -> None:
    plan = planned(**told)
    experiment, parts = plan.experiment, len(plan.chunks)
    scored = list(stages.scored(plan))
    each = 1 + len(plan.attacks) * len(experiment.eps)
    assert len(scored) == len(plan.pairs) * len(experiment.target.labels) * each * parts
    assert len({(names, i % parts) for i, (names, _) in enumerate(scored)}) == len(scored)
    assert {one.key for _, one in scored} == {one.key for one in stages.score(plan)}
    for i, ((source, victim, label, attack, eps), one) in enumerate(scored):
        rows = plan.chunks[i % parts]
        assert one.needs["model"] == plan.training[victim].key
        assert one.needs["targets"] == plan.targets(source, label, rows).key
        if attack == "none":
            assert (eps, one.own.get("eps"), "crafted" in one.needs) == (0.0, None, False)
        else:
            assert one.own["eps"] == eps
            assert one.needs["crafted"] == plan.crafted(source, label, attack, rows)[eps].key


def test_attacks_are_crafted_on_the_sources_alone() -> None:
    models = [{"kind": "TCN", "name": n, "training": {"epochs": i}} for i, n in enumerate("abc", 1)]
    plan = planned(model=models, evaluation={"craft_on": ["c", "a"], "sequences_per_job": 5})
    assert plan.surrogates == ["a", "c"]
    assert set(plan.pairs) == {(s, v) for s in "ac" for v in "abc"}
    crafted = {one.needs["model"] for one in stages.attack(plan) if one.kind == "attack"}
    assert crafted == {plan.training[name].key for name in "ac"}


def test_more_rows_keep_the_jobs_of_fewer() -> None:
    few, more = (
        {one.key for one in stages.attack(planned(rows, evaluation={"sequences_per_job": 4}))}
        for rows in (4, 12)
    )
    assert few < more


@given(st.integers(1, 300), st.integers(1, 70))
def test_the_parts_cover_all_rows_once(rows: int, most: int) -> None:
    chunks = planned(rows, evaluation={"sequences_per_job": most}).chunks
    assert [i for begin, end in chunks for i in range(begin, end)] == list(range(rows))
    sizes = {end - begin for begin, end in chunks}
    assert max(sizes) <= most
    assert max(sizes) - min(sizes) <= 1
    assert len(chunks) == -(-rows // most)


def test_a_climb_goes_from_eps_to_eps_and_the_rest_begins_anew() -> None:
    rows = (0, 2)
    warm = planned(attack__eps=[6.0, 0.5, 2.0]).crafted("a", "hugging", "aia", rows)
    assert list(warm) == [0.5, 2.0, 6.0]
    chain = list(warm.values())
    assert [one.needs.get("previous") for one in chain] == [None, chain[0].key, chain[1].key]
    for change in ({"attack__warm_start": False}, {"attack__settings": {"keep": "last"}}):
        anew = planned(**change).crafted("a", "hugging", "aia", rows)
        assert not any("previous" in one.needs for one in anew.values())


TWO = [{"kind": "TCN", "name": "a"}, {"kind": "DeepGRU", "name": "b"}]


def test_noise_serves_every_source_and_target() -> None:
    plan = planned(model=TWO)
    for eps in plan.experiment.eps:
        jobs = {
            plan.crafted(source, label, "sign-noise", (0, 2))[eps].key
            for source in "ab"
            for label in plan.experiment.target.labels
        }
        assert len(jobs) == 1


@pytest.mark.parametrize("anchor", get_args(Anchor))
def test_targets_that_follow_the_answers_are_asked_of_each_source(anchor: str) -> None:
    plan = planned(model=TWO, target__anchor=anchor)
    keys = {plan.targets(source, "hugging", (0, 2)).key for source in "ab"}
    assert len(keys) == (2 if anchor in ("prediction", "root") else 1)


# -- keys -----------------------------------------------------------------------------------

KINDS = ("train", "baselines", "tolerance", "targets", "noise", "attack", "minimal",
         "score none", "score noise", "score attack")  # fmt: skip
ASKED = {"attack", "minimal", "score none", "score noise", "score attack"}
WEIGHED = {"baselines", *ASKED}
BUDGET = {"noise", "attack", "minimal", "score noise", "score attack"}


def keys(plan: Plan) -> dict[str, dict[str, str]]:
    """By kind, the key of every job's name."""
    found: dict[str, dict[str, str]] = {kind: {} for kind in KINDS}
    every: list[Callable[[], Iterable[Job]]] = [
        plan.training.values, partial(stages.baselines, plan), lambda: [plan.natural()],
        partial(stages.attack, plan), partial(stages.minimal, plan), partial(stages.score, plan),
    ]  # fmt: skip
    for stage in every:
        for one in stage():
            kind = one.kind
            if kind == "score":
                crafted = one.name.split(", ")[2]
                kind = (
                    f"score {'attack' if is_attack_name(crafted) else crafted.rpartition('-')[2]}"
                )
            found[kind][one.name] = one.key
    return found


def differ(before: Plan, after: Plan) -> set[str]:
    """Kinds all of whose keys changed; a kind in which only some did is an error."""
    one, other = keys(before), keys(after)
    changed = set()
    for kind in KINDS:
        assert one[kind].keys() == other[kind].keys()
        same = sum(one[kind][name] == other[kind][name] for name in one[kind])
        assert same in (0, len(one[kind])), f"only some of {kind}"
        if not same:
            changed.add(kind)
    return changed


@pytest.mark.parametrize(
    "change, kinds",
    [
        ({"name": "other"}, set()),
        ({"evaluation__transfer": False}, set()),
        ({"evaluation__batch_size": 7}, set()),
        ({"evaluation__max_sequences": 5}, set()),  # it is in the fingerprint of the test pairs
        ({"evaluation__tolerance": "paper"}, set()),  # its kappa counts, not where it is from
        ({"data__seed": 7}, set()),  # in the fingerprints, too
        ({"data__test_sets": ["s01s02"]}, set()),
        ({"model__0__training": {"checkpoint_every": 3}}, set()),
        ({"model__0__training": {"epochs": 3}}, {"train", *WEIGHED}),
        ({"model__0__training": {"batch_size": 3}}, {"train", *WEIGHED}),
        ({"model__0__width": 8}, {"train", *WEIGHED}),
        ({"attack__settings": {"steps": 7}}, {"attack", "score attack"}),
        ({"attack__preset": "paper-adam"}, {"attack", "score attack"}),
        ({"attack__eps_unit": "cm"}, BUDGET),
        ({"attack__axes": ["x"]}, BUDGET),
        ({"attack__joints": ["head"]}, BUDGET),
        ({"target__exemplar": "nearest"}, {"targets", *ASKED}),
        ({"target__role": "responder"}, {"tolerance", "targets", *ASKED}),
        ({"target__length_mode": "hold"}, {"tolerance", "targets", *ASKED}),
        ({"target__anchor": "raw"}, {"tolerance", "targets", *ASKED}),
        ({"data__first_pose": False}, set(KINDS) - {"tolerance"}),
        ({"seed": 7}, set(KINDS) - {"tolerance"}),
    ],
)
def test_a_changed_setting_changes_the_keys_of_what_depends_on_it(
    change: dict[str, Any], kinds: set[str]
) -> None:
    assert differ(planned(), planned(**change)) == kinds


def test_other_data_changes_the_keys_of_what_sees_it() -> None:
    plan = planned()
    train = replace(plan, facts=replace(plan.facts, train="other"))
    assert differ(plan, train) == set(KINDS) - {"noise"}
    test = replace(plan, facts=replace(plan.facts, test="other"))
    assert differ(plan, test) == set(KINDS) - {"train", "tolerance"}


def test_other_weights_change_the_keys_of_what_asks_them() -> None:
    """The same training on another machine may end at others: they are in the keys themselves."""
    plan = planned()
    assert differ(plan, replace(plan, weights={"a": "others"})) == WEIGHED
    assert differ(plan, replace(plan, weights={"a": UNKNOWN})) == WEIGHED


def test_another_kappa_changes_the_keys_of_what_aims_at_it() -> None:
    other = replace(KAPPA, values={**KAPPA.values, "hugging": 0.7, "kicking": 0.7})
    assert differ(planned(), planned(kappa=other)) == {"minimal"}
    words = replace(KAPPA, source="elsewhere", among_others={"hugging": 0.1})
    assert differ(planned(), planned(kappa=words)) == set()
    ball = {"attack__preset": "paper-eq6", "attack__settings": {"surface": "ball"}}
    changed = differ(planned(**ball), planned(kappa=other, **ball))
    assert changed == {"minimal", "attack", "score attack"}


@pytest.mark.parametrize(
    "more",
    [
        {"model": [{"kind": "TCN", "name": "a"}, {"kind": "DeepGRU"}]},
        {"target__labels": ["kicking", "punching", "hugging"]},
        {"evaluation__noise": ["offset", "uniform", "sign"]},
        {"attack__eps": [2.0, 9.0, 6.0, 7.0]},
        {"model__0__name": "renamed"},
    ],
)
def test_more_of_something_or_another_name_leaves_the_keys_there_were(more: Any) -> None:
    one, other = keys(planned()), keys(planned(**more))
    for kind in KINDS:
        if "attack__eps" in more and kind in ("minimal",):
            continue  # it looks as far as the largest eps
        assert set(one[kind].values()) <= set(other[kind].values()), kind


def test_beginning_every_eps_anew_leaves_the_smallest() -> None:
    warm, anew = (
        planned(attack__warm_start=w).crafted("a", "hugging", "aia", (0, 2)) for w in (True, False)
    )
    assert warm[2.0].key == anew[2.0].key
    assert warm[6.0].key != anew[6.0].key
