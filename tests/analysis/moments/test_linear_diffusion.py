"""Exact moments of linear diffusions: closed forms, long times, velocities lost in a moment, and what has none."""

from typing import Any

import numpy as np
import pytest

import samdyn as sd
from samdyn.analysis import linear_diffusion

UNIT = sd.landscapes.quadratic([1.0, -1.0])
TILTED = sd.Landscape("x**2 + x*y + y**2 - x", "x y", name="tilted bowl")
LR, RHO, BATCH = 0.01, 0.5, 16


def ou(a: float, d: float, t: np.ndarray) -> np.ndarray:
    return -d * np.expm1(-2 * a * t) / (2 * a)


@pytest.mark.parametrize(
    ("model", "coupling", "drift", "noise", "told"),
    # At λ = −1 [theory 13]: the three couplings, and Theorem 2, as the model "fisher".
    [
        ("moments", "shared", -0.5, 0.25, 2.68e-4),
        ("moments", "independent", -0.5, 1.25, 1.34e-3),
        ("moments", "clean", -0.5, 1.0, 1.07e-3),
        ("fisher", "shared", -0.25, 1.0, 8.11e-4),
    ],
)
def test_closed_forms(model: str, coupling: str, drift: float, noise: float, told: float) -> None:
    times = np.array([0.0, 0.1, 1.0, 7.0])
    sde = sd.Diffusion(UNIT, sd.USAM(RHO), sd.noise.Fisher((0, 0), BATCH, coupling=coupling), lr=LR, model=model)
    mean, covariance = linear_diffusion(sde).moments((0.2, 0.1), times)
    assert mean[:, 1] == pytest.approx(0.1 * np.exp(-drift * times), rel=1e-12)
    assert covariance[:, 1, 1] == pytest.approx(ou(drift, LR * noise / BATCH, times), rel=1e-11)
    assert covariance[2, 1, 1] == pytest.approx(told, rel=0.005)


@pytest.mark.parametrize("momentum", [0.0, 0.7, 0.999])
def test_stationary_is_what_the_moments_tend_to(momentum: float) -> None:
    """Times to which e^(At) would overflow: velocity is lost at rate (1 − γ)/η."""
    sde = sd.Diffusion(TILTED, sd.USAM(0.1), sd.noise.Gaussian([[1.0, 0.3], [0.3, 0.5]]), lr=1e-3, momentum=momentum)
    law = linear_diffusion(sde)
    for late, rest in zip(law.moments((3, 3), [500.0]), law.stationary(), strict=True):
        np.testing.assert_allclose(late[0], rest, rtol=1e-8)
    # An overdamped w of noise C and curvature H + ρH²; with momentum of the same law at learning rate η/(1 − γ).
    h = np.array([[2.0, 1.0], [1.0, 2.0]])
    np.testing.assert_allclose(law.stationary()[0], np.linalg.solve(h, [1.0, 0.0]), rtol=1e-9)


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
def test_close_to_the_map_at_small_steps(momentum: float) -> None:
    """Weak order 1: halving η halves the distance to the iterates' exact mean and, relative to it, covariance.

    With momentum w moves at a rate λ/(1 − γ), and v at (1 − γ)/η: what must be small is ηλ/(1 − γ)².
    """
    off = []
    steps = np.array([0.02, 0.01, 0.005]) * (1 - momentum) ** 2
    time = 2 * (1 - momentum)
    for lr in steps:
        noise = sd.noise.Gaussian([[1.0, 0.3], [0.3, 0.5]])
        sde = sd.Diffusion(TILTED, sd.USAM(0.1), noise, lr=lr, momentum=momentum)
        map_ = sd.Map(TILTED, sd.USAM(0.1), lr=lr, momentum=momentum, noise=noise)
        (mean,), (covariance,) = linear_diffusion(sde).moments((1, 2), [time])
        exact = sd.analysis.linear_step(map_).moments((1, 2), round(time / lr))
        off.append([np.abs(mean - exact[0][-1]).max(), np.abs(covariance - exact[1][-1]).max() / lr])
    for errors in np.array(off).T:
        assert np.polyfit(np.log(steps), np.log(errors), 1)[0] == pytest.approx(1, abs=0.2)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            lambda s: linear_diffusion(s).stationary(),
            "an eigenvalue of the drift has real part 0.5, and the bound is 0",
        ),
        (lambda s: linear_diffusion(s).moments((1, 2, 3), [1.0]), "2 finite coordinates"),
        (lambda s: linear_diffusion(s).moments("here", [1.0]), "2 finite coordinates"),
        (lambda s: linear_diffusion(s).moments((1, 2), "soon"), "finite numbers >= 0"),
        (
            lambda s: linear_diffusion(
                sd.Diffusion(sd.landscapes.quadratic([1, 0], rotation=0.3), sd.GD(), sd.noise.Gaussian(1.0), lr=0.1)
            ).stationary(),
            "the moments diverge",
        ),
        (lambda s: sd.analysis.linear_step(s), "must be a Map, and is a Diffusion"),
        (lambda s: linear_diffusion(s).moments((1, 2), [-1.0]), "finite numbers >= 0"),
        (
            lambda s: linear_diffusion(sd.Diffusion(UNIT, sd.SAM(0.1), sd.noise.Gaussian(1.0), lr=0.1)),
            "its drift is not linear",
        ),
        (
            lambda s: linear_diffusion(
                sd.Diffusion(sd.SampleLandscape("p*x**2", "x", {"p": [1, 2]}), sd.GD(), sd.noise.FiniteSum(1), lr=0.1)
            ),
            "its noise not constant",
        ),
    ],
)
def test_bad_input(wrong: Any, message: str) -> None:
    sde = sd.Diffusion(UNIT, sd.USAM(RHO), sd.noise.Fisher((0, 0), BATCH), lr=LR)
    with pytest.raises(sd.InputError, match=message):
        wrong(sde)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("dim", [3, 4])
def test_drift_is_linear_in_more_than_two_dimensions(dim: int, momentum: float) -> None:
    names = [f"x{i}" for i in range(dim)]
    bowl = sd.Landscape(" + ".join(f"{i + 1}*{name}**2/2" for i, name in enumerate(names)), names)
    sde = sd.Diffusion(bowl, sd.USAM(0.5), sd.noise.Gaussian(0.01), lr=0.1, momentum=momentum)
    found = linear_diffusion(sde)
    drift = np.diag([-(lam * (1 + 0.5 * lam)) for lam in range(1, dim + 1)])
    expected = np.block([[0 * drift, -np.eye(dim)], [-drift / 0.1, -np.eye(dim)]]) if momentum else drift
    if momentum:
        expected[dim:, dim:] *= (1 - momentum) / 0.1
    np.testing.assert_allclose(found.a, expected, atol=1e-12)
