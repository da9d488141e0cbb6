"""How large the ball is that runs enter from its surface."""

import pytest

import samdyn as sd
from samdyn.analysis import CriticalPoint


def test_the_phase_of_a_chaotic_bounce_does_not_decide(saddle: sd.Landscape, origin: CriticalPoint) -> None:
    """Runs end on a chaotic set of size 0.1; whether small spheres are certified depends on the step of the end."""
    map_ = sd.Map(saddle, sd.SAM(0.5), lr=0.1)
    radii = {sd.analysis.trapping_radius(map_, origin, largest=1.0, steps=steps) for steps in range(200, 220)}
    assert sorted(radii) == pytest.approx([2 ** (-5 / 4)])
