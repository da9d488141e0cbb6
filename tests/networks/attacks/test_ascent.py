"""FGSM and PGD against closed forms, against a plain loop, and inside their ball."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy, mse_loss

import samdyn as sd
from samdyn.networks import Network, attacks, models

INPUTS = torch.randn(6, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
CLASS = torch.tensor([0, 1, 2, 2, 1, 0])
EPS = 0.3


def input_loss(model: nn.Module, criterion: Any = cross_entropy, targets: torch.Tensor = CLASS) -> attacks.InputLoss:
    network = Network(model, criterion, INPUTS, targets)
    return attacks.InputLoss(network, network.vector(model), INPUTS, targets)


LINEAR = models.mlp((4, 3)).double()  # its loss in x is a softmax of affine functions
DEEP = models.mlp((4, 8, 8, 3), activation="tanh", scale=3.0).double()
QUADRATIC = models.mlp((4, 1), seed=1).double()  # its loss (ax + b)² is convex in x: it rises most along ±a
A, B = QUADRATIC[0].weight.detach()[0], QUADRATIC[0].bias.detach()
HEIGHTS = (INPUTS @ A + B)[:, None]


def test_fgsm_on_a_linear_network() -> None:
    """The gradient is Wᵀ(p − e), p the probabilities and e the unit vector of the class."""
    weight = LINEAR[0].weight.detach()
    p = torch.softmax(LINEAR(INPUTS).detach(), -1)
    gradient = (p - torch.eye(3, dtype=torch.float64)[CLASS]) @ weight
    loss = input_loss(LINEAR)
    torch.testing.assert_close(attacks.fgsm(loss, EPS), INPUTS + EPS * gradient.sign())
    along = gradient / gradient.norm(dim=1, keepdim=True)
    torch.testing.assert_close(attacks.fgsm(loss, EPS, norm="l2"), INPUTS + EPS * along)


def test_pgd_on_a_quadratic_loss() -> None:
    """It ends where the loss is largest on the ball, as (|ax + b| + ε‖a‖)² with the dual norm of a is."""
    loss = input_loss(QUADRATIC, mse_loss, torch.zeros(6, 1, dtype=torch.float64))
    for norm, step in (("linf", EPS * A.sign()), ("l2", EPS * A / A.norm())):
        there = attacks.pgd(loss, EPS, norm=norm)
        torch.testing.assert_close(there, INPUTS + HEIGHTS.sign() * step)
        torch.testing.assert_close(loss.value(there.T), (HEIGHTS[:, 0].abs() + step @ A) ** 2)


def test_pgd_before_it_reaches_the_boundary() -> None:
    loss = input_loss(QUADRATIC, mse_loss, torch.zeros(6, 1, dtype=torch.float64))
    there = attacks.pgd(loss, EPS, steps=3, step_size=0.02)
    torch.testing.assert_close(there, INPUTS + HEIGHTS.sign() * 0.06 * A.sign())


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("noise", [None, attacks.AdditiveNoise(0.2, pairs=3)])
def test_it_stays_in_the_ball_and_in_the_bounds(norm: str, noise: attacks.AdditiveNoise | None) -> None:
    loss, bounds = input_loss(DEEP), (float(INPUTS.min()), float(INPUTS.max()))
    for bound in (None, bounds):
        delta = attacks.pgd(loss, EPS, step_size=0.2, norm=norm, bounds=bound, noise=noise) - INPUTS
        sizes = delta.abs().amax(1) if norm == "linf" else delta.norm(dim=1)
        assert (sizes <= EPS * (1 + 1e-12)).all()
        assert (sizes > 0).all()
        if bound:
            assert (INPUTS + delta).min() >= bounds[0]
            assert (INPUTS + delta).max() <= bounds[1]


def test_one_step_in_l2_is_the_ascent_of_sam() -> None:
    loss = input_loss(DEEP)
    torch.testing.assert_close(attacks.fgsm(loss, EPS, norm="l2").T, sd.SAM(EPS).perturbed(loss.x, loss.grad))


def test_one_step_of_pgd_is_fgsm() -> None:
    loss = input_loss(DEEP)
    for norm in ("linf", "l2"):  # a longer step ends on the same point of the ball, or near it by rounding
        one = attacks.fgsm(loss, EPS, norm=norm)
        torch.testing.assert_close(attacks.pgd(loss, EPS, steps=1, norm=norm), one)
    assert torch.equal(attacks.fgsm(loss, 0), INPUTS)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_it_agrees_with_a_loop_over_samples(norm: str) -> None:
    """Written here, of torch alone."""
    there = attacks.pgd(input_loss(DEEP), EPS, steps=7, norm=norm)
    for x0, target, end in zip(INPUTS, CLASS, there, strict=True):
        x = x0.clone()
        for _ in range(7):
            x.requires_grad_()
            cross_entropy(DEEP(x[None]), target[None]).backward()
            g = x.grad.sign() if norm == "linf" else x.grad / x.grad.norm()
            delta = x.detach() + 2.5 * EPS / 7 * g - x0
            delta = delta.clamp(-EPS, EPS) if norm == "linf" else delta / max(1.0, float(delta.norm()) / EPS)
            x = x0 + delta
        torch.testing.assert_close(end, x)


@pytest.mark.parametrize("noise", [None, attacks.AdditiveNoise(0.2, pairs=3)])
def test_a_sample_is_the_same_in_every_batch(noise: attacks.AdditiveNoise | None) -> None:
    loss, part = input_loss(DEEP), torch.tensor([4, 1])
    own = attacks.InputLoss(loss.network, loss.w, INPUTS[part], CLASS[part], runs=part)
    torch.testing.assert_close(attacks.pgd(own, EPS, noise=noise), attacks.pgd(loss, EPS, noise=noise)[part])


def test_a_flat_loss_leaves_the_input() -> None:
    flat = models.mlp((4, 3), scale=0.0).double()
    for norm in ("linf", "l2"):
        assert torch.equal(attacks.pgd(input_loss(flat), EPS, norm=norm), INPUTS)


def test_fooling_rate() -> None:
    """Of two networks that see the sign of the first feature, one the other way round."""
    network = Network(models.deep_linear((1, 2)), cross_entropy, torch.ones(1, 1), torch.ones(1, dtype=torch.long))
    w = torch.tensor([[-1.0, 1.0, 0.0], [1.0, -1.0, 0.0]])
    x, classes = torch.tensor([[1.0], [2.0], [-1.0], [0.5]]), torch.tensor([1, 1, 1, 1])
    rates = attacks.fooling_rate(network, w, x, torch.tensor([[-1.0], [2.0], [1.0], [-0.5]]), classes)
    assert rates[:2].tolist() == [pytest.approx(2 / 3), 1.0]
    assert rates[2].isnan()  # the third is never right, so there is nothing to fool
    with pytest.raises(sd.InputError, match=r"perturbed = \(3, 1\): the inputs are \(4, 1\)"):
        attacks.fooling_rate(network, w, x, x[1:], classes)
    with pytest.raises(sd.InputError, match=r"must be a class for each"):
        attacks.fooling_rate(network, w, x, x, classes[1:])


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"eps": -0.1}, "eps = -0.1: must be a finite number >= 0"),
        ({"eps": float("inf")}, "eps = inf: must be a finite number >= 0"),
        ({"steps": 0}, "steps = 0: must be an integer >= 1"),
        ({"step_size": 0.0}, "step_size = 0.0: must be a finite number > 0"),
        ({"norm": "l1"}, "norm = 'l1': must be one of 'linf', 'l2'"),
        ({"bounds": (1.0, -1.0)}, "must be finite with low < high"),
        ({"bounds": (0.0, 9.0)}, "exclude inputs, which lie between"),
        ({"noise": 0.1}, "noise = 0.1: must be an AdditiveNoise"),
    ],
)
def test_bad_input(keywords: dict[str, Any], message: str) -> None:
    calls: list[Callable[..., object]] = [attacks.pgd]
    calls += [] if {"steps", "step_size"} & set(keywords) else [attacks.fgsm]
    for call in calls:
        with pytest.raises(sd.InputError, match=re.escape(message)):
            call(input_loss(LINEAR), **{"eps": 0.1, **keywords})
