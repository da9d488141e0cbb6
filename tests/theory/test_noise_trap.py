"""The threshold that noise gives normalised SAM: closed forms against each other, simulation and their rivals."""

import math
from typing import Any

import numpy as np
import pytest
import torch

import samdyn as sd
from samdyn import theory

H = np.diag([-1.0, 1.0])
TILTED = np.array([[0.09, 0.05], [0.05, 0.04]])


@pytest.mark.parametrize(("dim", "told"), [(1, 0.313), (2, 0.399), (10, 0.811)])
def test_the_numbers_of_the_theory(dim: int, told: float) -> None:
    assert theory.noise_threshold(lam=-1, noise=0.25, dim=dim) == pytest.approx(told, abs=5e-4)
    spectrum = np.array([-1.0, *[1.0] * (dim - 1)])
    general = theory.gaussian_noise_threshold(hessian=np.diag(spectrum), covariance=0.0625)
    assert theory.check(theory.noise_threshold, general, 1e-10, lam=-1, noise=0.25, dim=dim)


def test_the_escaping_direction_nearest_to_zero_decides() -> None:
    spectrum = (-1.0, -0.5, 2.0)
    general = theory.gaussian_noise_threshold(hessian=np.diag(spectrum), covariance=0.0625 * np.eye(3))
    assert general == pytest.approx(theory.noise_threshold(lam=-0.5, noise=0.25, dim=3), rel=1e-10)
    assert theory.gaussian_noise_threshold(hessian=np.eye(2), covariance=1.0) == 0


@pytest.mark.parametrize("angle", [0.0, 0.7])
def test_the_mean_step_turns_definite_at_the_threshold(angle: float) -> None:
    """The Jacobian of E[F] at 0, by differences: symmetric, also where H and C do not commute."""
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    h = turn @ np.diag([-1.0, 3.0]) @ turn.T
    threshold = theory.gaussian_noise_threshold(hessian=h, covariance=TILTED)
    for factor, sign in ((0.99, -1), (1.01, 1)):
        at = 1e-5 * torch.eye(2, dtype=torch.float64)
        jacobian = theory.mean_step(at, h, TILTED, factor * threshold)[0].numpy() / 1e-5
        np.testing.assert_allclose(jacobian, jacobian.T, atol=1e-5)
        smallest = np.linalg.eigvalsh(jacobian)[0]
        assert np.sign(smallest) == sign
        assert abs(smallest) < 0.05


def test_noise_along_one_direction_only() -> None:
    """Along the stable direction it smooths nothing, and runs are held at every ρ; along the other it is d = 1."""
    assert theory.gaussian_noise_threshold(hessian=H, covariance=np.diag([0.0, 0.25])) == 0
    along = theory.gaussian_noise_threshold(hessian=H, covariance=np.diag([0.0625, 0.0]))
    assert along == pytest.approx(theory.noise_threshold(lam=-1, noise=0.25, dim=1), rel=1e-10)


def test_rates() -> None:
    named = {"lam": -1.0, "noise": 0.25, "dim": 2, "lr": 1e-4}
    threshold = theory.noise_threshold(lam=-1.0, noise=0.25, dim=2)
    for momentum in (0.0, 0.9):
        assert theory.noisy_escape_rate(rho=threshold, momentum=momentum, **named) == pytest.approx(0, abs=1e-9)
        half = theory.noisy_escape_rate(rho=threshold / 2, momentum=momentum, **named)
        assert half == pytest.approx(0.5 / (1 - momentum), rel=0.01)
        assert theory.check(theory.noisy_escape_rate, half, 1e-6, rho=threshold / 2, momentum=momentum, **named)


@pytest.mark.parametrize("coupling", ["shared", "independent", "clean"])
def test_mean_and_covariance_of_a_step(coupling: str) -> None:
    h = np.array([[-1.0, 0.3], [0.3, 2.0]])
    rho, count, w = 0.4, 200_000, torch.tensor([[0.2, 0.0], [-0.1, 0.0]], dtype=torch.float64)
    spectrum, vectors = np.linalg.eigh(h)
    scene = sd.landscapes.quadratic(spectrum, rotation=vectors)
    map_ = sd.Map(scene, sd.SAM(rho), lr=1.0, noise=sd.noise.Gaussian(TILTED, coupling=coupling))
    mean, covariance = (moment.numpy() for moment in theory.mean_step(w, h, TILTED, rho, coupling))
    for i in range(w.shape[1]):
        start = np.tile(w[:, i], (count, 1))
        f = start - sd.simulate(map_, start, 1, seed=i).w.values[:, -1]
        centred = f - f.mean(0)
        products = centred[:, :, None] * centred[:, None, :]
        assert (np.abs(f.mean(0) - mean[:, i]) < 4.5 * f.std(0) / math.sqrt(count)).all()
        assert (np.abs(products.mean(0) - covariance[..., i]) < 4.5 * products.std(0) / math.sqrt(count)).all()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: theory.gaussian_noise_threshold(hessian=np.diag([-1.0, 0.0]), covariance=1.0), "is singular"),
        (lambda: theory.gaussian_noise_threshold(hessian=H, covariance=np.eye(3)), r"Give a matrix \(2, 2\)"),
        (lambda: theory.mean_step(torch.zeros(2, 1).double(), H, 1.0, 0.1, "sharde"), "Did you mean 'shared'"),
        (lambda: theory.mean_step(torch.zeros(2, 1).double(), H, 1.0, np.inf), "rho = inf"),
    ],
)
def test_bad_input(wrong: Any, message: str) -> None:
    with pytest.raises(sd.InputError, match=message):
        wrong()
