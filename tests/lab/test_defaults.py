"""Values that an experiment uses where the user gives none."""

import pytest

import samdyn as sd
from samdyn import lab


def test_radii_lie_below_and_above_the_threshold(saddle: sd.Landscape, origin: sd.analysis.CriticalPoint) -> None:
    low, high = lab.usual_radii(sd.USAM, saddle, [origin], saddle.box)
    assert low < sd.theory.usam_threshold(eigenvalues=origin.eigenvalues) < high
    box = ((-1.0, 1.0), (-2.0, 2.0))
    assert lab.usual_radii(sd.SAM, saddle, [origin], box) == [0.2]  # a tenth of the shorter side


def test_radii_without_a_saddle() -> None:
    bowl = sd.landscapes.quadratic([50.0, 1.0])
    assert lab.usual_radii(sd.USAM, bowl, sd.critical_points(bowl), ((-1.0, 1.0),) * 2) == [0.015]  # 0.75/50
    assert lab.usual_radii(sd.USAM, bowl, [], ((-1.0, 1.0),) * 2) == [0.15]  # a tenth of the box, times 0.75


def test_ranges_follow_the_saddle_and_the_map(saddle: sd.Landscape, origin: sd.analysis.CriticalPoint) -> None:
    map_ = sd.Map(saddle, sd.USAM(0.1, ascent_steps=3), lr=0.1, momentum=0.5)
    assert lab.usual_range("rho", map_, origin) == pytest.approx((0.01, 3.0))  # n ascent steps share ρ
    assert lab.usual_range("lr", map_, origin) == pytest.approx((0.005, 2.25))  # the edge is at 2(1+γ)/λ
    assert lab.usual_range("momentum", map_, origin) == (0.0, 0.98)
    with pytest.raises(sd.InputError, match="Did you mean 'distance'"):
        lab.usual_range("distanc", map_, origin)
