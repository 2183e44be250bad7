"""DeepGRU: its published size, its causality, and its attention written out by hand."""

import pytest
import torch
from tests.errors import refused
from torch import Tensor, nn

from feint.models.deepgru import DeepGRU, DeepGRUClassifier, Encoder
from feint.models.inference import predict
from feint.sequences import Sequences

SMALL = (12, 10, 8)


def loud(model: nn.Module) -> nn.Module:
    """Weights three times as large, so that gates do more than halve."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3)
    return model.eval()


@pytest.fixture
def reactor() -> DeepGRU:
    torch.manual_seed(0)
    return loud(DeepGRU(6, 4, widths=SMALL))


@pytest.fixture
def classifier() -> DeepGRUClassifier:
    torch.manual_seed(0)
    model = loud(DeepGRUClassifier(6, 5, widths=SMALL, hidden=16))
    for part in model.modules():
        if isinstance(part, nn.BatchNorm1d):
            part.running_mean.normal_()
            part.running_var.uniform_(0.5, 2)
    return model


@pytest.fixture
def x() -> Sequences:
    generator = torch.Generator().manual_seed(1)
    return Sequences.pad([torch.randn(n, 6, generator=generator) for n in (5, 9, 1)])


def test_the_published_size() -> None:
    assert sum(p.numel() for p in DeepGRU(45, 45).parameters()) == 3_574_701


def gru_by_hand(gru: nn.GRU, layer: int, x: Tensor, hidden: Tensor) -> Tensor:
    """One layer of a GRU over (time, inputs), gate by gate; all hidden states."""
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    w_in, w_hidden, b_in, b_hidden = (getattr(gru, f"{name}_l{layer}") for name in names)
    states = []
    for frame in x:
        in_r, in_z, in_n = (w_in @ frame + b_in).chunk(3)
        of_r, of_z, of_n = (w_hidden @ hidden + b_hidden).chunk(3)
        reset, update = torch.sigmoid(in_r + of_r), torch.sigmoid(in_z + of_z)
        new = torch.tanh(in_n + reset * of_n)
        hidden = (1 - update) * new + update * hidden
        states.append(hidden)
    return torch.stack(states)


def encoder_by_hand(encoder: Encoder, x: Tensor) -> Tensor:
    for gru, layers in ((encoder.first, 2), (encoder.second, 2), (encoder.third, 1)):
        for layer in range(layers):
            x = gru_by_hand(gru, layer, x, torch.zeros(gru.hidden_size))
    return x


@torch.no_grad()
def test_the_reactor_is_five_grus_and_a_linear_layer(reactor: DeepGRU, x: Sequences) -> None:
    for got, sequence in zip(predict(reactor, x), x, strict=True):
        states = encoder_by_hand(reactor.encoder, sequence)
        want = states @ reactor.head.weight.T + reactor.head.bias
        torch.testing.assert_close(got, want, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_the_future_changes_nothing_bit_for_bit(reactor: DeepGRU) -> None:
    x = torch.randn(2, 12, 6)
    y = reactor(x)
    for t in range(11):
        other = x.clone()
        other[:, t + 1 :] = 100 * torch.randn(2, 11 - t, 6)
        changed = reactor(other)
        assert torch.equal(changed[:, : t + 1], y[:, : t + 1])
        assert not torch.equal(changed[:, t + 1], y[:, t + 1])


@torch.no_grad()
def test_padding_does_not_influence_own_frames(reactor: DeepGRU, x: Sequences) -> None:
    y = reactor(x.values)
    filled = reactor(torch.where(x.mask[..., None], x.values, 1e3))
    assert torch.equal(filled[x.mask], y[x.mask])
    torch.testing.assert_close(y[:1, :5], reactor(x.values[:1, :5]))


def test_gradients_flow_in_evaluation_mode(reactor: DeepGRU) -> None:
    x = torch.randn(1, 6, 6, requires_grad=True)
    reactor(x)[:, -1].sum().backward()
    assert (x.grad.abs().amax(dim=-1) > 0).all()


def published(model: DeepGRUClassifier, sequence: Tensor) -> Tensor:
    """Maghoumi and LaViola, equations 2 and 3: attention, its context through a GRU, two layers."""
    states = encoder_by_hand(model.encoder, sequence)
    last = states[-1]
    energies = torch.stack([last @ (model.attention.weight @ state) for state in states])
    weights = torch.exp(energies - energies.max())
    context = ((weights / weights.sum())[:, None] * states).sum(dim=0)
    refined = gru_by_hand(model.context, 0, context[None], last)[0]
    y = torch.cat([refined, context])
    for part in model.classifier:
        if isinstance(part, nn.BatchNorm1d):
            y = (y - part.running_mean) / (part.running_var + part.eps).sqrt()
            y = y * part.weight + part.bias
        elif isinstance(part, nn.Linear):
            y = part.weight @ y + part.bias
        elif isinstance(part, nn.ReLU):
            y = y.clamp_min(0)
    return y


@torch.no_grad()
def test_the_classifier_is_the_published_formula(
    classifier: DeepGRUClassifier, x: Sequences
) -> None:
    got = classifier(x.values, x.lengths)
    want = torch.stack([published(classifier, sequence) for sequence in x])
    assert want.std() > 0.1
    torch.testing.assert_close(got, want, rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_attention_does_not_see_the_padding(classifier: DeepGRUClassifier, x: Sequences) -> None:
    logits = classifier(x.values, x.lengths)
    filled = torch.where(x.mask[..., None], x.values, 1e3)
    assert torch.equal(classifier(filled, x.lengths), logits)
    longer = nn.functional.pad(x.values, (0, 0, 0, 7), value=-3.0)
    torch.testing.assert_close(classifier(longer, x.lengths), logits)
    torch.testing.assert_close(classifier(x.values[:1, :5], x.lengths[:1]), logits[:1])


@torch.no_grad()
def test_a_frame_less_is_another_question(classifier: DeepGRUClassifier, x: Sequences) -> None:
    logits = classifier(x.values, x.lengths)
    fewer = classifier(x.values, x.lengths - torch.tensor([1, 0, 0]))
    assert not torch.allclose(fewer[0], logits[0], atol=1e-3)
    assert torch.equal(fewer[1:], logits[1:])


@torch.no_grad()
def test_the_classifier_drops_out_in_training_only(
    classifier: DeepGRUClassifier, x: Sequences
) -> None:
    assert torch.equal(classifier(x.values, x.lengths), classifier(x.values, x.lengths))
    # In training mode copies of the same row differ by dropout alone.
    twice = classifier.train()(x.values[[0, 0, 1]], x.lengths[[0, 0, 1]])
    assert not torch.allclose(twice[0], twice[1])


@pytest.mark.parametrize("inputs, widths", [(0, SMALL), (6, (12, 0, 8)), (6, (12, 10, -1))])
def test_sizes_that_make_no_network_are_refused(inputs: int, widths: tuple[int, int, int]) -> None:
    with refused("bad-setting", names=("DeepGRU",)):
        DeepGRU(inputs, 4, widths=widths)
    with refused("bad-setting", names=("DeepGRU",)):
        DeepGRUClassifier(inputs, 4, widths=widths)
