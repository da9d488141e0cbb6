"""Means over Gaussian noise: quadrature against closed forms, and against simulated steps."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import erf, ive

import samdyn as sd
from samdyn.noise.expectation import Expectation, jumps
from samdyn.noise.quadrature import hermite, polar
from samdyn.ops import unit

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


@pytest.mark.parametrize("away", [0.0, 0.3, 2.0, 6.4, 6.6, 50.0, 1e5, 1e9, 1e20])
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
    mean, covariance = (part[..., 0].numpy() for part in Expectation(source, method, jumps(source, method))(w))
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
    mean, covariance = Expectation(sd.noise.Gaussian(0.3).on(quadratic), sd.USAM(0.4), False)(
        torch.ones(20, 3).double()
    )
    factor = 1 + 0.4 * eigenvalues
    np.testing.assert_allclose(mean, (eigenvalues * factor)[:, None].repeat(3, 1), atol=1e-12)
    np.testing.assert_allclose(covariance[..., 0], np.diag(0.3 * factor**2), atol=1e-12)


@pytest.mark.parametrize("coupling", ["shared", "independent", "clean"])
def test_as_another_quadrature_has_it(coupling: str) -> None:
    """SAM on quadratics: polar nodes against an integral over log s, of 1/‖u‖ as a sum of Gaussians."""
    quadratic = sd.landscapes.quadratic([1.0, -2.0], rotation=0.4)
    w = torch.randn(2, 30, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * torch.logspace(-3, 2, 30)
    law = Expectation(sd.noise.Gaussian(COVARIANCE, coupling=coupling).on(quadratic), sd.SAM(0.3), coupling != "clean")
    mean, covariance = sd.theory.mean_step(w, quadratic.matrix, COVARIANCE, 0.3, coupling)
    torch.testing.assert_close(law(w)[0], mean, rtol=1e-7, atol=1e-7)
    torch.testing.assert_close(law(w)[1].expand_as(covariance), covariance, rtol=1e-7, atol=1e-7)


def test_points_in_blocks_give_the_same_bits() -> None:
    source = sd.noise.Gaussian(COVARIANCE).on(BEALE)
    w = torch.randn(2, 3000, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) / 2 + 1
    for method in (sd.SAM(0.1), sd.USAM(0.01)):
        law = Expectation(source, method, jumps(source, method))
        together = law(w)
        for first in (0, 1234):
            for number in (*range(1, 34), 66):
                part = slice(first, first + number)
                for a, b in zip(law(w[:, part]), together, strict=True):
                    assert (a == b[..., part]).all()


@pytest.mark.parametrize(
    ("method", "at_zero"),
    [
        (sd.GD(), False), (sd.USAM(0.1), False), (sd.UASAM(0.1), False), (sd.ExactSAM(0.1), False),
        (sd.DNSAM(0.1), False), (sd.SAM(0.1), True), (sd.ASAM(0.1), True), (sd.SAM(0.0), False),
    ],
    ids=str,
)  # fmt: skip
def test_which_methods_jump(method: sd.Method, at_zero: bool) -> None:
    assert jumps(sd.noise.Gaussian(1.0).on(BEALE), method) == at_zero
    assert not jumps(sd.noise.Gaussian(1.0, coupling="clean").on(BEALE), method)


@pytest.mark.parametrize(
    "formula", ["x**2/2 + 10*exp(-20*(x - 3)**2)", "Max(x - 100, 0)**2/2 + x**2/2", "x**4/1e14", "abs(x - 200)"]
)
def test_what_is_not_quadratic_is_not_taken_for_it(formula: str) -> None:
    """However little of it is curved: a bump, a kink far out, a small coefficient."""
    landscape = sd.Landscape(formula, "x")
    w = as_tensor([2.9, 150.0, 300.0])
    mean, covariance = Expectation(sd.noise.Gaussian(0.3).on(landscape), sd.GD(), False)(w)
    torch.testing.assert_close(mean, landscape.grad(w), rtol=1e-9, atol=1e-16)  # beside noise of 0.5
    torch.testing.assert_close(covariance, torch.full_like(covariance, 0.3), rtol=1e-9, atol=0)
    with pytest.raises(sd.InputError, match="is not linear"):
        sd.analysis.linear_step(sd.Map(landscape, sd.GD(), lr=0.1, noise=sd.noise.Gaussian(0.3)))


def test_noise_that_is_only_added_needs_no_quadrature() -> None:
    """In 7 dimensions, and in 32 micro-batches: the covariance is what was given."""
    curved = sd.Landscape(" + ".join(f"{s}**4" for s in "abcdefg"), "a b c d e f g")
    w = torch.rand(7, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    for method, coupling in ((sd.GD(), "shared"), (sd.SAM(0.1), "clean")):
        source = sd.noise.Gaussian(0.3, coupling=coupling).on(curved)
        mean, covariance = Expectation(source, method, jumps(source, method))(w)
        torch.testing.assert_close(mean, method(w, curved.grad), rtol=1e-9, atol=1e-12)
        torch.testing.assert_close(covariance, 0.3 * torch.eye(7).double()[..., None].expand(7, 7, 3))
    noise = sd.noise.Fisher((3, 0.5), 16, micro_batch=1)
    of_k23 = sd.Diffusion(BEALE, sd.USAM(0.01), noise, lr=0.1, model="fisher").law(as_tensor([1.0], [1.0]))[1]
    torch.testing.assert_close(of_k23[..., 0], BEALE.hessian([3.0, 0.5]) / 16)


def test_no_noise_at_all() -> None:
    w = as_tensor([0.3], [0.2])
    mean, covariance = sd.Diffusion(BEALE, sd.SAM(0.1), sd.noise.Gaussian(0.0), lr=0.1).law(w)
    torch.testing.assert_close(mean, sd.SAM(0.1)(w, BEALE.grad))
    assert not covariance.any()


@pytest.mark.parametrize(
    ("noise", "method", "message"),
    [
        (sd.noise.Gaussian([[1.0, 1.0], [1.0, 1.0]]), sd.SAM(0.1), "of rank 1"),
        (sd.noise.Gaussian(1.0), sd.SAM(0.1, ascent_steps=2), "normalises noisy gradients more than once"),
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


def test_what_jumps_twice_is_refused() -> None:
    """A step of unit length: where two gradients are noisy, the second is normalised too."""
    source = sd.noise.Gaussian(1.0, coupling="independent").on(BEALE)
    with pytest.raises(sd.InputError, match="not affine in the noise of the next one"):
        Expectation(source, lambda w, grad: unit(sd.SAM(0.1)(w, grad)), True)
