"""How far a saddle captures runs: traps with other resting points in them, and traps without a clean edge."""

import math

import pytest

import samdyn as sd
from samdyn.analysis import CriticalPoint, trap_half_width


def rotated() -> tuple[sd.Landscape, CriticalPoint]:
    landscape = sd.landscapes.quadratic((-1.5, 3.0), rotation=0.3)
    (point,) = sd.critical_points(landscape)
    return landscape, point


@pytest.mark.parametrize("n", [2, 3])
def test_runs_held_at_other_resting_points_are_captured(n: int) -> None:
    """Several ascent steps of length ρ/n rest at (n − 1 − 2j)ρ/n too; starts within ρ are held, at whichever."""
    landscape, point = rotated()
    map_ = sd.Map(landscape, sd.SAM(0.3, ascent_steps=n), lr=0.01)
    captured, lost, share = trap_half_width(map_, point, 0.6, 3000)
    assert captured == pytest.approx(0.3, rel=0.01)
    assert lost == pytest.approx(captured, rel=1e-3)
    assert share == pytest.approx(0.5, abs=0.01)


def test_an_edge_that_is_no_edge(saddle: sd.Landscape, origin: CriticalPoint) -> None:
    """With γ = 0.99 starts are lost far within others that are captured: the share of the captured is the answer."""
    map_ = sd.Map(saddle, sd.SAM(0.3), lr=0.01, momentum=0.99)
    found = {largest: trap_half_width(map_, origin, largest, 3000) for largest in (0.4, 0.6)}
    for largest, (captured, lost, share) in found.items():
        assert 0.02 < captured < lost < 0.9 * share * largest
        runs = sd.simulate(map_, [[1e-6 * lost, lost]], 3000, box=[(-2 * largest, 2 * largest)] * 2, progress=False)
        assert runs.status == "left the box"
    assert 0.4 * found[0.4].share == pytest.approx(0.6 * found[0.6].share, rel=0.1)


def test_nothing_was_lost_or_captured(saddle: sd.Landscape, origin: CriticalPoint) -> None:
    held = trap_half_width(sd.Map(saddle, sd.SAM(0.5), lr=0.01), origin, 0.4, 3000)
    assert held == (pytest.approx(0.4), math.inf, 1.0)
    assert trap_half_width(sd.Map(saddle, sd.USAM(0.4), lr=0.01), origin, 0.4, 3000) == (0, 0, 0)
    assert trap_half_width(sd.Map(saddle, sd.USAM(0.6), lr=0.01), origin, 0.4, 9000).share == 1.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"largest": 0.0}, "largest = 0.0"),
        ({"largest": math.nan}, "largest = nan"),
        ({"steps": 0}, "steps = 0"),
        ({"rtol": 0.0}, "rtol = 0.0"),
    ],
)
def test_bad_arguments(saddle: sd.Landscape, origin: CriticalPoint, options: dict, message: str) -> None:
    with pytest.raises(sd.InputError, match=message):
        trap_half_width(sd.Map(saddle, sd.SAM(0.5), lr=0.01), origin, **{"largest": 1.0, "steps": 10, **options})


def test_the_phase_of_a_chaotic_bounce_does_not_decide(saddle: sd.Landscape, origin: CriticalPoint) -> None:
    """Runs end on a chaotic set of size 0.1; whether small spheres are certified depends on the step of the end."""
    map_ = sd.Map(saddle, sd.SAM(0.5), lr=0.1)
    radii = {sd.analysis.trapping_radius(map_, origin, largest=1.0, steps=steps) for steps in range(200, 220)}
    assert sorted(radii) == pytest.approx([2 ** (-5 / 4)])
