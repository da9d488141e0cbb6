"""The closed form of growth rates against the measured ones, for every method that has one."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

import samdyn as sd
from samdyn import analysis, symbolic
from samdyn.analysis import CriticalPoint
from samdyn.ops import Point, norm
from samdyn.oracle import Oracle

METHODS = [
    sd.GD(),
    sd.USAM(0.3),
    sd.USAM(0.7),
    sd.USAM(1.4, ascent_steps=2),
    sd.USAM(2.5, ascent_steps=3),
    sd.USAM(0.9, ascent_steps=3, average=True),
    sd.ExactSAM(0.3),
    sd.ExactSAM(0.6, ascent_steps=2),
]


@pytest.mark.parametrize("method", METHODS, ids=str)
@pytest.mark.parametrize(("momentum", "nesterov"), [(0.0, False), (0.6, False), (0.6, True)])
def test_closed_form_and_measurement_agree(
    saddle: sd.Landscape, origin: CriticalPoint, method: sd.Method, momentum: float, nesterov: bool
) -> None:
    map_ = sd.Map(saddle, method, lr=0.02, momentum=momentum, nesterov=nesterov)
    predicted = float(symbolic.predicted_growth(map_, torch.as_tensor(origin.eigenvalues)))
    measured = analysis.growth_rate(map_, origin)
    # Complex multipliers: the distance is read at a phase, which costs up to ln(10)/(500 η).
    assert measured == pytest.approx(predicted, rel=1e-6, abs=0.25 if predicted < 0 else 1e-6)
    assert np.sign(measured) == np.sign(predicted)


@pytest.mark.parametrize("method", [sd.SAM(0.1), sd.ASAM(0.1), sd.UASAM(0.1)], ids=str)
def test_without_a_jacobian_or_with_one_that_depends_on_the_point_there_is_none(
    saddle: sd.Landscape, method: sd.Method
) -> None:
    assert symbolic.predicted_growth(sd.Map(saddle, method, lr=0.1), torch.tensor([-1.0, 1.0])) is None


@dataclass(frozen=True)
class Mine(sd.USAM):
    """Three times as far up: not USAM, whatever it inherits."""

    def direction(self, w: Point, g: Point, grad: Oracle) -> Point:
        return 3 * g / (1 + norm(g))


@pytest.mark.parametrize(
    ("method", "threshold"), [(Mine(0.1), 1 / 6), (sd.USAM(0.1, ascent_steps=3, average=True), 1.5)], ids=str
)
def test_other_methods_are_predicted_by_what_they_do(
    saddle: sd.Landscape, origin: CriticalPoint, method: sd.USAM, threshold: float
) -> None:
    map_ = sd.Map(saddle, method, lr=0.02, momentum=0.3)
    assert symbolic.predicted_boundary(map_, origin.eigenvalues).low == pytest.approx(threshold)
    assert analysis.trapping_threshold(map_, origin) == pytest.approx(threshold, rel=1e-3)
    for rho in (0.05, 0.3):
        at = replace(map_, method=replace(method, rho=rho))
        predicted = float(symbolic.predicted_growth(at, torch.as_tensor(origin.eigenvalues)))
        assert analysis.growth_rate(at, origin) == pytest.approx(predicted, rel=1e-4)
    several = replace(map_, method=replace(method, rho=torch.tensor([0.05, 0.3], dtype=torch.float64)))
    assert symbolic.predicted_growth(several, torch.as_tensor(origin.eigenvalues))[1].item() == predicted


@pytest.mark.parametrize("method", [sd.DNSAM(0.0), sd.ASAM(0), sd.SAM(0, ascent_steps=2)], ids=str)
def test_a_normalised_method_without_a_radius_is_gradient_descent(
    saddle: sd.Landscape, origin: CriticalPoint, method: sd.Method
) -> None:
    map_, gd = (sd.Map(saddle, m, lr=0.02, momentum=0.3) for m in (method, sd.GD()))
    eigenvalues = torch.as_tensor(origin.eigenvalues)
    assert symbolic.predicted_growth(map_, eigenvalues) == symbolic.predicted_growth(gd, eigenvalues)
    assert analysis.growth_rate(map_, origin) == analysis.growth_rate(gd, origin)
    nowhere = analysis.Boundary("width", 0.0, 0.0)
    assert symbolic.predicted_boundary(map_, origin.eigenvalues) == nowhere
    if not isinstance(method, sd.ASAM):  # at the origin, where T vanishes, ASAM grows at a rate
        assert analysis.capture_boundary(map_, origin, 1.0, 100) == nowhere
    assert sd.stability(map_, origin).kind == sd.stability(gd, origin).kind == "saddle"
