"""An experiment's file: every wrong key is named, with what came and what was expected."""

from pathlib import Path

import pytest
from tests.attacks.problems import unchecked
from tests.errors import refused

import feint
from feint.errors import FeintError
from feint.experiments import config_file

GOOD = """
name = "small"
[[model]]
kind = "TCN"
[attack]
eps = [0.1, 0.2]
[target]
labels = ["punching"]
"""


def test_a_small_file_gets_the_defaults():
    one = config_file.parse(GOOD, "good.toml")
    assert one.data.source == "synthetic"
    assert one.model[0].name == "tcn"
    assert one.model[0].settings() == {"width": 256, "depth": 10, "kernel": 2, "dropout": 0.2}
    assert one.attack[0].attack().steps == 400
    assert one.attack[0].axes == ("z",)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("eps = [0.1, 0.2]", "eps = [0.1, -0.2]", r"attack\.eps\.1: got -0\.2; .*greater than 0"),
        ("eps = [0.1, 0.2]", "eps = [nan]", r"attack\.eps\.0: .*finite"),
        ("eps = [0.1, 0.2]", "eps = []", r"attack\.eps: .*at least 1"),
        ("eps = [0.1, 0.2]", "eps = [0.1, 0.1]", r"attack: .*twice"),
        ("eps = [0.1, 0.2]", "", r"attack\.eps: field required"),
        ('labels = ["punching"]', "labels = []", r"target\.labels; expected at least one"),
        ('labels = ["punching"]', 'labels = ["a", "a"]', r"target\.labels: .*: a, a"),
        ("[attack]", "[attack]\nsettings = { step_size = inf }", r"attack: AIA got step_size=inf"),
        ("eps = [0.1, 0.2]", "eps = [0.1, 0.10000000001]", r"attack: .*twice"),
        ('labels = ["punching"]', "labels = 3", r"target\.labels: got 3"),
        ("[attack]", "[attack]\nepz = 1", r"attack\.epz: unknown key"),
        ("[attack]", '[attack]\naxes = ["w"]', r"attack: .*no axis 'w'"),
        ("[attack]", '[attack]\njoints = ["tail"]', r"attack: .*no joint 'tail'"),
        ("[attack]", "[attack]\nsettings = { stepz = 3 }", r"attack: .*unknown field 'stepz'"),
        ("[attack]", "[attack]\nsettings = { steps = 0 }", r"attack: .*steps=0"),
        ("[attack]", '[attack]\npreset = "best"', r"AIA got preset 'best'"),
        ('kind = "TCN"', 'kind = "Perceptron"', r"model\.0: .*'TCN', 'DeepGRU'"),
        ('kind = "TCN"', 'kind = "TCN"\nwidth = 0', r"model\.0\.width: got 0"),
        (
            'kind = "TCN"',
            'kind = "TCN"\ntraining = { epoch = 3 }',
            r"model\.0\.training: unknown key 'epoch'; expected some of epochs",
        ),
        (
            'kind = "TCN"',
            'kind = "TCN"\ntraining = { epochs = 0 }',
            r"model\.0\.training: .*epochs=0",
        ),
        ('name = "small"', 'name = "../up"', r"name: got '\.\./up'"),
        ('name = "small"', "", r"name: field required"),
        ('name = "small"', "name = ", r"not TOML"),
        (
            "[attack]",
            '[[model]]\nkind = "TCN"\n[attack]',
            r"two models have the same name: tcn, tcn",
        ),
        (
            "[attack]",
            '[evaluation]\ncraft_on = ["gru"]\n[attack]',
            r"evaluation\.craft_on names gru; expected some of tcn",
        ),
    ],
)
def test_a_wrong_key_is_named(old, new, told):
    assert old in GOOD
    with pytest.raises(FeintError, match=told):
        config_file.parse(GOOD.replace(old, new), "bad.toml")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("[attack]", "[attack]\nsettings = { steps = 2.5 }", r"attack: AIA got steps=2\.5"),
        ("[attack]", '[attack]\nsettings = { seed = "a" }', r"attack: AIA got seed='a'"),
        ("TCN", 'TCN"\ntraining = { keep = "lst" }\nname = "t', r"training: .*keep='lst'"),
        ("TCN", 'TCN"\ntraining = { epochs = 2.5 }\nname = "t', r"training: .*whole numbers"),
        ("TCN", 'TCN"\ntraining = { clip = "a" }\nname = "t', r"training: .*clip='a'"),
    ],
)
def test_a_wrong_type_is_named_without_the_tests_own_type_checks(old, new, told):
    with unchecked(), pytest.raises(FeintError, match=told):
        config_file.parse(GOOD.replace(old, new), "bad.toml")


def test_an_error_inside_is_told_once():
    with pytest.raises(FeintError) as caught:
        config_file.parse(GOOD.replace("eps = [0.1, 0.2]", "eps = [-1]"), "bad.toml")
    assert str(caught.value).count("\n") == 1


def test_a_missing_file_is_named(tmp_path):
    with refused("unreadable-file", names=("nothing.toml",)):
        config_file.read(tmp_path / "nothing.toml")


def test_a_binary_file_is_refused(tmp_path):
    path = tmp_path / "x.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with refused("unreadable-file"):
        config_file.read(path)


EXAMPLES = sorted(
    path
    for path in Path(__file__).parents[2].glob("examples/*.toml")
    if path.name != "table1.toml"  # votes, for `feint survey threshold`
)


@pytest.mark.parametrize("path", EXAMPLES, ids=str)
def test_the_examples_are_experiments(path):
    assert config_file.read(path).name


def test_the_demo_is_an_experiment():
    text = (Path(feint.__file__).parent / "cli" / "demo.toml").read_text()
    assert config_file.parse(text, "demo.toml").name == "demo"
