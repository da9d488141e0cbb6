"""Closed forms where they are delicate: zeros, equalities, infinities and small differences, against 100 digits."""

import math
from collections.abc import Callable

import mpmath
import numpy as np
import pytest
import torch

import samdyn as sd
from samdyn import theory
from samdyn.symbolic.growth import log_multiplier
from samdyn.theory.noise_trap import noisy_radius

mp = mpmath.MPContext()
mp.dps = 100
TINY = (1e-300, 1e-17, 1e-12, 1e-8, 1e-3)


def agree(found: float, expected: object, rel: float = 1e-13) -> bool:
    """Say whether a number is that of 100 digits, inf included."""
    if mp.isinf(expected):
        return math.isinf(found) and (found > 0) == (expected > 0)
    return bool(abs(mp.mpf(float(found)) - expected) <= rel * abs(expected))


@pytest.mark.parametrize("lr", [1e-300, 1e-8, 0.1, 3.0, 1e6])
@pytest.mark.parametrize("rho", [0.0, *TINY, 0.3, 1e8, 1e200])
def test_edge_of_stability(lr: float, rho: float) -> None:
    exact = mp.mpf(2) / mp.mpf(lr)
    if rho:
        exact = (mp.sqrt(1 + 8 * mp.mpf(rho) / mp.mpf(lr)) - 1) / (2 * mp.mpf(rho)) if rho > 1e-40 * lr else exact
    assert agree(theory.edge_of_stability(lr=lr, rho=rho), exact)


def test_known_edges() -> None:
    assert theory.edge_of_stability(lr=0.1, rho=0) == 20
    assert theory.edge_of_stability(lr=0.1, rho=1e-12) == pytest.approx(20 - 4e-10, rel=1e-15)
    assert theory.largest_lr(lam=-2.0) == math.inf
    assert theory.largest_lr(lam=-2.0, rho=0.25) == math.inf
    assert theory.largest_lr(lam=-2.0, rho=0.5) == math.inf
    assert theory.largest_lr(lam=-2.0, rho=0.6) == pytest.approx(2 / 0.4)
    assert theory.about(theory.largest_lr).rival(lam=0.0) == math.inf
    assert theory.two_cycle_amplitude(lam=3.0, rho=0.1, lr=1.0) == math.inf
    assert theory.two_cycle_amplitude(lam=2.0, rho=0.1, lr=1.0) == math.inf
    assert theory.two_cycle_amplitude(lam=-2.0, rho=0.0, lr=1.0) == 0
    assert theory.noise_threshold(lam=-1.0, noise=0.0, dim=2) == 0
    assert theory.noise_threshold(lam=0.0, noise=1.0, dim=2) == math.inf
    assert theory.noisy_radius(0.1, 0.0, 2) == math.inf
    assert theory.effective_curvature(-1e200, 1.0, 3) == math.inf
    assert theory.effective_curvature(1e200, 1.0, 3) == math.inf
    assert theory.effective_curvature(0.0, math.inf) == 0


@pytest.mark.parametrize("eigenvalues", [(-1.0, -3.0), (-1.0, -3.0, 0.5), (-2.0, 1.0)])
@pytest.mark.parametrize("lr", [0.2, 0.32, 0.34, 0.6])
def test_a_second_escaping_direction_can_flip_at_the_threshold(eigenvalues: tuple[float, ...], lr: float) -> None:
    """At ρ = 1 the direction of λ = −3 has λₑ = 6: no ρ holds the saddle for η > 1/3."""
    condition = sd.stability(sd.Map(sd.landscapes.quadratic(eigenvalues), sd.USAM(0.1), lr=lr), [0] * len(eigenvalues))
    lowest = math.inf if condition.condition.is_empty else float(condition.condition.inf)
    assert theory.usam_threshold(eigenvalues=eigenvalues, lr=lr) == lowest


def multiplier(curvature: float, lr: float, momentum: float, nesterov: bool) -> object:
    shrink, g = 1 - mp.mpf(lr) * mp.mpf(curvature), mp.mpf(momentum)
    b, c = ((1 + g) * shrink, g * shrink) if nesterov else (shrink + g, g)
    root = mp.sqrt(b * b - 4 * c)
    return max(abs(b + root), abs(b - root)) / 2


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("momentum", [0.0, 1e-12, 0.25, 0.9, 0.999])
def test_growth_rates_lose_no_digits(momentum: float, nesterov: bool) -> None:
    if nesterov and not momentum:
        return
    pulls = [0.0, -1.0, 0.5, 1.0, 1.5, 2.0, 3.0, -50.0, 1e10, -1e10]
    pulls += [sign * small for small in (1e-40, 1e-15, 1e-9, 1e-4) for sign in (1, -1)]
    pulls += [2 * (1 + momentum) * (1 + shift) for shift in (1e-9, -1e-9)]
    for pull in pulls:
        for lr in (1.0, 2.0**-30):
            curvature = pull / lr
            exact = mp.log(multiplier(curvature, lr, momentum, nesterov)) if momentum or pull != 1 else -mp.inf
            found = float(log_multiplier(torch.tensor(curvature, dtype=torch.float64), lr, momentum, nesterov))
            # Next to a flip the rounding of ηλₑ itself, divided by 1 − γ, is what the rate is known to.
            flips = abs(pull / (2 * (1 + momentum)) - 1) < 1e-6
            assert agree(found, exact, 1e-12) or (flips and abs(found - exact) < 2e-15 / (1 - momentum)), pull


def test_meeting_roots() -> None:
    """At critical damping, √ηλₑ = 1 − √γ, both multipliers are √γ."""
    for gamma in (0.25, 0.81):
        pull = (1 - math.sqrt(gamma)) ** 2
        for shift in (0, 1e-15, -1e-15, 1e-9, -1e-9):
            found = float(log_multiplier(torch.tensor(pull + shift, dtype=torch.float64), 1.0, gamma))
            assert found == pytest.approx(math.log(gamma) / 2, abs=3 * math.sqrt(abs(shift) + 1e-16))


def exact_msd(drift: float, noise: float, lr: float, steps: int, momentum: float) -> object:
    trace, g = 1 + mp.mpf(momentum) - mp.mpf(lr) * mp.mpf(drift), mp.mpf(momentum)
    before, h, total = mp.mpf(0), mp.mpf(1), mp.mpf(0)
    for _ in range(steps):
        total += h * h
        before, h = h, trace * h - g * before
    return mp.mpf(lr) ** 2 * mp.mpf(noise) * total


@pytest.mark.parametrize(
    ("drift", "lr", "momentum"),
    [
        *((2.5 + shift, 0.1, 0.25) for shift in (0, 1e-13, -1e-13, 1e-9, -1e-6, 1e-3)),  # critical damping
        *((22.5 + shift, 0.1, 0.25) for shift in (0, 1e-13, -1e-9)),  # both roots at −½
        *((a, 0.1, 0.0) for a in (0, 1e-15, 10, 10 + 1e-12, 20, 20 - 1e-9, -3, 25)),
        *((a, 0.1, 0.9) for a in (0, -1e-14, 1e-14, 0.0263, 38, 38.0001, -1)),
    ],
)
def test_heavy_ball_msd_where_its_roots_meet(drift: float, lr: float, momentum: float) -> None:
    for steps in (0, 1, 7, 400):
        found = theory.heavy_ball_msd(drift=drift, noise=1.3, lr=lr, t=steps * lr, momentum=momentum)
        # Each step multiplies by numbers that are rounded: the error grows with their number.
        assert agree(found, exact_msd(drift, 1.3, lr, steps, momentum), (steps + 1) * 1e-14)


def test_heavy_ball_msd_of_arrays_and_of_what_overflows() -> None:
    times = np.array([[2.0], [1e5]])
    found = theory.heavy_ball_msd(drift=[2.5, -1.0], noise=1.0, lr=0.1, t=times, momentum=[0.25, 0.5])
    assert found.shape == (2, 2)
    assert found[0, 0] == pytest.approx(0.0296296, rel=1e-5)
    assert found[1, 1] == math.inf
    assert np.isfinite(found[:, 0]).all()


@pytest.mark.parametrize("a", [0.0, 1e-320, -1e-300, 1e-17, -1e-8, 0.3, -0.7, 1e5, -300.0, 1e200])
@pytest.mark.parametrize("t", [0.0, 1e-200, 1.0, 1e4, 1e200, math.inf])
def test_ou(a: float, t: float) -> None:
    exact = mp.mpf(2) * mp.mpf(t)
    if a and t:
        exact = 2 / (2 * mp.mpf(a)) * -mp.expm1(-2 * mp.mpf(a) * mp.mpf(t)) if abs(a) < 1e199 or a > 0 else mp.inf
    if exact > mp.mpf("1.7e308"):
        exact = mp.inf
    assert agree(theory.ou(a, 2.0, t), exact, 1e-12)
    assert theory.ou(a, 0.0, t) == 0


def test_theorem_3s_other_reading_at_the_start() -> None:
    assert math.isfinite(theory.theorem_3_other_reading(lam=-1.0, lr=0.1, batch_size=2, t=0.0, momentum=0.5))


@pytest.mark.parametrize("dim", [1, 2, 3, 30, 999, 1000, 1001, 10**5, 10**8, 10**12])
def test_mean_lengths_in_many_dimensions(dim: int) -> None:
    ratio = mp.gammaprod([(mp.mpf(dim) + 1) / 2], [mp.mpf(dim) / 2 + 1])
    assert agree(noisy_radius(0.3, 2.0, dim), mp.mpf(0.3) / 2 * ratio / mp.sqrt(2), 1e-12)
    assert agree(theory.noise_threshold(lam=-2.0, noise=0.5, dim=dim), mp.mpf(0.25) * mp.sqrt(2) / ratio, 1e-12)
    length = mp.mpf(0.25) * mp.sqrt(2) * ratio * dim / 2
    assert agree(theory.about(theory.noise_threshold).rival(lam=-2.0, noise=0.5, dim=dim), length, 1e-12)


def test_rivals_have_values_too() -> None:
    rivals: list[Callable[[], float]] = [
        lambda: theory.about(theory.noisy_escape_rate).rival(lam=3.0, rho=0.1, noise=1.0, dim=2, lr=0.5),
        lambda: theory.about(theory.edge_of_stability).rival(lr=0.1, rho=0.0),
        lambda: theory.about(theory.largest_lr).rival(lam=-1.0),
    ]
    assert not any(math.isnan(rival()) for rival in rivals)
