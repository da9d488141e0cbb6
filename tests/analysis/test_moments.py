"""Exact moments: against closed forms of one coordinate, and against simulated ensembles."""

from typing import Any

import numpy as np
import pytest

import samdyn as sd
from samdyn.analysis import linear_step

UNIT = sd.Landscape("x**2/2 - y**2/2", "x y", box=((-3, 3), (-3, 3)), name="unit saddle")
TILTED = sd.Landscape("x**2 + x*y + y**2 - x", "x y", box=((-3, 3), (-3, 3)), name="tilted bowl")
LR, RHO, BATCH, STEPS = 0.01, 0.5, 16, 100


@pytest.mark.parametrize(
    ("method", "coupling", "drift", "noise", "told"),
    [
        (sd.GD(), "shared", 1.0, 1.0, 1.97e-3),
        (sd.USAM(RHO), "shared", 0.5, 0.25, 2.67e-4),
        (sd.USAM(RHO), "independent", 0.5, 1.25, 1.34e-3),
        (sd.USAM(RHO), "clean", 0.5, 1.0, 1.07e-3),
    ],
)
def test_closed_forms(method: sd.Method, coupling: str, drift: float, noise: float, told: float) -> None:
    """theory.md 13, at λ = −1: drift λ(1 + ρλ), and the noise of each coupling."""
    map_ = sd.Map(UNIT, method, lr=LR, noise=sd.noise.Fisher((0, 0), BATCH, coupling=coupling))
    mean, covariance = linear_step(map_).moments((0.2, 0.1), STEPS)
    q = 1 + LR * drift
    assert mean[:, 1] == pytest.approx(0.1 * q ** np.arange(STEPS + 1), rel=1e-12)
    expected = LR**2 * noise / BATCH * (q ** (2 * np.arange(STEPS + 1)) - 1) / (q**2 - 1)
    assert covariance[:, 1, 1] == pytest.approx(expected, rel=1e-10)
    assert covariance[-1, 1, 1] == pytest.approx(told, rel=0.01)
    assert (covariance[:, 0, 1] == 0).all()


@pytest.mark.parametrize("lam", [0.5, 2.0])
def test_stationary_variance_of_shared_usam(lam: float) -> None:
    """ηC(1 + ρλ)/(λ(2 − ηλ(1 + ρλ)))  [theory.md 17]."""
    landscape = sd.landscapes.quadratic([lam])
    map_ = sd.Map(landscape, sd.USAM(0.3), lr=0.1, noise=sd.noise.Gaussian(0.7))
    factor = 1 + 0.3 * lam
    mean, covariance = linear_step(map_).stationary()
    assert covariance[0, 0] == pytest.approx(0.1 * 0.7 * factor / (lam * (2 - 0.1 * lam * factor)), rel=1e-12)
    assert mean == pytest.approx(0, abs=1e-15)


@pytest.mark.parametrize("coupling", ["shared", "independent", "clean"])
@pytest.mark.parametrize(
    "options", [{}, {"momentum": 0.8}, {"momentum": 0.8, "nesterov": True}], ids=["plain", "heavy ball", "Nesterov"]
)
@pytest.mark.parametrize(
    "method", [sd.USAM(0.2), sd.USAM(0.4, ascent_steps=2, average=True), sd.ExactSAM(0.2)], ids=["1", "2", "exact"]
)
def test_as_simulated(method: sd.Method, options: dict[str, Any], coupling: str) -> None:
    covariance = [[0.5, 0.3], [0.3, 0.4]]
    map_ = sd.Map(TILTED, method, lr=0.05, noise=sd.noise.Gaussian(covariance, coupling=coupling), **options)
    start, count = (1.0, -0.5), 20_000
    exact_mean, exact = (m[-1] for m in linear_step(map_).moments(start, 30))
    w = sd.simulate(map_, [start] * count, 30).w.values[:, -1]
    sd_mean = np.sqrt(np.diag(exact) / count)
    assert (np.abs(w.mean(0) - exact_mean) < 4.5 * sd_mean).all()
    # The variance of a sample covariance of normal numbers: (PᵢᵢPⱼⱼ + Pᵢⱼ²)/n.
    error = np.sqrt((np.outer(np.diag(exact), np.diag(exact)) + exact**2) / count)
    assert (np.abs(np.cov(w.T) - exact) < 4.5 * error).all()


def test_stationary_is_what_the_recursion_tends_to() -> None:
    map_ = sd.Map(TILTED, sd.USAM(0.1), lr=0.1, momentum=0.5, noise=sd.noise.Gaussian(1.0))
    step = linear_step(map_)
    for long, rest in zip(step.moments((3, 3), 2000), step.stationary(), strict=True):
        np.testing.assert_allclose(long[-1], rest, rtol=1e-9)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: linear_step(sd.Map(UNIT, sd.GD(), lr=0.1)), "without noise"),
        (lambda: linear_step(sd.Map(UNIT, sd.SAM(0.1), lr=0.1, noise=sd.noise.Gaussian(1.0))), "is not linear"),
        (
            lambda: linear_step(sd.Map(sd.landscapes.beale(), sd.GD(), lr=0.1, noise=sd.noise.Gaussian(1.0))),
            "is not linear",
        ),
        (
            lambda: linear_step(sd.Map(UNIT, sd.GD(), lr=0.1, noise=sd.noise.Gaussian(1.0))).stationary(),
            "modulus 1.1, and the bound is 1",
        ),
        (lambda: linear_step(sd.Map(UNIT, sd.GD(), lr=0.1, noise=sd.noise.Gaussian(1.0))).moments((1,), 3), "2 finite"),
        (lambda: linear_step(sd.Map(UNIT, sd.GD(), lr=0.1, noise=sd.noise.Gaussian(1.0))).moments((1, 1), 0), "steps"),
    ],
)
def test_bad_input(wrong: Any, message: str) -> None:
    with pytest.raises(sd.InputError, match=message):
        wrong()
