"""The small causal transformer: what it computes, its derivatives, and what it refuses."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from samdyn import networks
from samdyn.checks import InputError
from samdyn.networks import models

V, T = 7, 6  # tokens of the vocabulary, and of a text


def small(**sizes: int) -> nn.Module:
    return models.gpt(**{"vocabulary": V, "context": T, "width": 8, "depth": 2, "heads": 2} | sizes)


def tokens(n: int = 5, length: int = T, vocabulary: int = V) -> torch.Tensor:
    return torch.randint(vocabulary, (n, length), generator=torch.Generator().manual_seed(4))


def away(net: nn.Module) -> nn.Module:
    """Move all parameters, so that biases, norms and residual layers have an effect."""
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for p in net.parameters():
            p += 0.3 * torch.randn(p.shape, generator=generator).to(p)
    return net


@torch.no_grad()
def test_outputs_depend_on_earlier_tokens_alone() -> None:
    net, x = away(small()).double(), tokens()
    before = net(x)
    for place in range(T):
        changed = x.clone()
        changed[:, place] = (x[:, place] + 1) % V
        moved = (net(changed) - before).abs().amax(-1)
        assert float(moved[:, :place].max() if place else 0) == 0  # the same numbers in, the same numbers out
        assert float(moved[:, place:].min()) > 1e-6  # all later positions attend to it


def test_it_computes_what_the_formulas_say() -> None:
    net, x = away(small(heads=4)).double(), tokens()
    weight = dict(net.named_parameters())

    def norm(x: torch.Tensor, name: str) -> torch.Tensor:
        centred = x - x.mean(-1, keepdim=True)
        unit = centred / (centred.square().mean(-1, keepdim=True) + 1e-5).sqrt()
        return unit * weight[f"{name}.weight"] + weight[f"{name}.bias"]

    def affine(x: torch.Tensor, name: str) -> torch.Tensor:
        return x @ weight[f"{name}.weight"].T + weight[f"{name}.bias"]

    h = weight["tokens.weight"][x] + weight["positions"]
    for block in ("blocks.0", "blocks.1"):
        query, key, value = affine(norm(h, f"{block}.before_attention"), f"{block}.query_key_value").split(8, -1)
        heads = []
        for columns in (slice(i, i + 2) for i in range(0, 8, 2)):
            scores = query[..., columns] @ key[..., columns].mT / math.sqrt(2)
            later = torch.ones(T, T, dtype=torch.bool).triu(1)
            heads.append(scores.masked_fill(later, -torch.inf).softmax(-1) @ value[..., columns])
        h = h + affine(torch.cat(heads, -1), f"{block}.project")
        z = affine(norm(h, f"{block}.before_layers"), f"{block}.up")
        h = h + affine(z * (1 + torch.erf(z / 2**0.5)) / 2, f"{block}.down")
    torch.testing.assert_close(net(x), norm(h, "norm") @ weight["logits.weight"].T, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("v", "t", "d", "depth"), [(V, T, 8, 2), (96, 64, 64, 4), (11, 3, 12, 1)])
def test_the_number_of_parameters(v: int, t: int, d: int, depth: int) -> None:
    net = models.gpt(v, t, d, depth, heads=4)
    expected = 2 * v * d + t * d + depth * (12 * d**2 + 13 * d) + 2 * d
    assert sum(p.numel() for p in net.parameters()) == expected


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@torch.no_grad()
def test_it_begins_at_the_loss_of_one_that_knows_nothing(dtype: torch.dtype) -> None:
    x = tokens(16, 65, 96)
    logits = models.gpt(96, 64).to(dtype)(x[:, :-1])
    assert logits.dtype == dtype
    # The logits have the variance 0.02² · 64 = 0.026, of which half is above the log 96 of equal logits.
    assert abs(float(models.next_token_loss(logits, x[:, 1:])) - math.log(96)) < 0.03


def test_residual_layers_are_smaller_the_deeper_the_network() -> None:
    for depth in (1, 9):
        for block in models.gpt(V, T, 64, depth).blocks:
            for layer, std in ((block.project, 0.02 / (2 * depth) ** 0.5), (block.up, 0.02)):
                assert abs(float(layer.weight.detach().std()) / std - 1) < 0.05  # its standard error is 0.011
                assert not layer.bias.any()


def test_the_loss_is_the_mean_over_texts_and_positions() -> None:
    logits, targets = torch.randn(5, T, V, generator=torch.Generator().manual_seed(1)), tokens()
    each = -logits.log_softmax(-1).gather(-1, targets[..., None])
    torch.testing.assert_close(models.next_token_loss(logits, targets), each.mean())


def test_derivatives_of_many_networks_are_those_of_differences() -> None:
    x = tokens(4, T + 1)
    net = away(small()).double()
    landscape = networks.Network(net, models.next_token_loss, x[:, :-1], x[:, 1:])
    w = landscape.vector(away(small(seed=i)) for i in range(2)).T
    v = torch.randn(w.shape, generator=torch.Generator().manual_seed(2), dtype=w.dtype)
    slope, product = landscape.grad(w), landscape.grad.hvp(w, v)
    landscape.load(net, w[:, 0])
    models.next_token_loss(net(x[:, :-1]), x[:, 1:]).backward()  # with torch's fused attention
    torch.testing.assert_close(slope[:, 0], nn.utils.parameters_to_vector([p.grad for p in net.parameters()]))
    # Central differences: errors of h² times a third derivative, and of rounding over h, below 1e-8 of the size.
    h = 1e-5
    rise = (landscape.value(w + h * v) - landscape.value(w - h * v)) / (2 * h)
    torch.testing.assert_close((slope * v).sum(0), rise, rtol=1e-7, atol=0)
    difference = (landscape.grad(w + h * v) - landscape.grad(w - h * v)) / (2 * h)
    for i in range(2):
        size = float(difference[:, i].abs().max())
        for found in (product[:, i], landscape.hvp_at(w[:, i])(v[:, i])):
            torch.testing.assert_close(found, difference[:, i], rtol=0, atol=1e-7 * size)


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: small(vocabulary=1), "vocabulary = 1: leaves nothing"),
        (lambda: small(vocabulary=0), "vocabulary = 0"),
        (lambda: small(context=0), "context = 0"),
        (lambda: small(width=0), "width = 0"),
        (lambda: small(depth=0), "depth = 0"),
        (lambda: small(heads=0), "heads = 0"),
        (lambda: small(heads=3), "heads = 3: must divide the width 8"),
        (lambda: small(seed=-1), "seed = -1"),
        (lambda: small()(tokens(length=T + 1)), "tokens = 7: is more in a text than the context of 6"),
        (lambda: small()(tokens()[0]), r"tokens = '\(6,\) torch.int64'"),
        (lambda: small()(tokens().float()), r"tokens = '\(5, 6\) torch.float32'"),
    ],
)
def test_what_is_no_transformer_is_refused(make: Callable[[], Any], named: str) -> None:
    with pytest.raises(InputError, match=named):
        make()
