"""Growth near critical points, and the radii at which it changes its sign, against the multipliers of quadratics."""

import math
from typing import Any

import numpy as np
import pytest

import samdyn as sd
from samdyn.analysis import growth_rate, trapping_threshold

BEALE = sd.landscapes.beale()


def quadratic(*spectrum: float) -> tuple[sd.Landscape, sd.analysis.CriticalPoint]:
    landscape = sd.landscapes.quadratic(spectrum)
    (point,) = sd.critical_points(landscape)
    return landscape, point


@pytest.mark.parametrize("lr", [1e-4, 0.2, 3.0, 1e3])
def test_growth_however_fast(lr: float) -> None:
    """ln(1 + η|λ|)/η at Beale's saddle, λ = ±27.75: steps that multiply distances by 27,750 are measured too."""
    point = next(p for p in sd.critical_points(BEALE) if np.allclose(p.w, (0, 1)))
    measured = growth_rate(sd.Map(BEALE, sd.GD(), lr=lr), point)
    assert measured == pytest.approx(math.log(max(1 + 27.75 * lr, abs(1 - 27.75 * lr))) / lr, rel=1e-5)


@pytest.mark.parametrize("steps", [2.4, 2.02, 2.01, 2.0005])
def test_a_window_of_capture_between_two_radii(steps: float) -> None:
    """At η = 1/s a saddle of λ = ±2 holds runs for ½ < ρ < (s − 1)/2 alone: for s = 2.0005 a window of 0.05 %."""
    landscape, point = quadratic(-2.0, 2.0)
    assert trapping_threshold(sd.Map(landscape, sd.USAM(0.1), lr=1 / steps), point) == pytest.approx(0.5, rel=1e-6)


@pytest.mark.parametrize("steps", [1.99, 1.9])
def test_no_window_of_capture(steps: float) -> None:
    landscape, point = quadratic(-2.0, 2.0)
    assert trapping_threshold(sd.Map(landscape, sd.USAM(0.1), lr=1 / steps), point) == math.inf


@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_a_window_of_three_directions(momentum: float) -> None:
    """λ = −1, −0.9 and 3: held from ρ = 1/0.9 to where η·3(1 + 3ρ) = 2(1 + γ), which is one percent above."""
    landscape, point = quadratic(-1.0, -0.9, 3.0)
    lr = 2 * (1 + momentum) / (3 * (1 + 3 * 1.01 / 0.9))
    for scale, threshold in ((1.0, 1 / 0.9), (1.02, math.inf)):
        measured = trapping_threshold(sd.Map(landscape, sd.USAM(0.1), lr=scale * lr, momentum=momentum), point)
        assert measured == pytest.approx(threshold, rel=2e-3)  # with momentum a spiral is read at some phase


@pytest.mark.parametrize(
    ("measure", "options", "message"),
    [
        (trapping_threshold, {"rtol": 0}, r"rtol = 0: must lie in \[1e-9, 1\)"),
        (trapping_threshold, {"rtol": -1e-4}, "rtol = -0.0001"),
        (trapping_threshold, {"rtol": math.nan}, "rtol = nan"),
        (growth_rate, {"steps": -5}, "steps = -5"),
        (growth_rate, {"steps": 10.5}, "steps = 10.5"),
        (growth_rate, {"distance": math.nan}, "distance = nan"),
        (growth_rate, {"distance": 0.0}, "distance = 0.0"),
    ],
)
def test_bad_arguments(measure: Any, options: dict[str, Any], message: str) -> None:
    landscape, point = quadratic(-2.0, 2.0)
    with pytest.raises(sd.InputError, match=message):
        measure(sd.Map(landscape, sd.USAM(0.1), lr=0.01), point, **options)
