"""What theory says of saddles, held against what is measured; every check must also reject a plausible wrong answer."""

import math
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from scipy.optimize import brentq

import samdyn as sd
from samdyn import analysis, symbolic, theory

LR = 0.01


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize(("factor", "fate"), [(0.995, "escaped"), (1.005, "trapped")])
def test_runs_split_at_the_threshold(saddle, origin, momentum: float, factor: float, fate: str) -> None:
    # Half a percent from the threshold the rate is |λₑ| = 0.01: 20,000 steps are t = 200, a factor e² in distance
    # (more with momentum), so starts within 0.05 and 0.1 of the saddle leave a box of half-width 0.1, or halve.
    usam = sd.Map(saddle, sd.USAM(0.5 * factor), lr=LR, momentum=momentum)
    angle = np.linspace(0.3, 1.2, 8) + np.pi / 2 * np.arange(8)
    starts = 0.05 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    escape = analysis.escape(usam, origin, starts, radius=0.1, steps=20_000)
    assert escape.fraction(fate) == 1


def test_return_rate_of_a_spiral(saddle, origin) -> None:
    # With momentum the multipliers above the threshold are complex; the distance is read at some phase of the turn,
    # which over 4,000 steps makes an error of about 1 %.
    usam = sd.Map(saddle, sd.USAM(1.0), lr=LR, momentum=0.9)
    measured = analysis.growth_rate(usam, origin, steps=4000)
    assert theory.check(theory.escape_rate, measured, 0.02, lam=-2.0, lr=LR, momentum=0.9, rho=1.0)


def test_no_threshold_where_the_step_is_too_large_for_the_other_directions() -> None:
    landscape = sd.Landscape("40*x**2 - y**2/5", "x y")
    (point,) = sd.critical_points(landscape)
    for lr, threshold in [(1e-5, 2.5), (2.5e-4, math.inf)]:  # ηλₑ at the threshold is 0.16 and 4.02, the bound 2
        usam = sd.Map(landscape, sd.USAM(0.1), lr=lr)
        assert symbolic.predicted_boundary(usam, point.eigenvalues).low == threshold
        assert analysis.trapping_threshold(usam, point) == pytest.approx(threshold, rel=0.005)


def test_the_window_of_capture_can_be_narrow() -> None:
    # Held for 1 < ρ < 1.015 only: ηλₑ = 0.33 · 2(1 + 2ρ) < 2.
    landscape = sd.landscapes.quadratic((-1.0, 2.0))
    (point,) = sd.critical_points(landscape)
    assert theory.usam_threshold(eigenvalues=(-1.0, 2.0), lr=0.33) == 1.0
    for rho, held in [(0.99, False), (1.01, True), (1.03, False)]:
        assert (analysis.growth_rate(sd.Map(landscape, sd.USAM(rho), lr=0.33), point) < 0) == held


@pytest.mark.parametrize(("n", "threshold"), [(2, math.inf), (3, 1.5)])
def test_ascent_steps_move_or_remove_the_threshold(saddle, origin, n: int, threshold: float) -> None:
    measured = analysis.trapping_threshold(sd.Map(saddle, sd.USAM(0.1, ascent_steps=n), lr=LR), origin)
    assert theory.usam_threshold(eigenvalues=(-2.0, 2.0), ascent_steps=n) == threshold
    assert measured == pytest.approx(threshold, rel=0.005)


def test_exact_sam_never_captures(saddle, origin) -> None:
    assert analysis.trapping_threshold(sd.Map(saddle, sd.ExactSAM(0.1), lr=LR), origin) == math.inf
    assert symbolic.predicted_boundary(
        sd.Map(saddle, sd.ExactSAM(0.1), lr=LR), origin.eigenvalues
    ) == analysis.Boundary("rho", math.inf, math.inf)


def test_sam_has_no_threshold(saddle, origin) -> None:
    with pytest.raises(sd.InputError, match="Measure held_set instead"):
        analysis.trapping_threshold(sd.Map(saddle, sd.SAM(0.1), lr=LR), origin)


@pytest.mark.parametrize("rho", [1e-3, 1.0])
def test_trap_half_width_of_sam(saddle, origin, rho: float) -> None:
    held = analysis.held_set(sd.Map(saddle, sd.SAM(rho), lr=LR), origin, largest=4 * rho, duration=3000, starts=128)
    for edge in (held.inner, held.outer):
        assert theory.check(theory.trap_half_width, edge, 0.01, rho=rho)


def test_short_runs_leave_the_half_width_open(saddle, origin) -> None:
    held = analysis.held_set(sd.Map(saddle, sd.SAM(0.25), lr=LR), origin, largest=1.0, duration=10, starts=128)
    assert held.inner < 0.25 < held.outer
    assert str(analysis.Boundary("width", held.inner, held.outer)).count("…") == 1


def test_gd_has_no_trap(saddle, origin) -> None:
    held = analysis.held_set(sd.Map(saddle, sd.GD(), lr=LR), origin, largest=1.0, duration=3000, starts=128)
    assert (held.inner, held.outer, held.open) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("rho", [1e-3, 1.0])
def test_sam_settles_on_the_two_cycle(saddle, rho: float) -> None:
    runs = sd.simulate(sd.Map(saddle, sd.SAM(rho), lr=LR), [0.3 * rho, 0.2 * rho], 3000, save_every=1)
    (before, last) = runs.w.values[0, -2:]
    assert runs.status == "settled"
    assert before == pytest.approx(-last, rel=1e-6, abs=1e-12)
    assert theory.check(theory.two_cycle_amplitude, abs(last[0]), 1e-6, lam=2.0, rho=rho, lr=LR)
    assert abs(last[1]) < 1e-12


def test_the_two_cycle_along_the_escaping_direction_repels(saddle) -> None:
    # It exists, ηρ|λ|/(2+η|λ|), but the step stretches distances by 1 + η|λ| there: runs leave it and wander nearby.
    amplitude = theory.two_cycle_amplitude(lam=-2.0, rho=0.5, lr=LR)
    starts = [[0.0, amplitude], [0.0, amplitude * (1 + 1e-6)]]
    runs = sd.simulate(sd.Map(saddle, sd.SAM(0.5), lr=LR), starts, 101, save_every=1)
    on, off = runs.w.values[:, :, 1]
    assert on[:2] == pytest.approx([amplitude, -amplitude], rel=1e-12)
    deviation = abs(off - on)
    # Rounding at the start is 1e-16/1e-6 of the deviation.
    assert deviation[100] / deviation[0] == pytest.approx((1 + 2 * LR) ** 100, rel=1e-6)
    assert list(runs.status.values) == ["undecided"] * 2


def stability_changes(make: Callable[[float], sd.Map], low: float, high: float) -> float:
    """Return the parameter at which the growth near the one critical point changes its sign, measured."""

    def growth(parameter: float) -> float:
        map_ = make(parameter)
        return analysis.growth_rate(map_, only_point(map_.landscape)) * map_.lr

    return brentq(growth, low, high, rtol=1e-5)  # of a tolerance of 1e-3


@cache
def only_point(landscape: sd.Landscape) -> analysis.CriticalPoint:
    (point,) = sd.critical_points(landscape)
    return point


@pytest.mark.parametrize(("rho", "momentum", "n"), [(0.0, 0.5, 1), (0.2, 0.5, 2)])
def test_largest_learning_rate(rho: float, momentum: float, n: int) -> None:
    bowl = sd.landscapes.quadratic((2.0,))
    method = sd.USAM(rho, ascent_steps=n)
    predicted = theory.largest_lr(lam=2.0, rho=rho, momentum=momentum, ascent_steps=n)
    measured = stability_changes(lambda lr: sd.Map(bowl, method, lr=lr, momentum=momentum), 0.5, 2 * predicted)
    assert theory.check(theory.largest_lr, measured, 1e-3, lam=2.0, rho=rho, momentum=momentum, ascent_steps=n)
