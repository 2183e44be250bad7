"""A model that is wrong in some way works, or gets one sentence that says what to do."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from tests.attacks.problems import unchecked
from tests.errors import refused
from tests.models.mine import IN, OUT, BothWays, Changed, Looped, Masked, Net, Packed
from torch import nn

import feint
from feint.errors import FeintError
from feint.models.inference import _differentiable
from feint.models.sanity_checks import CHECKS, check_model, raise_if_fatal
from feint.sequences import Sequences


@pytest.fixture
def x() -> Sequences:
    generator = torch.Generator().manual_seed(0)
    return Sequences.pad([torch.randn(n, IN, generator=generator) for n in (9, 4, 12, 1)])


def asked(model: nn.Module, x: Sequences) -> dict[str, str]:
    """What is found, by name."""
    torch.manual_seed(0)
    y = x.with_values(x.values[..., :OUT])
    return {one.code: one.message for one in check_model(model, x, y)}


def attacked(model: nn.Module, x: Sequences) -> Sequences:
    """A few steps towards other answers; what comes of it is nearer to them than what was."""
    torch.manual_seed(1)
    target = x.with_values(torch.randn(*x.values.shape[:2], OUT))
    x_adv = feint.AIA(steps=5)(model, x, target, feint.Budget(0.3))
    after = feint.distance(feint.predict(model, x_adv), target)
    assert (after <= feint.distance(feint.predict(model, x), target)).all()
    assert (after.sum()) < feint.distance(feint.predict(model, x), target).sum()
    return x_adv


def hooked() -> nn.Module:
    model = Net()
    model.gru.register_forward_hook(lambda module, args, out: (2 * out[0], out[1]))
    model.head.register_full_backward_hook(lambda module, grads, outs: None)
    return model


def traced() -> nn.Module:
    with pytest.warns(), torch.random.fork_rng():
        return torch.jit.trace(Net().eval(), torch.randn(2, 7, IN))


WORKS = {
    "a plain one": Net,
    "packed, both ways": Packed,
    "a key-padding mask": Masked,
    "a loop over time": Looped,
    "hooks": hooked,
    "traced": traced,
    "writes into its input": lambda: Changed("writes into its input"),
    "a function": lambda: feint.Function(lambda x: x[..., :OUT].cumsum(dim=1).tanh()),
    "random, averaged": lambda: feint.EOTModel(Changed("dropout always"), samples=3),
    "dropout on, averaged": lambda: feint.EOTModel(Changed("dropout").train(), samples=2),
}


@pytest.mark.filterwarnings("ignore:.*torch.jit.*is deprecated")
@pytest.mark.parametrize("name", WORKS)
def test_it_works(name: str, x: Sequences) -> None:
    torch.manual_seed(3)
    model = WORKS[name]()
    model = model if isinstance(model, feint.EOTModel) else model.eval()
    # A mean over draws depends on where in a batch they fall; the others do not.
    assert set(asked(model, x)) <= {"not-causal"} | (
        {"batch-dependent"} if isinstance(model, feint.EOTModel) else set()
    )
    assert ("not-causal" in asked(model, x)) == (
        name in ("packed, both ways", "a key-padding mask")
    )
    attacked(model, x)


WRONG = {  # how it is wrong: the code, and a fact that the message contains
    "NaN": ("no-answer", "NaN"),
    "double": ("no-answer", "torch.float64"),
    "last frame alone": ("no-answer", "(4, 3)"),
    "a tuple": ("no-answer", "tuple"),
    "eight frames": ("no-answer", "size of tensor"),
    "functional dropout": ("no-answer", "model.eval()"),
    "dropout always": ("no-answer", "feint.EOTModel"),
    "dropout": ("no-answer", "'dropout' (Dropout)"),
    "numpy noise": ("random-answers", "`samples`"),
    "counts": ("random-answers", "forward"),
    "batch statistics": ("reads-padding", "`lengths`"),
    "ignores its input": ("ignores-input", ""),
    "does not look at its input": ("no-gradient", ""),
    "in place": ("no-gradient", "inplace operation"),
    "detached": ("wrong-gradient", "%"),
}


@pytest.mark.parametrize("how", WRONG)
def test_what_is_wrong_is_said(how: str, x: Sequences) -> None:
    torch.manual_seed(0)
    model = Changed(how).train("dropout" in how)
    code, fact = WRONG[how]
    found = asked(model, x)
    assert fact in found[code]
    if code in ("no-answer", "random-answers"):
        with refused(code, names=(fact,)):
            raise_if_fatal(check_model(model, x))


@pytest.mark.parametrize("how", ["NaN", "functional dropout", "dropout", "in place",
                                 "does not look at its input", "a tuple", "double"])  # fmt: skip
def test_an_attack_says_it_too(how: str, x: Sequences) -> None:
    with pytest.raises(FeintError):
        attacked(Changed(how).train("dropout" in how), x)


def test_another_width_than_the_data_s_is_said(x: Sequences) -> None:
    model = Net(outputs=4).eval()
    assert "answers 4 features a frame, and the data has 3" in asked(model, x)["no-answer"]
    assert "6 features a frame" in asked(Net(inputs=5).eval(), x)["no-answer"]
    with pytest.raises(FeintError):
        attacked(model, x)


def test_padding_and_batches_are_told_apart(x: Sequences) -> None:
    assert "`lengths`" in asked(BothWays().eval(), x)["reads-padding"]
    alike = x[[0, 0]]
    alike = alike.with_values(alike.values + torch.randn(alike.values.shape))
    assert "running" in asked(Changed("batch statistics").eval(), alike)["batch-dependent"]


def test_batch_norm_in_training_mode_is_refused(x: Sequences) -> None:
    model = nn.Sequential(Net(), nn.BatchNorm1d(12))
    with refused("training-mode", names=("'1' (BatchNorm1d)",)):
        feint.predict(model, x)


@pytest.mark.parametrize(
    ("model", "code", "fact"),
    [
        (lambda: Net().double(), "wrong-dtype", "torch.float64"),
        (lambda: Net().to("meta"), "wrong-device", "meta"),
        (lambda: lambda x: x, "not-a-module", "feint.Function"),
    ],
    ids=["double", "meta", "a function"],
)
def test_precision_device_and_kind_are_checked(model, code: str, fact: str, x: Sequences) -> None:
    with unchecked(), refused(code, names=(fact,)):
        feint.predict(model(), x)


def test_cudnn_is_off_around_recurrent_layers_in_evaluation_mode_on_a_gpu() -> None:
    for model, enabled in ((Net().eval(), False), (Net(), True), (nn.Linear(2, 2).eval(), True)):
        with unchecked(), _differentiable(model, SimpleNamespace(is_cuda=True)):
            assert torch.backends.cudnn.enabled == enabled
        assert torch.backends.cudnn.enabled
    with torch.no_grad(), unchecked(), _differentiable(Net().eval(), SimpleNamespace(is_cuda=True)):
        assert torch.backends.cudnn.enabled


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("kind", [Net, Packed])
def test_recurrent_layers_are_attacked_on_a_gpu_in_evaluation_mode(kind, x: Sequences) -> None:
    model = kind().eval()
    with refused("wrong-device", names=("cpu", "cuda")):
        feint.predict(model, x.to("cuda"))
    attacked(model.cuda(), x.to("cuda"))


def test_a_check_changes_nothing_about_the_model(x: Sequences) -> None:
    model = Changed("batch statistics").eval()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    random = torch.get_rng_state()
    check_model(model, x)
    assert torch.equal(torch.get_rng_state(), random)
    assert all(torch.equal(before[k], v) for k, v in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())


def test_every_finding_is_in_the_docs() -> None:
    text = (Path(__file__).parents[2] / "docs" / "checks.md").read_text()
    assert all(f"**{name}.**" in text for name in CHECKS)


def test_samples_are_checked_and_leave_the_random_state_alone(x: Sequences) -> None:
    with unchecked(), refused("bad-setting", names=("samples=0",)):
        feint.EOTModel(Net(), samples=0)
    model, state = feint.EOTModel(Changed("dropout always"), samples=4), torch.get_rng_state()
    one, two = feint.predict(model, x), feint.predict(model, x)
    assert torch.equal(one.values, two.values)
    assert torch.equal(torch.get_rng_state(), state)
    other = feint.predict(feint.EOTModel(model.model, samples=4, seed=1), x)
    assert not torch.equal(one.values, other.values)
