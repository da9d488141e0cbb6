"""Outcomes, survival curves and the certificate of capture."""

import numpy as np
import pytest

import samdyn as sd
from samdyn import analysis


@pytest.mark.parametrize("steps", [10, 100, 300, 1000])
@pytest.mark.parametrize("height", [1e-3, 1e-9, 1e-15, 1e-100])
def test_slow_passage_is_never_capture(saddle, origin, steps: int, height: float) -> None:
    starts = np.column_stack([np.linspace(-0.5, 0.5, 9), np.full(9, height)])
    escape = analysis.escape(sd.Map(saddle, sd.GD(), lr=0.01), origin, starts, radius=1.0, steps=steps)
    assert escape.fraction("trapped") == 0


def test_runs_thrown_out_uphill_are_diverged_not_escaped(saddle, origin) -> None:
    # ηλ(1 + ρλ) = 2.4 > 2 along x: the step is unstable there, while y is held.
    starts = np.array([[0.3, 0.1], [-0.2, -0.1]])
    escape = analysis.escape(sd.Map(saddle, sd.USAM(0.7), lr=0.5), origin, starts, radius=1.0, steps=100)
    assert list(escape.outcome) == ["diverged"] * 2


def test_every_run_has_one_outcome(saddle, origin) -> None:
    starts = np.random.default_rng(0).uniform(-0.5, 0.5, (500, 2))
    escape = analysis.escape(sd.Map(saddle, sd.SAM(0.3), lr=0.01), origin, starts, radius=1.0, steps=2000)
    shares = [escape.fraction(outcome) for outcome in analysis.OUTCOMES]
    assert sum(shares) == pytest.approx(1)
    assert 0.4 < escape.fraction("trapped") < 0.7
    low, high = escape.interval("trapped")
    assert low < escape.fraction("trapped") < high


def test_a_trapping_ball_is_smaller_than_the_trap(saddle, origin) -> None:
    radius = analysis.trapping_radius(sd.Map(saddle, sd.SAM(0.3), lr=0.01), origin, largest=1.0, steps=2000)
    assert radius == 2**-1.75  # 0.297, the largest of the spheres 2^(−j/4) below ρ = 0.3


def test_many_maps_are_each_what_they_are_alone(saddle, origin) -> None:
    maps = [
        *(sd.Map(saddle, method, lr=0.01) for method in (sd.USAM(0.2), sd.SAM(0.1), sd.USAM(0.6))),
        sd.Map(saddle, sd.SAM(0.2), lr=0.02, momentum=0.5),
        sd.Map(saddle, sd.GD(), lr=0.01),
    ]
    starts = np.random.default_rng(0).uniform(-0.5, 0.5, (40, 2))
    together = analysis.escapes(maps, origin, starts, radius=1.0, steps=500)
    boundaries = analysis.capture_boundaries(maps, origin, 0.4, 300)
    outcomes = set()
    for map_, escape, boundary in zip(maps, together, boundaries, strict=True):
        alone = analysis.escape(map_, origin, starts, radius=1.0, steps=500)
        outcomes |= set(alone.outcome)
        assert list(escape.outcome) == list(alone.outcome)
        assert list(escape.end) == list(alone.end)
        assert escape.lr == map_.lr
        # One may be compiled and the other not: rounding, which the way out stretches by at most |w| / 1e-16. In a trap
        # of SAM it grows without end.
        left = alone.outcome == "escaped"
        np.testing.assert_allclose(escape.w[left], alone.w[left], atol=1e-9)
        assert str(boundary) == str(analysis.capture_boundary(map_, origin, 0.4, 300))
    assert outcomes >= {"trapped", "escaped"}
    assert {boundary.quantity for boundary in boundaries} == {"rho", "width"}


def test_shares_are_of_outcomes_and_labels_that_there_are(saddle, origin) -> None:
    escape = analysis.escape(sd.Map(saddle, sd.GD(), lr=0.1), origin, np.eye(2), radius=2.0, steps=5)
    for outcome in ("trappd", (), None):
        for share in (escape.fraction, escape.interval):
            with pytest.raises(sd.InputError, match="no outcome has this name"):
                share(outcome)
    basins = analysis.basins(sd.Map(saddle, sd.GD(), lr=0.1), resolution=3, steps=100)
    for label in (-4, len(basins.attractors), 0.5, ()):
        for share in (basins.fraction, basins.interval):
            with pytest.raises(sd.InputError, match=r"^label = "):
                share(label)


@pytest.mark.parametrize("starts", [np.array(0.0), np.zeros((2, 3)), np.zeros((0, 2)), np.full((1, 2), np.nan)])
def test_starts_are_points(saddle, origin, starts: np.ndarray) -> None:
    with pytest.raises(sd.InputError, match=r"^(w0|starts) = "):
        analysis.escape(sd.Map(saddle, sd.GD(), lr=0.1), origin, starts, radius=1.0, steps=5)


@pytest.mark.parametrize("values", [True, 0.1, [], [[0.1, 0.2]]])
def test_an_orbit_diagram_is_over_a_list_of_values(saddle, values: object) -> None:
    with pytest.raises(sd.InputError, match=r"^values = "):
        analysis.orbit_diagram(sd.Map(saddle, sd.SAM(0.1), lr=0.1), "rho", values, np.eye(2))
