"""What is derived of a method against the closed forms known of the published ones, and against what is measured."""

import math
from dataclasses import dataclass

import numpy as np
import pytest
import sympy
import torch

import samdyn as sd
from samdyn import analysis, symbolic
from samdyn.methods import Ascent
from samdyn.ops import Point, norm, unit
from samdyn.oracle import Oracle
from samdyn.symbolic.criteria.linearised import characteristic_polynomial
from samdyn.symbolic.growth import effective_curvatures, log_multiplier

RADII = (0.0, 0.2, 0.55, 1.3)
MOMENTA = [(0.0, False), (0.5, False), (0.9, False), (0.5, True), (0.9, True)]
METHODS = [("GD", 1, False), *((m, n, a) for m in ("USAM", "ExactSAM") for n in (1, 2, 3) for a in (False, True))]
SPECTRUM = torch.tensor([-2.0, -0.7, 0.4, 3.0], dtype=torch.float64)


def made(name: str, n: int, average: bool, rho: float) -> sd.Method:
    return sd.GD() if name == "GD" else getattr(sd, name)(rho, ascent_steps=n, average=average)


def curvature(name: str, n: int, average: bool, rho: float, lam: float) -> float:
    """Return the closed form of λₑ: theory 1, 4 and 13."""
    y = 1 + rho * lam / n
    if name == "GD":
        return lam
    if name == "USAM":
        return lam * sum(y**k for k in range(1, n + 1)) / n if average else lam * y**n
    # The gradient of the loss at the ascent's points, (I + ρH/n)ᵏw: λ y²ᵏ.
    return lam * sum(y ** (2 * k) for k in range(1, n + 1)) / n if average else lam * y ** (2 * n)


def growth(curvature: float, lr: float, momentum: float, nesterov: bool) -> float:
    shrink = 1 - lr * curvature
    polynomial = [1, -(1 + momentum) * shrink, momentum * shrink] if nesterov else [1, -(momentum + shrink), momentum]
    return math.log(max(abs(np.roots(polynomial)))) / lr


@pytest.mark.parametrize("rho", RADII)
@pytest.mark.parametrize(("name", "n", "average"), METHODS)
def test_curvatures_and_rates_are_those_of_the_closed_forms(name: str, n: int, average: bool, rho: float) -> None:
    method = made(name, n, average, rho)
    closed = [curvature(name, n, average, rho, lam) for lam in SPECTRUM.tolist()]
    np.testing.assert_allclose(effective_curvatures(method, SPECTRUM).numpy(), closed, rtol=1e-12, atol=1e-15)
    for momentum, nesterov in MOMENTA:
        map_ = sd.Map(sd.landscapes.saddle(), method, lr=0.03, momentum=momentum, nesterov=nesterov)
        expected = max(growth(c, 0.03, momentum, nesterov) for c in closed)
        # NumPy's roots are rounded, near a multiplier of 1, to a share of 1/(1−γ) of the logarithm's unit.
        assert float(symbolic.predicted_growth(map_, SPECTRUM)) == pytest.approx(expected, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("nesterov", [False, True])
def test_the_form_of_the_multipliers_is_that_of_the_maps_own_jacobian(nesterov: bool) -> None:
    pull = sympy.Symbol("p", real=True)
    map_ = sd.Map(sd.landscapes.saddle(), sd.GD(), lr=1.0, momentum=0.5, nesterov=nesterov)
    polynomial = characteristic_polynomial(map_, sympy.Matrix([[pull]])).subs(
        {symbolic.ETA: 1, symbolic.GAMMA: sympy.Rational(7, 10)}
    )
    for value in (-3.0, -0.01, 0.02, 0.4, 2.5, 9.0):
        roots = np.roots([float(c) for c in sympy.Poly(polynomial.subs(pull, value), sympy.Symbol("z")).all_coeffs()])
        found = log_multiplier(torch.tensor(value, dtype=torch.float64), 1.0, 0.7, nesterov)
        assert float(found) == pytest.approx(math.log(max(abs(roots))), rel=1e-12, abs=1e-12)


def thresholds(name: str, n: int, average: bool) -> float:
    """Return the closed form of the threshold at λ = −2 and 2 for small steps."""
    if name != "USAM":
        return math.inf
    if not average:
        return n / 2 if n % 2 else math.inf
    return {1: 0.5, 2: 1.0, 3: 1.5}[n]  # y + y² + … = 0 at y = 0 first


@pytest.mark.parametrize(
    ("name", "n", "average", "momentum", "nesterov"),
    # One step of ascent meets every momentum; several meet the largest, which stands in the same two coefficients.
    [(*method, *momentum) for method in METHODS for momentum in (MOMENTA if method[1] == 1 else MOMENTA[-1:])],
)
def test_thresholds_are_those_of_the_closed_forms(
    name: str, n: int, average: bool, momentum: float, nesterov: bool
) -> None:
    map_ = sd.Map(sd.landscapes.saddle(), made(name, n, average, 0.1), lr=0.01, momentum=momentum, nesterov=nesterov)
    found = symbolic.predicted_boundary(map_, [-2.0, 2.0])
    assert found.quantity == "rho"
    assert found.low == found.high == pytest.approx(thresholds(name, n, average), rel=1e-12)


@pytest.mark.parametrize("rho", RADII)
@pytest.mark.parametrize(("name", "n", "average"), METHODS)
def test_largest_lr_is_that_of_the_closed_forms(name: str, n: int, average: bool, rho: float) -> None:
    for momentum, nesterov in MOMENTA if rho == RADII[1] else MOMENTA[-1:]:  # momentum and radius enter apart
        map_ = sd.Map(
            sd.landscapes.saddle(), made(name, n, average, rho), lr=0.01, momentum=momentum, nesterov=nesterov
        )
        pull = 2 * (1 + momentum) / (1 + 2 * momentum if nesterov else 1)
        for lam in SPECTRUM.tolist():
            c = curvature(name, n, average, rho, lam)
            expected = pull / c if c > 0 else math.inf
            assert symbolic.largest_lr(map_, lam) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("momentum", "nesterov"), MOMENTA)
def test_edges_are_where_the_largest_lr_is_the_own(momentum: float, nesterov: bool) -> None:
    pull = 2 * (1 + momentum) / (1 + 2 * momentum if nesterov else 1)
    for rho in RADII:
        usam = sd.Map(sd.landscapes.saddle(), sd.USAM(rho), lr=0.5, momentum=momentum, nesterov=nesterov)
        closed = (math.sqrt(1 + 4 * rho * pull / 0.5) - 1) / (2 * rho) if rho else pull / 0.5
        assert symbolic.edge_of_stability(usam) == pytest.approx(closed, rel=1e-12)
    for method in (sd.USAM(0.3, ascent_steps=3, average=True), sd.ExactSAM(0.4, ascent_steps=2), Saturated(0.3)):
        map_ = sd.Map(sd.landscapes.saddle(), method, lr=0.5, momentum=momentum, nesterov=nesterov)
        assert symbolic.largest_lr(map_, symbolic.edge_of_stability(map_)) == pytest.approx(0.5, rel=1e-12)


# A user's own methods.


@dataclass(frozen=True)
class Saturated(Ascent):
    """A perturbation of three times ρg near the saddle, and of length 3ρ far away."""

    def direction(self, w: Point, g: Point, grad: Oracle) -> Point:
        return 3 * g / (1 + norm(g))


@dataclass(frozen=True)
class Mixed(Ascent):
    """A perturbation that is normalised in part."""

    def direction(self, w: Point, g: Point, grad: Oracle) -> Point:
        return unit(g) + g


@dataclass(frozen=True)
class Downhill(Ascent):
    """SAM the other way."""

    def direction(self, w: Point, g: Point, grad: Oracle) -> Point:
        return -unit(g)


@dataclass(frozen=True)
class Half(sd.Method):
    """No ascent: half of the gradient here, half of a Hessian-vector product."""

    def __call__(self, w: Point, grad: Oracle) -> Point:
        g = grad(w)
        return g / 2 + grad.hvp(w, g) / 2


@dataclass(frozen=True)
class OnTensorsAlone(Ascent):
    """What formulas do not know."""

    def direction(self, w: Point, g: Point, grad: Oracle) -> Point:
        return torch.tanh(g)


TRAPS = [
    (sd.SAM(0.1), 0.1),
    (sd.DNSAM(0.1), 0.1),
    (sd.SAM(0.1, ascent_steps=2), 0.1),
    (sd.SAM(0.1, ascent_steps=3), 0.1),
    (sd.SAM(0.1, ascent_steps=2, average=True), 0.075),
    (sd.SAM(0.1, ascent_steps=3, average=True), 2 / 45),
    (Mixed(0.1), 0.125),  # ρ/(1 − ρ|λ|)
    (Downhill(0.1), 0.0),
]


@pytest.mark.parametrize(("method", "width"), TRAPS, ids=lambda v: repr(v) if isinstance(v, sd.Method) else "")
def test_widths_of_traps_as_measured(saddle, origin, method: sd.Method, width: float) -> None:
    map_ = sd.Map(saddle, method, lr=0.01)
    predicted = symbolic.predicted_boundary(map_, origin.eigenvalues)
    assert (predicted.quantity, predicted.low) == ("width", pytest.approx(width, rel=1e-14))
    measured = analysis.capture_boundary(map_, origin, 0.4, 3000)
    assert (measured.low, measured.high) == (pytest.approx(width, rel=1e-3), pytest.approx(width, rel=1e-3))


@pytest.mark.parametrize(("lowest", "held"), [(-0.2, False), (-0.25, True)])
def test_a_bounce_along_the_sharpest_direction_lets_go(lowest: float, held: bool) -> None:
    """SAM is held iff |λ₋| > ηλ₁²/(2−ηλ₁) = 0.222, at every ρ  [theory 2]."""
    landscape = sd.landscapes.quadratic((lowest, 2.0))
    (point,) = sd.critical_points(landscape)
    map_ = sd.Map(landscape, sd.SAM(0.1), lr=0.1)
    predicted = symbolic.predicted_boundary(map_, point.eigenvalues)
    assert predicted == analysis.Boundary("width", 0.1 * held, 0.1 * held)
    assert analysis.capture_boundary(map_, point, 0.4, 5000).low == pytest.approx(predicted.low, rel=1e-3)


def test_a_long_step_leaves_the_trap_and_gets_no_formula() -> None:
    """From close to the saddle a step goes η|λ|ρ far."""
    for lr, known in ((0.45, True), (0.55, False)):
        map_ = sd.Map(sd.landscapes.quadratic((-2.0, 0.5)), sd.SAM(0.1), lr=lr)
        assert (symbolic.predicted_boundary(map_, [-2.0, 0.5]) is not None) == known
        assert (float(abs(sd.simulate(map_, [0.001, 0.0], 1).w[0, -1]).max()) < 0.1) == known


def test_a_trap_without_an_edge(saddle, origin) -> None:
    map_ = sd.Map(saddle, Mixed(0.6), lr=0.01)  # ρ|λ| > 1: the gradient's own part holds runs from everywhere
    predicted = symbolic.predicted_boundary(map_, origin.eigenvalues)
    assert (predicted.low, str(predicted)) == (math.inf, "everywhere")
    assert analysis.capture_boundary(map_, origin, 1.0, 3000) == analysis.Boundary("width", 1.0, math.inf)


def test_own_methods_with_a_jacobian(saddle, origin) -> None:
    map_ = sd.Map(saddle, Saturated(0.1), lr=0.01, momentum=0.5, nesterov=True)
    predicted = symbolic.predicted_boundary(map_, origin.eigenvalues)
    assert predicted == analysis.Boundary("rho", 1 / 6, 1 / 6)
    assert analysis.capture_boundary(map_, origin, 0.4, 3000).low == pytest.approx(1 / 6, rel=1e-3)
    assert symbolic.effective_hessian(Half()) == symbolic.LAMBDA * (symbolic.LAMBDA + 1) / 2
    own = sd.Map(saddle, Half(), lr=0.01)
    assert symbolic.predicted_boundary(own, [-0.5, 1.0]).low == math.inf
    assert symbolic.predicted_boundary(own, [-2.0, 1.0]).low == 0
    assert float(symbolic.predicted_growth(own, torch.tensor([-2.0, 1.0]))) == pytest.approx(-1, rel=0.01)


@pytest.mark.parametrize(
    "map_",
    [
        sd.Map(sd.landscapes.saddle(), sd.ASAM(0.1), lr=0.01),
        sd.Map(sd.landscapes.saddle(), sd.ASAM(0.1, weights=(True, False, True)), lr=0.01),
        sd.Map(sd.landscapes.saddle(), sd.UASAM(0.1), lr=0.01),
        sd.Map(sd.landscapes.saddle(), sd.SAM(0.1), lr=0.01, momentum=0.5),
        sd.Map(sd.landscapes.saddle(), OnTensorsAlone(0.1), lr=0.01),
    ],
    ids=lambda map_: repr(map_.method),
)
def test_where_nothing_can_be_derived_there_is_no_formula(map_: sd.Map) -> None:
    assert symbolic.predicted_boundary(map_, [-2.0, 2.0]) is None
    assert symbolic.predicted_growth(map_, torch.tensor([-2.0, 2.0])) is None
    assert symbolic.largest_lr(map_, 2.0) is None
    assert symbolic.edge_of_stability(map_) is None


def test_two_escaping_directions_get_no_width() -> None:
    map_ = sd.Map(sd.landscapes.quadratic((-1.0, -2.0, 1.0)), sd.SAM(0.1), lr=0.01)
    assert symbolic.predicted_boundary(map_, [-2.0, -1.0, 1.0]) is None


def test_the_field_along_a_direction() -> None:
    x, lam = sympy.Symbol("x", positive=True), symbolic.LAMBDA
    assert symbolic.field_along(sd.SAM(0.25), lam) == lam * x + lam**2 / abs(lam) / 4
    two = symbolic.field_along(sd.SAM(sympy.Symbol("r", positive=True), ascent_steps=2), -1)
    values = [two.subs({"r": 1}).subs({sympy.Symbol("r", positive=True): 1, x: at}) for at in (0.25, 0.75, 2)]
    assert values == [-0.25, 0.25, -1]  # across the saddle and back; across it; not so far
    with pytest.raises(sd.InputError, match="depends on where the critical point is"):
        symbolic.field_along(sd.ASAM(0.1), -1.0)
    with pytest.raises(sd.InputError, match="cannot be applied to formulas"):
        symbolic.field_along(OnTensorsAlone(0.1), -1.0)
