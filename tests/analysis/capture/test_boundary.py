"""Boundaries of capture, measured and predicted, of methods that the user defines."""

from dataclasses import dataclass

import pytest

import samdyn as sd
from samdyn import analysis, symbolic
from samdyn.analysis import CriticalPoint
from samdyn.methods import Ascent
from samdyn.ops import Point, norm, unit
from samdyn.oracle import Oracle


@dataclass(frozen=True)
class OwnBounded(Ascent):
    """A user's own method with a Jacobian: three times USAM's perturbation near the saddle, bounded far away."""

    def direction(self, w: Point, g: Point, grad: Oracle) -> Point:
        return 3 * g / (1 + norm(g))


@dataclass(frozen=True)
class OwnNormalised(Ascent):
    """A user's own method without one: twice SAM's perturbation."""

    def direction(self, w: Point, g: Point, grad: Oracle) -> Point:
        return 2 * unit(g)


def test_a_users_own_methods_are_measured_and_predicted(saddle: sd.Landscape, origin: CriticalPoint) -> None:
    maps = [sd.Map(saddle, method(rho=0.1), lr=0.01) for method in (OwnBounded, OwnNormalised)]
    measured = analysis.capture_boundaries(maps, origin, largest=1.0, steps=500)
    predicted = [symbolic.predicted_boundary(map_, origin.eigenvalues) for map_ in maps]
    for edge, form, kind, value in zip(measured, predicted, ("rho", "width"), (1 / 6, 0.2), strict=True):
        assert form is not None
        assert edge.quantity == form.quantity == kind
        assert form.low == form.high == pytest.approx(value, rel=1e-12)
        assert edge.low * (1 - 1e-3) <= value <= edge.high * (1 + 1e-3)
        assert edge.high - edge.low < 0.05 * value
