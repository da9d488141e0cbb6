"""What runs do at their end, where the answer is known."""

import re
from collections.abc import Callable

import numpy as np
import pytest

import samdyn as sd
from samdyn import analysis, methods, theory


def test_a_bounce_that_drifts() -> None:
    """Starts at the ends of the 2-cycle and elsewhere end on it; the drift is no part of the amplitude."""
    map_ = sd.Map(sd.landscapes.ravine("2 + 0.01*z"), sd.SAM(0.1), lr=0.2)
    motion = analysis.late_motion(map_, [(0.3, 0.0), (-0.02, 0.1)], steps=200, window=52)
    amplitude = theory.two_cycle_amplitude(lam=2.0, rho=0.1, lr=0.2)
    np.testing.assert_allclose(motion.amplitude[:, 0], amplitude, rtol=1e-3)
    assert (motion.amplitude[:, 1] < 1e-3 * abs(motion.drift[:, 1])).all()
    expected = theory.valley_drift(lam=2.0, slope=0.01, rho=0.1, lr=0.2)
    np.testing.assert_allclose(motion.drift[:, 1], expected, rtol=3e-3)
    np.testing.assert_allclose(motion.drift[:, 0], 0, atol=1e-9)


def test_rest_beside_the_minimum_and_a_longer_period() -> None:
    polyak = sd.Map(sd.landscapes.quadratic([2.0]), methods.PolyakSAM(0.1), lr=1)
    motion = analysis.late_motion(polyak, [(0.9,)], steps=80, window=16)
    assert motion.center.item() == pytest.approx(0.1, rel=1e-9)
    assert motion.amplitude.item() < 1e-9
    assert motion.reach.item() == pytest.approx(0.1, rel=1e-9)
    look = sd.Map(sd.landscapes.quadratic([2.0]), methods.LookSAM(0.1, every=3, alpha=0.0), lr=0.2)
    motion = analysis.late_motion(look, [(0.9,)], steps=120, window=30)
    # One step of SAM and two of GD: x ↔ −x at x(q³ + 1) = ηρλq², with q = 1 − ηλ, farthest after the step of SAM.
    q = 1 - 0.2 * 2
    assert motion.amplitude.item() == pytest.approx(0.2 * 0.1 * 2 / (q**3 + 1), rel=1e-9)
    assert motion.drift.item() == pytest.approx(0, abs=1e-12)


def test_a_run_that_diverges_has_no_motion() -> None:
    map_ = sd.Map(sd.landscapes.quadratic([2.0]), sd.GD(), lr=4.0)
    assert np.isnan(analysis.late_motion(map_, [(1.0,)], steps=400, window=16).reach).all()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda m, p: analysis.late_motion(m, [(1.0, 1.0)], steps=20, window=40), "window = 40: must lie between 8"),
        (lambda m, p: analysis.late_motion(m, [(1.0, 1.0)], steps=20, window=4), "window = 4: must lie between 8"),
        (lambda m, p: analysis.passage_time(m, p, 2.0, 1.0, 10), "high = 1.0: must be a finite number above 2"),
        (lambda m, p: analysis.passage_time(m, p, 0.0, 1.0, 10), "low = 0.0: must be"),
        (lambda m, p: analysis.least_radius(m, p, (0.1, 1.0), 0.01, 20), "has no radius"),
    ],
)
def test_bad_input(call: Callable[..., object], words: str) -> None:
    map_ = sd.Map(sd.landscapes.saddle(), sd.GD(), lr=0.1)
    with pytest.raises(sd.InputError, match=re.escape(words)):
        call(map_, sd.critical_points(map_.landscape)[0])


def test_minima_have_no_passage() -> None:
    map_ = sd.Map(sd.landscapes.quadratic([2.0, 1.0]), sd.SAM(0.1), lr=0.1)
    with pytest.raises(sd.InputError, match="no direction leads away"):
        analysis.passage_time(map_, sd.critical_points(map_.landscape)[0], 1.0, 2.0, 10)


def test_the_least_radius_of_a_method_without_jacobian_and_limits() -> None:
    """ASAM moves the perturbed point to (1 − ρ)y: the threshold is 1. Below the limits and beyond them are ends."""
    (origin,) = sd.critical_points(sd.landscapes.saddle())
    asam = sd.Map(sd.landscapes.saddle(), sd.ASAM(0.1), lr=0.1)
    find = analysis.least_radius
    assert find(asam, origin, (0.5, 2.0), 0.01, 200, rtol=0.02) == pytest.approx(1.0, rel=0.02)
    assert find(asam, origin, (2.0, 4.0), 0.01, 100) == 2.0
    assert find(asam, origin, (0.1, 0.5), 0.01, 100) == np.inf
