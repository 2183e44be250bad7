"""The TCN against the reference's padding on both sides and cutting, and its causality."""

import pytest
import torch
from tests.errors import refused
from torch import Tensor, nn

from feint.data.pairs import with_first_pose
from feint.models.tcn import TCN, Block
from feint.sequences import Sequences


def lively(model: nn.Module, seed: int = 0) -> nn.Module:
    """Weights large enough that the deepest block's voice is heard in the output."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            size = 1.0 if name.endswith("original0") else 0.3
            parameter.copy_(
                size
                * torch.randn(parameter.shape, generator=generator).abs().sqrt()
                * torch.randn(parameter.shape, generator=generator).sign()
            )
        coordinates = model.coordinates
        coordinates.input_mean.normal_(generator=generator)
        coordinates.input_scale.uniform_(0.5, 2, generator=generator)
        coordinates.output_mean.normal_(generator=generator)
        coordinates.output_scale.uniform_(0.5, 2, generator=generator)
    return model.eval()


class Chomp(nn.Module):
    """Cut what padding on both sides has added to the end."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        return x[..., : x.shape[-1] - self.size]


class ReferenceBlock(nn.Module):
    """A residual block as published: Conv1d padded on both sides, cut, ReLU, twice."""

    def __init__(self, block: Block) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for conv in (block.first, block.second):
            outputs, inputs, kernel = conv.weight.shape
            padding = (kernel - 1) * conv.dilation
            plain = nn.Conv1d(inputs, outputs, kernel, padding=padding, dilation=conv.dilation)
            plain.to(conv.weight.dtype).load_state_dict({"weight": conv.weight, "bias": conv.bias})
            layers += [plain, Chomp(padding), nn.ReLU()]
        self.net = nn.Sequential(*layers)
        self.downsample = None
        if isinstance(block.residual, nn.Linear):
            weight, bias = block.residual.weight[..., None], block.residual.bias
            self.downsample = nn.Conv1d(weight.shape[1], weight.shape[0], 1).to(weight.dtype)
            self.downsample.load_state_dict({"weight": weight, "bias": bias})

    def forward(self, x: Tensor) -> Tensor:
        residual = x if self.downsample is None else self.downsample(x)
        return torch.relu(self.net(x) + residual)


def reference(model: TCN, x: Tensor) -> Tensor:
    c = model.coordinates
    y = ((x - c.input_mean) / c.input_scale).transpose(1, 2)
    for block in model.blocks:
        y = ReferenceBlock(block)(y)
    y = nn.functional.linear(y.transpose(1, 2), model.head.weight, model.head.bias)
    return y * c.output_scale + c.output_mean


@pytest.mark.parametrize("kernel, parameters", [(2, 2_546_989), (3, 3_803_693)])
def test_the_papers_tcn_has_this_many_parameters(kernel: int, parameters: int) -> None:
    model = TCN(45, 45, kernel=kernel)
    assert sum(p.numel() for p in model.parameters()) == parameters
    assert [block.first.dilation for block in model.blocks] == [2**i for i in range(10)]


@pytest.mark.parametrize("time", [1, 5, 33])
@pytest.mark.parametrize("kernel", [2, 3])
@pytest.mark.parametrize("inputs", [6, 16], ids=["downsample", "identity"])
def test_it_is_the_reference(inputs: int, kernel: int, time: int) -> None:
    model = lively(TCN(inputs, 4, width=16, depth=6, kernel=kernel))
    x = torch.randn(3, time, inputs, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        got, want = model(x), reference(model, x)
    scale = want.abs().max().item()
    torch.testing.assert_close(got / scale, want / scale, rtol=0, atol=1e-5)


def test_the_papers_size_is_the_reference_too() -> None:
    torch.manual_seed(0)
    model = TCN(45, 45).eval()
    x = torch.randn(2, 33, 45)
    with torch.no_grad():
        torch.testing.assert_close(model(x), reference(model, x), rtol=0, atol=1e-5)


def test_its_gradient_is_the_references() -> None:
    model = lively(TCN(6, 4, width=8, depth=4)).double()
    gradients = []
    for answer in (model, lambda x: reference(model, x)):
        x = torch.randn(2, 9, 6, generator=torch.Generator().manual_seed(1)).double()
        x.requires_grad_()
        answer(x).square().sum().backward()
        gradients.append(x.grad)
    torch.testing.assert_close(gradients[0], gradients[1])


@pytest.mark.parametrize("time", [1, 9])  # with 9 frames the deepest block's past is padding
@pytest.mark.parametrize("kernel", [2, 3])
def test_its_weights_gradients_are_the_references(kernel: int, time: int) -> None:
    model = lively(TCN(6, 4, width=8, depth=5, kernel=kernel)).double()
    x = torch.randn(2, time, 6, generator=torch.Generator().manual_seed(1)).double()
    c, learnt = model.coordinates, list(model.parameters())
    y = ((x - c.input_mean) / c.input_scale).transpose(1, 2)
    for block in model.blocks:
        before = y
        for conv in (block.first, block.second):
            padding = (kernel - 1) * conv.dilation
            weight = conv.weight
            y = nn.functional.conv1d(y, weight, conv.bias, padding=padding, dilation=conv.dilation)[
                ..., : x.shape[1]
            ].relu()
        if isinstance(block.residual, nn.Linear):
            before = block.residual(before.transpose(1, 2)).transpose(1, 2)
        y = (y + before).relu()
    theirs = model.head(y.transpose(1, 2)) * c.output_scale + c.output_mean
    ours = model(x)
    torch.testing.assert_close(ours, theirs)
    for mine, other in zip(
        torch.autograd.grad(ours.square().sum(), learnt),
        torch.autograd.grad(theirs.square().sum(), learnt),
        strict=True,
    ):
        torch.testing.assert_close(mine, other)


def test_a_kernel_of_one_sees_the_present_only() -> None:
    model = lively(TCN(6, 4, width=8, depth=3, kernel=1))
    x = torch.randn(2, 7, 6)
    torch.testing.assert_close(model(x)[:, 3:4], model(x[:, 3:4]))


@pytest.mark.parametrize("kernel", [2, 3])
def test_the_future_changes_nothing_bit_for_bit(kernel: int) -> None:
    model = lively(TCN(6, 4, width=16, depth=5, kernel=kernel))
    x = torch.randn(2, 20, 6)
    with torch.no_grad():
        y = model(x)
        for t in range(19):
            other = x.clone()
            other[:, t + 1 :] = 100 * torch.randn(2, 19 - t, 6)
            changed = model(other)
            assert torch.equal(changed[:, : t + 1], y[:, : t + 1])
            assert not torch.equal(changed[:, t + 1], y[:, t + 1])


def test_every_past_frame_is_heard() -> None:
    model = lively(TCN(6, 4, width=16, depth=5))  # sees 1 + 2 * (1 + 2 + 4 + 8 + 16) = 63 frames
    x = torch.randn(1, 20, 6, requires_grad=True)
    model(x)[:, -1].square().sum().backward()
    assert (x.grad.abs().amax(dim=-1) > 0).all()


def test_padding_does_not_influence_own_frames() -> None:
    model = lively(TCN(6, 4, width=16, depth=5))
    x = Sequences.pad([torch.randn(5, 6), torch.randn(12, 6)])
    with torch.no_grad():
        y = model(x.values)
        filled = model(torch.where(x.mask[..., None], x.values, 1e3))
        alone = model(x.values[:1, :5])
    assert torch.equal(y[x.mask], filled[x.mask])
    torch.testing.assert_close(y[:1, :5], alone)


def test_dropout_is_for_training() -> None:
    model = TCN(6, 4, width=16, depth=2, dropout=0.5)
    x = torch.randn(1, 5, 6)
    assert not torch.equal(model.train()(x), model(x))
    assert torch.equal(model.eval()(x), model(x))


def test_with_a_first_pose_it_answers_from_its_own_place() -> None:
    model = lively(TCN(90, 45, width=16, depth=4, first_pose=True))
    actor = Sequences.pad([torch.randn(6, 45), torch.randn(3, 45)])
    reactor = actor.with_values(torch.randn(2, 6, 45))
    shift = torch.tensor([2.0, -1.0, 0.5]).repeat(15)
    moved = with_first_pose(
        actor.with_values(actor.values + shift), reactor.with_values(reactor.values + shift)
    )
    with torch.no_grad():
        y = model(with_first_pose(actor, reactor).values)
        there = model(moved.values)
    torch.testing.assert_close((there - y)[actor.mask], shift.expand(9, 45), atol=1e-4, rtol=0)
    # Moving the actor alone is another thing to see.
    nearer = with_first_pose(actor.with_values(actor.values + shift), reactor)
    assert (model(nearer.values) - y).abs().max() > 1e-2


@pytest.mark.parametrize(
    "change",
    [{"inputs": 0}, {"outputs": 0}, {"width": 0}, {"depth": 0}, {"kernel": 0}, {"dropout": 1.0},
     {"dropout": -0.1}],
    ids=str,
)  # fmt: skip
def test_sizes_that_make_no_network_are_refused(change: dict[str, float]) -> None:
    with refused("bad-setting", names=("TCN", *change)):
        TCN(**{"inputs": 6, "outputs": 4, **change})


def test_a_first_pose_needs_inputs_for_it() -> None:
    with refused("wrong-features", names=("45 inputs for 45 outputs", "with_first_pose")):
        TCN(45, 45, first_pose=True)
