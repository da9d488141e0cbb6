"""Moments of noisy directions: against closed forms, against sampling, and where there is no noise."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import i0e, i1e

import samdyn as sd
from samdyn.noise import direction_moments, direction_slope
from samdyn.ops import unit as unit_of

TILTED = np.array([[1.0, 0.6, 0.0], [0.6, 0.5, 0.1], [0.0, 0.1, 0.2]])
LENGTHS = np.concatenate([[0.0], np.logspace(-6, 6, 25)])  # |g|/σ


def along_first(lengths: np.ndarray, dim: int) -> torch.Tensor:
    g = torch.zeros(dim, len(lengths), dtype=torch.float64)
    g[0] = torch.as_tensor(lengths)
    return g


@pytest.mark.parametrize("sigma", [1e-8, 1.0, 30.0])
def test_one_dimension(sigma: float) -> None:
    """The mean sign is erf(g/σ√2), the mean length the folded normal's."""
    g = along_first(sigma * LENGTHS, 1)
    found = direction_moments(g, sigma**2)
    x = g[0] / sigma
    np.testing.assert_allclose(found.mean[0], torch.erf(x / math.sqrt(2)), rtol=0, atol=1e-11)
    np.testing.assert_allclose(found.second[0, 0], 1, rtol=1e-11)
    length = math.sqrt(2 / math.pi) * (-(x**2) / 2).exp() + x * torch.erf(x / math.sqrt(2))
    np.testing.assert_allclose(found.cross[0, 0] / sigma, length, rtol=1e-11)


def test_the_isotropic_plane() -> None:
    """E[u/‖u‖] = √(π/8) x e^(−x²/4) (I₀ + I₁)(x²/4), x = |g|/σ (von Mises' offset normal)."""
    found = direction_moments(along_first(LENGTHS, 2), 1.0)
    x = LENGTHS
    np.testing.assert_allclose(found.mean[0], math.sqrt(math.pi / 8) * x * (i0e(x**2 / 4) + i1e(x**2 / 4)), atol=1e-11)
    assert not found.mean[1].any()
    np.testing.assert_allclose(found.second[:, :, 0], np.eye(2) / 2, atol=1e-11)  # at g = 0 all directions are alike
    np.testing.assert_allclose(found.cross[:, :, 0], math.sqrt(math.pi / 8) * np.eye(2), atol=1e-11)


def test_identities() -> None:
    """tr E[uuᵀ]/‖u‖² = 1, also with singular noise; a covariance of the direction is positive semi-definite."""
    generator = np.random.default_rng(0)
    g = torch.as_tensor(generator.standard_normal((3, 50)) * np.logspace(-6, 6, 50))
    for covariance in (TILTED, np.diag([1.0, 0.0, 0.0]), np.diag([1.0, 1e-12, 0.3])):
        found = direction_moments(g, covariance)
        np.testing.assert_allclose(torch.einsum("iiN->N", found.second), 1, rtol=1e-10)
        spread = found.second - found.mean[:, None] * found.mean
        assert (torch.linalg.eigvalsh(spread.permute(2, 0, 1)) > -1e-10).all()


def test_large_gradients() -> None:
    """To first order in C/g²: E[u/‖u‖] = ĝ − (PCĝ + ½ tr(PC) ĝ)/g², P = I − ĝĝᵀ."""
    unit = torch.tensor([[2.0], [-1.0], [2.0]], dtype=torch.float64) / 3
    c, p = torch.as_tensor(TILTED), torch.eye(3, dtype=torch.float64) - unit @ unit.T
    first_order = unit - (p @ c @ unit + torch.trace(p @ c) / 2 * unit) / 1e6
    np.testing.assert_allclose(direction_moments(1e3 * unit, TILTED).mean, first_order, atol=1e-11)
    assert (unit - first_order).abs().max() > 1e-8


@pytest.mark.parametrize("covariance", [TILTED, np.diag([1.0, 0.0, 0.0]), 0.3], ids=["tilted", "singular", "isotropic"])
def test_as_sampled(covariance: Any) -> None:
    g = torch.tensor([[0.5, 0.0, 3.0], [-0.2, 0.0, 1.0], [0.1, 0.0, 0.0]], dtype=torch.float64)
    c = covariance * np.eye(3) if np.isscalar(covariance) else covariance
    found, count = direction_moments(g, covariance), 200_000
    for i in range(g.shape[1]):
        u = np.random.default_rng(i).multivariate_normal(g[:, i].numpy(), c, count).T
        unit = unit_of(torch.as_tensor(u)).numpy()
        samples = [unit, unit[:, None] * unit, unit[:, None] * u]
        for exact, sample in zip((found.mean, found.second, found.cross), samples, strict=True):
            error = sample.std(-1) / math.sqrt(count)
            assert (np.abs(sample.mean(-1) - exact[..., i].numpy()) < 4.5 * error + 1e-10).all()


def test_without_noise_it_is_the_direction() -> None:
    g = torch.tensor([[3.0, 0.0, 1e-200], [4.0, 0.0, 0.0]], dtype=torch.float64)
    found = direction_moments(g, 0.0)
    unit = torch.tensor([[0.6, 0.0, 1.0], [0.8, 0.0, 0.0]], dtype=torch.float64)
    np.testing.assert_allclose(found.mean, unit, atol=1e-11)
    np.testing.assert_allclose(found.second, unit[:, None] * unit, atol=1e-11)
    np.testing.assert_allclose(found.cross, unit[:, None] * g, atol=1e-10)


@pytest.mark.parametrize("covariance", [TILTED, np.diag([1.0, 1.0, 0.0]), 0.01])
def test_the_slope_is_that_of_the_mean_direction(covariance: Any) -> None:
    slope, basis = direction_slope(covariance, 3)
    moved = direction_moments(1e-6 * torch.eye(3, dtype=torch.float64), covariance).mean.numpy() / 1e-6
    np.testing.assert_allclose((basis * slope) @ basis.T, moved, rtol=1e-4, atol=1e-5)


def test_slopes_in_closed_form() -> None:
    """Isotropic: Γ((d+1)/2)/(√2 Γ(d/2+1))/s; by Stein's identity M C = E[ξξᵀ/‖ξ‖]; without smoothing it is infinite."""
    for d in (1, 2, 10, 1000):
        c_d = math.exp(math.lgamma((d + 1) / 2) - math.lgamma(d / 2 + 1)) / math.sqrt(2)
        np.testing.assert_allclose(direction_slope(0.25, d)[0], c_d / 0.5, rtol=1e-11)
    slope, basis = direction_slope(TILTED, 3)
    cross = direction_moments(torch.zeros(3, 1, dtype=torch.float64), TILTED).cross[..., 0].numpy()
    np.testing.assert_allclose((basis * slope) @ basis.T @ TILTED, cross, atol=1e-10)
    assert sorted(direction_slope(np.diag([4.0, 0.0]), 2)[0]) == pytest.approx([math.sqrt(2 / math.pi) / 2, math.inf])
    assert np.isinf(direction_slope(0.0, 2)[0]).all()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: direction_moments(torch.zeros(2, dtype=torch.float64), 1.0), r"has shape \(2,\)"),
        (lambda: direction_moments(torch.zeros(2, 1), 1.0), "dtype torch.float32"),
        (lambda: direction_moments(torch.zeros(2, 1, dtype=torch.float64), np.eye(3)), r"Give a matrix \(2, 2\)"),
        (lambda: direction_slope([[1, 2], [2, 1]], 2), "not positive semi-definite"),
    ],
)
def test_bad_input(wrong: Any, message: str) -> None:
    with pytest.raises(sd.InputError, match=message):
        wrong()


@pytest.mark.parametrize("tiny", [1e-320, 1e-300, 1e-250, 1e-201, 1e-150])
def test_noise_far_below_the_gradient_changes_nothing(tiny: float) -> None:
    g = torch.tensor([[3.0, 0.0], [-4.0, 0.0]], dtype=torch.float64)
    moments = direction_moments(g, tiny)
    np.testing.assert_allclose(moments.mean, [[0.6, 0.0], [-0.8, 0.0]], atol=1e-10)
    # Where there is no gradient every direction is as likely, however small the noise.
    np.testing.assert_allclose(moments.second[..., 0], [[0.36, -0.48], [-0.48, 0.64]], atol=1e-10)
    np.testing.assert_allclose(moments.second[..., 1], np.eye(2) / 2, atol=1e-10)
