"""Means over Gaussian noise: quadrature against closed forms, and against simulated steps."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import erf, ive

import samdyn as sd
from samdyn.noise.expectation import Expectation, is_smooth
from samdyn.noise.quadrature import hermite, polar

BEALE = sd.landscapes.beale()
COVARIANCE = [[0.5, 0.2], [0.2, 0.3]]


def as_tensor(*rows: Any) -> torch.Tensor:
    return torch.tensor(rows, dtype=torch.float64)


@pytest.mark.parametrize("dims", [0, 1, 2, 6])
def test_hermite_is_exact_for_polynomials(dims: int) -> None:
    z, p = hermite(dims)
    assert z.shape == (dims, len(p))
    assert float(p.sum()) == pytest.approx(1, rel=1e-12)
    for i in range(dims):
        for power, moment in ((1, 0), (2, 1), (4, 3), (8, 105)):
            assert float((p * z[i] ** power).sum()) == pytest.approx(moment, rel=1e-10, abs=1e-12)
    if dims > 1:
        assert float((p * z[0] ** 2 * z[1] ** 4).sum()) == pytest.approx(3, rel=1e-10)


@pytest.mark.parametrize("away", [0.0, 0.3, 2.0, 6.4, 6.6, 50.0, 1e5])
def test_polar_on_a_line(away: float) -> None:
    """E sign(z − c) = −erf(c/√2), where nodes of Gauss and Hermite are wrong by percents."""
    z, p = polar(as_tensor([away]))
    assert float((p * torch.sign(z[0] - away)).sum()) == pytest.approx(-erf(away / math.sqrt(2)), abs=1e-9)
    assert float((p * z[0] ** 2).sum()) == pytest.approx(1, abs=1e-7)
    if away == 0.3:
        x, q = hermite(1)
        assert abs(float((q * torch.sign(x[0] - away)).sum()) + erf(away / math.sqrt(2))) > 0.01


@pytest.mark.parametrize("away", [0.0, 0.3, 2.0, 6.4, 6.6, 30.0])
@pytest.mark.parametrize("angle", [0.0, 2.5])
def test_polar_in_the_plane(away: float, angle: float) -> None:
    """E u/‖u‖ for u ~ N(m, I) is √(π/8) e^(−q)(I₀ + I₁)(q) m, q = ‖m‖²/4: Bessel functions."""
    c = away * as_tensor(math.cos(angle), math.sin(angle))
    z, p = polar(c[:, None])
    u = z - c[:, None, None]
    mean = (u / u.norm(dim=0) * p).sum(-1)[:, 0]
    q = away**2 / 4
    expected = -math.sqrt(math.pi / 8) * (ive(0, q) + ive(1, q)) * c
    torch.testing.assert_close(mean, expected, rtol=0, atol=1e-8)
    assert float((p * z[0] * z[1]).sum()) == pytest.approx(0, abs=1e-7)


@pytest.mark.parametrize("coupling", ["shared", "independent", "clean"])
@pytest.mark.parametrize("method", [sd.USAM(0.02), sd.SAM(0.2), sd.DNSAM(0.2), sd.ExactSAM(0.01)], ids=str)
def test_as_simulated(method: sd.Method, coupling: str) -> None:
    """Curved loss, correlated noise; at (0.1, 1) the gradient is about as large as the noise."""
    noise, runs = sd.noise.Gaussian(COVARIANCE, coupling=coupling), 40_000
    source = noise.on(BEALE)
    w = as_tensor([0.1], [1.0])
    mean, covariance = (part[..., 0].numpy() for part in Expectation(source, method, is_smooth(source, method))(w))
    ends = sd.simulate(sd.Map(BEALE, method, lr=1.0, noise=noise), [(0.1, 1.0)] * runs, 1).w.values[:, -1]
    f = w[:, 0].numpy() - ends
    off = f - f.mean(0)
    assert (np.abs(f.mean(0) - mean) < 4.5 * off.std(0) / np.sqrt(runs)).all()
    products = off[:, :, None] * off[:, None]
    assert (np.abs(products.mean(0) - covariance) < 4.5 * products.std(0) / np.sqrt(runs)).all()


def test_in_closed_form_where_affine() -> None:
    """On a quadratic in 20 dimensions, where no quadrature would do: USAM's noise is pulled through I + ρH."""
    eigenvalues = np.linspace(-1, 2, 20)
    quadratic = sd.landscapes.quadratic(eigenvalues)
    mean, covariance = Expectation(sd.noise.Gaussian(0.3).on(quadratic), sd.USAM(0.4), True)(torch.ones(20, 3).double())
    factor = 1 + 0.4 * eigenvalues
    np.testing.assert_allclose(mean, (eigenvalues * factor)[:, None].repeat(3, 1), atol=1e-12)
    np.testing.assert_allclose(covariance[..., 0], np.diag(0.3 * factor**2), atol=1e-12)


@pytest.mark.parametrize("coupling", ["shared", "independent", "clean"])
def test_as_another_quadrature_has_it(coupling: str) -> None:
    """SAM on quadratics: polar nodes against an integral over log s, of 1/‖u‖ as a sum of Gaussians."""
    quadratic = sd.landscapes.quadratic([1.0, -2.0], rotation=0.4)
    w = torch.randn(2, 30, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * torch.logspace(-3, 2, 30)
    law = Expectation(sd.noise.Gaussian(COVARIANCE, coupling=coupling).on(quadratic), sd.SAM(0.3), coupling == "clean")
    mean, covariance = sd.theory.mean_step(w, quadratic.matrix, COVARIANCE, 0.3, coupling)
    torch.testing.assert_close(law(w)[0], mean, rtol=1e-7, atol=1e-7)
    torch.testing.assert_close(law(w)[1].expand_as(covariance), covariance, rtol=1e-7, atol=1e-7)


def test_points_in_blocks_give_the_same_bits() -> None:
    source = sd.noise.Gaussian(COVARIANCE).on(BEALE)
    w = torch.randn(2, 3000, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) / 2 + 1
    for method in (sd.SAM(0.1), sd.USAM(0.01)):
        law = Expectation(source, method, is_smooth(source, method))
        together = law(w)
        for part in (slice(0, 1), slice(1234, 1300)):
            for a, b in zip(law(w[:, part]), together, strict=True):
                assert (a == b[..., part]).all()


@pytest.mark.parametrize(
    ("method", "smooth"),
    [
        (sd.GD(), True), (sd.USAM(0.1), True), (sd.UASAM(0.1), True), (sd.ExactSAM(0.1), True), (sd.DNSAM(0.1), True),
        (sd.SAM(0.1), False), (sd.ASAM(0.1), False), (sd.SAM(0.0), True),
    ],
    ids=str,
)  # fmt: skip
def test_which_methods_jump(method: sd.Method, smooth: bool) -> None:
    assert is_smooth(sd.noise.Gaussian(1.0).on(BEALE), method) == smooth
    assert is_smooth(sd.noise.Gaussian(1.0, coupling="clean").on(BEALE), method)


@pytest.mark.parametrize(
    ("noise", "method", "message"),
    [
        (sd.noise.Gaussian([[1.0, 1.0], [1.0, 1.0]]), sd.SAM(0.1), "of rank 1"),
        (sd.noise.Gaussian(1.0, coupling="independent"), sd.SAM(0.1, ascent_steps=2), "3 draw"),
        (sd.noise.Fisher((3, 0.5), 8, micro_batch=2), sd.SAM(0.1), "4 micro-batch"),
        (sd.noise.Fisher((3, 0.5), 8, micro_batch=1), sd.USAM(0.1), "Gaussian quadrature in 16 dimensions"),
    ],
)
def test_too_many_dimensions(noise: sd.noise.Noise, method: sd.Method, message: str) -> None:
    with pytest.raises(sd.InputError, match=message):
        sd.Diffusion(BEALE, method, noise, lr=0.01)
    in_space = sd.Landscape("x**2 - y**2 + z**4", "x y z")
    with pytest.raises(sd.InputError, match=r"in 3 dimension\(s\)"):
        sd.Diffusion(in_space, sd.SAM(0.1), sd.noise.Gaussian(1.0), lr=0.01)
