"""The edge that depends on the gradient norm, beside those that do not and beside the closed form."""

from dataclasses import dataclass

import numpy as np
import pytest

import samdyn as sd
from samdyn import symbolic, theory
from samdyn.checks import InputError
from samdyn.ops import Point, dot
from samdyn.oracle import Oracle

NORMS = np.array([[1e-6, 0.1, 1.0], [30.0, np.inf, 0.0]])
SCENE = sd.landscapes.saddle()


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("nesterov", [False, True])
def test_methods_with_a_jacobian_have_one_edge(momentum: float, nesterov: bool) -> None:
    if nesterov and not momentum:
        return
    for method in (sd.GD(), sd.USAM(0.3)):
        map_ = sd.Map(SCENE, method, lr=0.25, momentum=momentum, nesterov=nesterov)
        edges = symbolic.edge_at_gradient(map_, NORMS)
        np.testing.assert_allclose(edges.ravel()[:4], symbolic.edge_of_stability(map_), rtol=1e-12)
        assert np.isnan(edges.ravel()[4:]).all()


@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_sam_has_usams_edge_of_the_radius_over_the_norm(momentum: float) -> None:
    map_ = sd.Map(SCENE, sd.SAM(0.05), lr=0.2 * (1 + momentum), momentum=momentum)
    norms = NORMS.ravel()[:4]
    expected = theory.edge_of_stability(lr=0.2, rho=0.05 / norms)
    np.testing.assert_allclose(symbolic.edge_at_gradient(map_, norms), expected, rtol=1e-9)
    assert symbolic.edge_of_stability(map_) is None
    assert symbolic.edge_at_gradient(map_, 2.0).shape == ()


@dataclass(frozen=True)
class Still(sd.Method):
    """It does not move."""

    def __call__(self, w: Point, grad: Oracle) -> Point:
        return 0 * grad(w)


@dataclass(frozen=True)
class Damped(sd.Method):
    """Its step is shorter where the curvature is high."""

    def __call__(self, w: Point, grad: Oracle) -> Point:
        g = grad(w)
        return g / (1 + dot(grad(w + g) - g, grad(w + g) - g))


def test_a_method_that_never_grows_has_no_edge() -> None:
    assert symbolic.edge_at_gradient(sd.Map(SCENE, Still(), lr=0.1), [1.0]).tolist() == [np.inf]


def test_a_curvature_that_is_no_polynomial_is_refused() -> None:
    with pytest.raises(InputError, match="no polynomial in λ"):
        symbolic.edge_at_gradient(sd.Map(SCENE, Damped(), lr=0.1), [1.0])
