"""Mean first-passage times: closed forms, deep wells, and simulated runs."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.special import erf

import samdyn as sd
from samdyn.analysis.escapes.first_passage import MONITORING, first_passage_time, mean_exit_time


def constant(value: float) -> Any:
    return lambda x: np.full_like(x, value)


@pytest.mark.parametrize("x0", [0.0, 0.3, -0.99])
def test_brownian_motion(x0: float) -> None:
    assert first_passage_time(constant(0), constant(2.0), x0, -1, 1) == pytest.approx((1 - x0**2) / 2, rel=1e-9)


@pytest.mark.parametrize("b", [-1.7, 0.4, 1.7])
def test_a_constant_drift_pushes_the_way_it_points(b: float) -> None:
    """T = (P(right) − x)/b on (0, 1), P(right) = (1 − e^(−2bx/D))/(1 − e^(−2b/D)): the drift itself is handed in."""
    right = (1 - math.exp(-2 * b * 0.3 / 0.5)) / (1 - math.exp(-2 * b / 0.5))
    assert first_passage_time(constant(b), constant(0.5), 0.3, 0, 1) == pytest.approx((right - 0.3) / b, rel=1e-9)


@pytest.mark.parametrize("edge", [0.1, 1.0, 3.0, 5.0, 20.0])
def test_ornstein_uhlenbeck(edge: float) -> None:
    """dX = −X dt + dW from 0: T = √π ∫ exp(y²) erf(y) dy over (0, δ), up to 2e172 here."""
    exact = quad(lambda y: math.sqrt(math.pi) * math.exp(y * y) * erf(y), 0, edge, epsabs=0, epsrel=1e-12, limit=200)[0]
    assert first_passage_time(lambda x: -x, constant(1.0), 0, -edge, edge) == pytest.approx(exact, rel=1e-8)


def test_space_dependent_noise() -> None:
    """dX = X/2 dt + X dW is Brownian motion in log X: T = y(2 − y), y = log X, between 1 and e²."""
    found = first_passage_time(lambda x: x / 2, lambda x: x**2, 2.0, 1.0, math.e**2)
    assert found == pytest.approx(math.log(2) * (2 - math.log(2)), rel=1e-8)


def test_exponential_in_the_barrier() -> None:
    """Kramers: out of a well of V = x⁴/4 − x²/2, barrier ¼, T → (2π/√2) e^(2·¼/D) to the top ½ of that."""
    d = np.array([0.02, 0.01])
    times = [first_passage_time(lambda x: x - x**3, constant(v), -1, -3, 0) for v in d]
    kramers = math.pi / math.sqrt(2) * np.exp(0.5 / d)
    assert times[1] == pytest.approx(kramers[1], rel=0.01)
    assert abs(times[1] / kramers[1] - 1) < 0.6 * abs(times[0] / kramers[0] - 1)
    assert first_passage_time(lambda x: -x, constant(1.0), 0, -40, 40) == math.inf  # e^1600 is beyond floats


def test_starts_at_an_end() -> None:
    assert first_passage_time(constant(1), constant(1), 1.0, 0, 1) == 0


def test_simulated_runs() -> None:
    """SGD's runs, looked at once a step, leave as if the ends were MONITORING standard deviations of a step further."""
    lr, s, edge = 0.01, 1.0, 0.1
    map_ = sd.Map(sd.landscapes.quadratic([1.0]), sd.GD(), lr=lr, noise=sd.noise.Gaussian(s**2))
    mean, _, high = sd.analysis.exit_times(map_, np.zeros((8000, 1)), [(-edge, edge)], 3000).mean()

    def diffusion(further: float) -> float:
        return first_passage_time(lambda x: -x, constant(lr * s**2), 0, -edge - further, edge + further)

    assert abs(mean - diffusion(MONITORING * lr * s)) < 2 * (high - mean) + lr * mean  # weakly O(η)
    assert abs(mean - diffusion(0.0)) > 0.08 * mean  # what the correction does
    assert 2 * (high - mean) + lr * mean < 0.08 * mean


def test_a_diffusion_of_normalised_sam() -> None:
    """Its law, by quadrature over the noise, against the closed form of the mean step.

    Both laws have 9 digits, and T is the exponential of an integral of size 9.
    """
    lr, s, rho = 0.01, 0.25, 0.35
    sde = sd.Diffusion(sd.landscapes.quadratic([-1.0]), sd.SAM(rho), sd.noise.Gaussian(s**2), lr=lr)

    def law(x: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        return sd.theory.mean_step(torch.as_tensor(x)[None], [[-1.0]], s**2, rho)

    exact = first_passage_time(lambda x: -law(x)[0][0].numpy(), lambda x: lr * law(x)[1][0, 0].numpy(), 0, -0.7, 0.7)
    assert mean_exit_time(sde, 0, -0.7, 0.7) == pytest.approx(exact, rel=1e-6)
    plane = sd.Diffusion(sd.landscapes.saddle(), sd.GD(), sd.noise.Gaussian(1.0), lr=lr)
    with pytest.raises(sd.InputError, match="has 2 coordinate"):
        mean_exit_time(plane, 0, -1, 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"low": 1.0, "high": 1.0}, "must be below high"),
        ({"low": 2.0}, "low = 2.0: must be below high"),
        ({"x0": 1.5}, r"x0 = 1.5: must lie in \[-1, 1\]"),
        ({"x0": math.nan}, "x0 = nan"),
        ({"high": math.inf}, "high = inf: must be a finite number"),
        ({"diffusion": lambda x: x}, "diffusion = .* It must be finite and > 0"),
        ({"diffusion": constant(0.0)}, "diffusion = 0.0"),
        ({"drift": constant(math.nan)}, "drift = nan"),
    ],
)
def test_bad_input(change: dict[str, Any], message: str) -> None:
    good = {"drift": constant(0.0), "diffusion": constant(1.0), "x0": 0.0, "low": -1.0, "high": 1.0}
    with pytest.raises(sd.InputError, match=message):
        first_passage_time(**{**good, **change})
