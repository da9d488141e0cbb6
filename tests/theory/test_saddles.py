"""What theory says of saddles, held against what is measured; every check must also reject a plausible wrong answer."""

import math

import numpy as np
import pytest

import samdyn as sd
from samdyn import analysis, theory

LR = 0.01


@pytest.fixture(scope="module")
def saddle() -> sd.Landscape:
    return sd.landscapes.saddle()


@pytest.fixture(scope="module")
def origin(saddle: sd.Landscape) -> analysis.CriticalPoint:
    (point,) = sd.critical_points(saddle)
    assert point.kind == "saddle"
    return point


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_usam_threshold(saddle, origin, momentum: float) -> None:
    measured = analysis.trapping_threshold(sd.Map(saddle, sd.USAM(0.1), lr=LR, momentum=momentum), origin)
    assert theory.usam_threshold.check(measured, 0.005, eigenvalues=(-2.0, 2.0))


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


@pytest.mark.parametrize("rho", [0.0, 0.1, 0.45])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_escape_rate(saddle, origin, rho: float, momentum: float) -> None:
    measured = analysis.growth_rate(sd.Map(saddle, sd.USAM(rho), lr=LR, momentum=momentum), origin)
    verdict = theory.escape_rate.check(measured, 0.01, lam=-2.0, lr=LR, momentum=momentum, rho=rho)
    # Without momentum or perturbation there is nothing to overlook, and the rival is GD's own rate to O(η).
    assert verdict.agrees if rho == momentum == 0 else verdict


@pytest.mark.parametrize(("n", "threshold"), [(2, math.inf), (3, 1.5)])
def test_ascent_steps_move_or_remove_the_threshold(saddle, origin, n: int, threshold: float) -> None:
    measured = analysis.trapping_threshold(sd.Map(saddle, sd.USAM(0.1, ascent_steps=n), lr=LR), origin)
    assert theory.usam_threshold(eigenvalues=(-2.0, 2.0), ascent_steps=n) == threshold
    assert measured == pytest.approx(threshold, rel=0.005)


def test_exact_sam_never_captures(saddle, origin) -> None:
    assert analysis.trapping_threshold(sd.Map(saddle, sd.ExactSAM(0.1), lr=LR), origin) == math.inf
    assert theory.boundary(sd.ExactSAM(0.1), origin.eigenvalues) == analysis.Boundary("rho", math.inf, math.inf)


def test_sam_has_no_threshold(saddle, origin) -> None:
    with pytest.raises(sd.InputError, match="Measure trap_half_width instead"):
        analysis.trapping_threshold(sd.Map(saddle, sd.SAM(0.1), lr=LR), origin)


@pytest.mark.parametrize("rho", [1e-3, 1e-2, 0.1, 1.0])
def test_trap_half_width_of_sam(saddle, origin, rho: float) -> None:
    captured, lost = analysis.trap_half_width(sd.Map(saddle, sd.SAM(rho), lr=LR), origin, largest=4 * rho, steps=3000)
    for edge in (captured, lost):
        assert theory.trap_half_width.check(edge, 0.01, rho=rho)


def test_gd_has_no_trap(saddle, origin) -> None:
    assert analysis.trap_half_width(sd.Map(saddle, sd.GD(), lr=LR), origin, largest=1.0, steps=3000) == (0.0, 0.0)


@pytest.mark.parametrize("rho", [1e-3, 1e-2, 0.1, 1.0])
def test_sam_settles_on_the_two_cycle(saddle, rho: float) -> None:
    runs = sd.simulate(sd.Map(saddle, sd.SAM(rho), lr=LR), [0.3 * rho, 0.2 * rho], 3000, save_every=1)
    (before, last) = runs.w.values[0, -2:]
    assert runs.status == "settled"
    assert before == pytest.approx(-last, rel=1e-6, abs=1e-12)
    assert theory.two_cycle_amplitude.check(abs(last[0]), 1e-6, lam=2.0, rho=rho, lr=LR)
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


def test_a_saddle_holds_iff_every_negative_eigenvalue_is_beyond_the_threshold() -> None:
    landscape = sd.landscapes.quadratic((-1.0, -0.5, 2.0))
    (point,) = sd.critical_points(landscape)
    measured = analysis.trapping_threshold(sd.Map(landscape, sd.USAM(0.1), lr=LR), point)
    assert theory.usam_threshold.check(measured, 0.005, eigenvalues=(-1.0, -0.5, 2.0))


def test_threshold_of_beales_saddle() -> None:
    beale = sd.landscapes.beale()
    saddle = next(p for p in sd.critical_points(beale) if p.kind == "saddle")
    assert saddle.w == pytest.approx([0, 1], abs=1e-12)
    assert saddle.eigenvalues == pytest.approx([-27.75, 27.75])
    measured = analysis.trapping_threshold(sd.Map(beale, sd.USAM(0.1), lr=1e-4), saddle)
    # The distance at which growth is measured, 1e-7, makes the landscape's third derivatives felt to about 1e-4.
    assert measured == pytest.approx(4 / 111, rel=1e-3)
