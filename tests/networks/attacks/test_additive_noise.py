"""The mean over noise on the input against exact expectations, and to which order its expansion holds."""

import re
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy, mse_loss

import samdyn as sd
from samdyn.networks import Network, attacks, models

INPUTS = torch.randn(5, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
CLASS = torch.tensor([0, 1, 1, 0, 1])
NODES = 24  # of Gauss and Hermite's rule along each axis: its error is that of rounding here


def input_loss(criterion: Any, *widths: int, features: int = 3) -> attacks.InputLoss:
    model, inputs = models.mlp((features, *widths), activation="tanh", scale=2.0).double(), INPUTS[:, :features]
    targets = CLASS if criterion is cross_entropy else torch.ones(5, widths[-1], dtype=torch.float64)
    network = Network(model, criterion, inputs, targets)
    return attacks.InputLoss(network, network.vector(model), inputs, targets)


def exact(function: Any, x: torch.Tensor, sigma: float) -> torch.Tensor:
    """Return the mean of a function of points over noise on x ``(2, n)``, by quadrature."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    grid = torch.as_tensor(np.stack(np.meshgrid(nodes, nodes)).reshape(2, -1))
    weight = torch.as_tensor(np.outer(weights, weights).ravel() / weights.sum() ** 2)
    return (function(x[..., None] + sigma * grid[:, None, :]) * weight).sum(-1)


def test_the_mean_of_a_quadratic_loss() -> None:
    """E is ℓ + (σ²/2) tr ∇²ℓ without a remainder, and the mean gradient that of ℓ."""
    loss, noise = input_loss(mse_loss, 2), attacks.AdditiveNoise(0.7, pairs=2000)
    mean, error = noise.mean_loss(loss, loss.x)
    expected = loss.value(loss.x) + 0.7**2 / 2 * attacks.laplacian(loss, loss.x)
    assert ((mean - expected).abs() < 4 * error).all()
    # The curvature is the same everywhere, so its noise is the only one: a pair's has a relative spread of √2 or less.
    assert (error < 0.05 * (expected - loss.value(loss.x))).all()
    torch.testing.assert_close(noise.oracle(loss)(loss.x), loss.grad(loss.x))
    torch.testing.assert_close(noise.oracle(loss).hvp(loss.x, loss.x), loss.grad.hvp(loss.x, loss.x))


def test_the_mean_of_a_network() -> None:
    loss, noise = input_loss(cross_entropy, 6, 2, features=2), attacks.AdditiveNoise(0.5, pairs=4000)
    mean, error = noise.mean_loss(loss, loss.x)
    assert ((mean - exact(loss.value, loss.x, 0.5)).abs() < 4 * error).all()
    points = noise._around(loss, loss.x, 0)
    assert torch.allclose(points.mean(-1), loss.x, atol=1e-12)
    torch.testing.assert_close(points.std(-1), torch.full_like(loss.x, 0.5), rtol=0.05, atol=0)  # 4/√8000
    slopes = loss.grad(points)
    spread = slopes.unflatten(-1, (2, -1)).mean(-2).std(-1) / 4000**0.5
    mean_slope = exact(loss.grad, loss.x, 0.5)
    assert ((noise.oracle(loss)(loss.x) - mean_slope).abs() < 4 * spread).all()


def test_the_expansion_is_of_second_order() -> None:
    """E ℓ(x + ξ) − ℓ − (σ²/2) tr ∇²ℓ falls as σ⁴."""
    loss, sigmas = input_loss(cross_entropy, 6, 2, features=2), np.array([0.02, 0.04, 0.08])
    trace = attacks.laplacian(loss, loss.x)
    rests = [exact(loss.value, loss.x, s) - loss.value(loss.x) - s**2 / 2 * trace for s in sigmas]
    slopes = np.polyfit(np.log(sigmas), torch.stack(rests).abs().log().numpy(), 1)[0]
    np.testing.assert_allclose(slopes, 4, atol=0.1)  # the next order is σ⁶: a fraction σ² of some units of ∇⁶ℓ/∇⁴ℓ


def test_noise_is_a_function_of_seed_sample_step_and_pair() -> None:
    loss, noise = input_loss(cross_entropy, 6, 2), attacks.AdditiveNoise(0.5, pairs=2, seed=3)
    here = noise._around(loss, loss.x, 1)
    more = attacks.AdditiveNoise(0.5, pairs=4, seed=3)._around(loss, loss.x, 1)
    assert torch.equal(here[..., :2], more[..., :2])
    part = attacks.InputLoss(loss.network, loss.w, loss.x.T[2:4], CLASS[2:4], runs=[2, 3])
    assert torch.equal(noise._around(part, part.x, 1), here[:, 2:4])
    others = [attacks.AdditiveNoise(0.5, pairs=2, seed=4)._around(loss, loss.x, 1), noise._around(loss, loss.x, 2)]
    assert all(not (other == here).any() for other in others)
    xi = sd.noise.normals(3, torch.arange(5), 1, 0, 6)[3:]
    torch.testing.assert_close(here[..., 1], loss.x + 0.5 * xi)
    torch.testing.assert_close(here[..., 3], loss.x - 0.5 * xi)


def test_more_pairs_than_one_draw_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("samdyn.networks.attacks.additive_noise.NUMBERS", 7)  # two pairs of three features
    loss = input_loss(cross_entropy, 6, 2)
    few, many = (attacks.AdditiveNoise(0.5, pairs=pairs)._around(loss, loss.x, 0) for pairs in (3, 5))
    assert torch.equal(few[..., :3], many[..., :3])
    torch.testing.assert_close(many[..., 4], loss.x + 0.5 * sd.noise.normals(0, torch.arange(5), 0, 2, 3))


def test_no_noise_changes_nothing() -> None:
    loss, none = input_loss(cross_entropy, 6, 2), attacks.AdditiveNoise(0.0, pairs=1)
    torch.testing.assert_close(attacks.pgd(loss, 0.1, noise=none), attacks.pgd(loss, 0.1))
    mean, error = none.mean_loss(loss, loss.x)
    torch.testing.assert_close(mean, loss.value(loss.x))
    assert error.isnan().all()


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"sigma": -0.1}, "sigma = -0.1: must be a finite number >= 0"),
        ({"pairs": 0}, "pairs = 0: must be an integer >= 1"),
        ({"pairs": 1.5}, "pairs = 1.5: must be an integer >= 1"),
        ({"seed": -1}, "seed = -1: must be an integer in [0, 2**32)"),
    ],
)
def test_bad_input(keywords: dict[str, Any], message: str) -> None:
    with pytest.raises(sd.InputError, match=re.escape(message)):
        attacks.AdditiveNoise(**{"sigma": 0.1, "pairs": 2, **keywords})
