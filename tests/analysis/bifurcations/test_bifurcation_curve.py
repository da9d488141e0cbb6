"""Curves of bifurcations over two parameters, and the points of codimension two on them, against closed forms."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch

import samdyn as sd
from samdyn.analysis import Bifurcation, BifurcationCurve, bifurcation_curve, branch

from ..orbits.fields import FLAT, HUMP

EXACT = 1e-9  # error of parameters of order 1; the curves solve their equations to rounding


def only(kind: str, found: tuple[Bifurcation, ...]) -> Bifurcation:
    return next(b for b in found if b.kind == kind)


def located(curve: BifurcationCurve) -> list[tuple[str, tuple[float, ...]]]:
    """Return the kinds and parameters of the points of codimension two, rounded, in a fixed order."""
    return sorted((p.kind, tuple((p.parameters.round(8) + 0.0).tolist())) for p in curve.points)


CUSP = sd.Landscape("x**4/4 - b*x**2/2 - a*x", "x", parameters={"a": 0, "b": 1})
VALLEY = sd.Landscape("(x**2 + a*y**2)/2", "x y", parameters={"a": -1})


@pytest.mark.parametrize(
    "system", [sd.Flow(CUSP, sd.GD()), sd.Map(CUSP, sd.USAM(0.05), lr=0.1, momentum=0.5)], ids=["flow", "map"]
)
def test_folds_meet_at_a_cusp(system: Any) -> None:
    """x³ − bx = a has two equal roots where 27a² = 4b³."""
    fold = branch(system, [0.8], "a", (-0.4, -0.3), at=-0.35).bifurcations[0]
    curve = bifurcation_curve(system, fold, ("a", "b"), ((-1, 1), (-1, 1.02)))
    a, b = curve.parameters.T
    np.testing.assert_allclose(27 * a**2, 4 * b**3, atol=EXACT)
    assert (curve.kind, located(curve)) == ("fold", [("cusp", (0, 0))])
    assert curve.parameters[[0, -1], 1] == pytest.approx(1.02)
    assert curve.ends == ("reached the limits", "reached the limits")
    assert np.abs(curve.multipliers - (1 if isinstance(system, sd.Map) else 0)).min(1).max() < 1e-7


@pytest.mark.parametrize(
    "system",
    [sd.Flow(VALLEY, sd.USAM(0.1)), sd.Map(VALLEY, sd.USAM(0.1), lr=0.01, momentum=0.9)],
    ids=["flow", "map"],
)
def test_the_threshold_of_usam(system: Any) -> None:
    """A saddle attracts from ρ = 1/|λ| on  [K23, Theorem 1]."""
    threshold = only("branch point", branch(system, (0, 0), "rho", (0.8, 1.2)).bifurcations)
    curve = bifurcation_curve(system, threshold, ("rho", "a"), ((0.1, 2), (-4, -0.1)))
    rho, a = curve.parameters.T
    np.testing.assert_allclose(rho * a, -1, rtol=EXACT)
    assert (curve.kind, curve.points) == ("branch point", ())  # the loss is quadratic
    assert np.sort(rho[[0, -1]]) == pytest.approx([0.25, 2])


def test_pitchforks_and_where_they_turn() -> None:
    """On the slow manifold y = −bx² the loss is (1/4 − b²/2)x⁴ − ax²/2, so the pitchforks change sides at b² = 1/2."""
    bent = sd.Landscape("x**4/4 - a*x**2/2 + y**2/2 + b*y*x**2", "x y", parameters={"a": 0.5, "b": 0.3})
    flow = sd.Flow(bent, sd.GD())
    (pitchfork,) = branch(flow, (0, 0), "a", (-1, 1)).bifurcations
    curve = bifurcation_curve(flow, pitchfork, ("b", "a"), ((-1, 2), (-1, 1)))
    half = round(0.5**0.5, 8)
    assert located(curve) == [("degenerate pitchfork", (-half, 0)), ("degenerate pitchfork", (half, 0))]
    assert curve.kind == "pitchfork"
    b = curve.parameters[:, 0]
    np.testing.assert_allclose(curve.coefficient, 36 * (2 * b**2 - 1), atol=1e-7)  # the box is 6 wide: ẋ ∝ 36x³
    assert str(curve).startswith("pitchfork over (b, a) from (-1, 0) to (2, 0), degenerate pitchfork at (-0.707107, 0)")


def test_transcritical_points() -> None:
    """ẋ = ax − bx² with b = c − 1/2 is degenerate at c = 1/2."""
    flow = sd.Flow(sd.Landscape("(c - 1/2)*x**3/3 - a*x**2/2 + x**4/4", "x", parameters={"a": 1, "c": 1}), sd.GD())
    crossing = only("branch point", branch(flow, (0,), "a", (-1, 1)).bifurcations)
    curve = bifurcation_curve(flow, crossing, ("a", "c"), ((-1, 1), (0, 1)))
    assert (curve.kind, located(curve)) == ("transcritical", [("degenerate transcritical", (0, 0.5))])
    assert np.abs(curve.coefficient) == pytest.approx(6 * np.abs(curve.parameters[:, 1] - 0.5), abs=1e-8)


def test_a_crossing_that_does_not_persist() -> None:
    """ẋ = ax − x² + c has a branch point at c = 0 alone."""
    flow = sd.Flow(sd.Landscape("x**3/3 - a*x**2/2 - c*x", "x", parameters={"a": 1, "c": 0}), sd.GD())
    (crossing,) = branch(flow, (0,), "a", (-1, 1)).bifurcations
    with pytest.raises(sd.InputError, match="the branch point does not persist as a and c vary"):
        bifurcation_curve(flow, crossing, ("a", "c"), ((-1, 1), (-1, 1)))


@pytest.mark.parametrize("nesterov", [False, True])
def test_flips_of_momentum(nesterov: bool) -> None:
    """ηλ = 2(1 + γ), with Nesterov's form 2(1 + γ)/(1 + 2γ)."""
    line = sd.Landscape("c*x**2/2", "x", parameters={"c": 2})
    map_ = sd.Map(line, sd.GD(), lr=0.1, momentum=0.5, nesterov=nesterov)
    (flip,) = branch(map_, (0,), "lr", (0.7, 1.6)).bifurcations
    curve = bifurcation_curve(map_, flip, ("lr", "momentum"), ((0.1, 3.0), (0.1, 0.9)))
    lr, momentum = curve.parameters.T
    np.testing.assert_allclose(lr, (1 + momentum) / (1 + 2 * momentum if nesterov else 1), atol=EXACT)
    assert np.sort(momentum[[0, -1]]) == pytest.approx([0.1, 0.9])
    np.testing.assert_allclose(curve.critical, -1)


def test_flips_of_a_cycle() -> None:
    """The cycle of period 2 of GD on x⁴/4 − ax²/2 flips at aη = √5 − 1: in units of √a the map depends on aη alone."""
    well = sd.Landscape("x**4/4 - a*x**2/2", "x", parameters={"a": 1.0}, box=[(-2, 2)])
    map_ = sd.Map(well, sd.GD(), lr=1.2)
    x = 1.2
    for _ in range(200):
        x -= 1.2 * (x**3 - x)
    second = only("flip", branch(map_, (x,), "lr", (1.2, 1.25), period=2).bifurcations)
    curve = bifurcation_curve(map_, second, ("lr", "a"), ((0.8, 2), (0.7, 1.5)))
    np.testing.assert_allclose(curve.parameters.prod(1), 5**0.5 - 1, rtol=EXACT)
    assert curve.w.shape[1:] == (2, 1)


@dataclass(frozen=True)
class BogdanovTakens(sd.Method):
    """ẋ = y, ẏ = a + by + x² + xy: folds at a = 0, Hopf points of x = −√(−a) at b = √(−a)."""

    a: float
    b: float

    def __call__(self, w: Any, grad: Any) -> Any:
        x, y = w
        return -torch.stack([y, self.a + self.b * y + x * x + x * y])


def test_a_bogdanov_takens_point() -> None:
    flow = sd.Flow(FLAT, BogdanovTakens(-0.5, 0.0))
    hopf = only("Hopf", branch(flow, (-0.7, 0), "b", (0.5, 0.9), at=0.6).bifurcations)
    curve = bifurcation_curve(flow, hopf, ("a", "b"), ((-1, 1), (-1, 2)))
    a, b = curve.parameters.T
    np.testing.assert_allclose(b**2, -a, atol=EXACT)
    assert set(curve.ends) == {"the pair becomes real", "reached the limits"}
    inside = a < -1e-3
    np.testing.assert_allclose(curve.critical[inside] ** 2, -2 * (-a[inside]) ** 0.5, atol=1e-7)  # ω² = 2√(−a)
    assert (curve.coefficient[inside] > 0).all()  # the cycles repel
    fold = only("fold", branch(flow, (-0.3, 0), "a", (-0.1, 0.1), at=-0.09).bifurcations)
    folds = bifurcation_curve(flow, fold, ("a", "b"), ((-1, 1), (-1, 2)))
    assert np.abs(folds.parameters[:, 0]).max() < EXACT
    assert located(curve) == located(folds) == [("Bogdanov–Takens", (0, 0))]


@dataclass(frozen=True)
class Rotating(sd.Method):
    """A step w ← (1 + μ + βr² − r⁴)·Rw with the rotation R by the angle θ, or the flow r′ = r(μ + βr² − r⁴), θ′ = 1.

    The state is (x, v) with y = v + vx/2 + x²/2, so that the step and the field have quadratic terms too.
    """

    mu: float
    beta: float
    angle: float | None = None

    def __call__(self, w: Any, grad: Any) -> Any:
        x, v = w
        y = v + v * x / 2 + x**2 / 2
        growth = self.mu + self.beta * (x * x + y * y) - (x * x + y * y) ** 2
        if self.angle is None:
            slope = x * growth - y
            return -torch.stack([slope, (y * growth + x - (x + v / 2) * slope) / (1 + x / 2)])
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        x, y = (1 + growth) * (cos * x - sin * y), (1 + growth) * (sin * x + cos * y)
        return w - torch.stack([x, (y - x**2 / 2) / (1 + x / 2)])


@pytest.mark.parametrize("is_map", [False, True])
def test_where_the_first_lyapunov_coefficient_vanishes(is_map: bool) -> None:
    """At β = 0; the coefficient is 2β for |q| = 1, here with a box 4 wide."""
    method = Rotating(-0.5, -0.7, 0.5 if is_map else None)
    system = sd.Map(FLAT, method, lr=1.0) if is_map else sd.Flow(FLAT, method)
    (start,) = branch(system, (0, 0), "mu", (-0.5, 0.5)).bifurcations
    curve = bifurcation_curve(system, start, ("mu", "beta"), ((-0.5, 0.5), (-1, 1)))
    assert np.abs(curve.parameters[:, 0]).max() < EXACT
    assert located(curve) == [("Chenciner" if is_map else "generalised Hopf", (0, 0))]
    np.testing.assert_allclose(curve.coefficient, 2 * 4**2 * curve.parameters[:, 1], atol=1e-7)


@dataclass(frozen=True)
class Flipping(sd.Method):
    """x ← −(1 + μ)x + x²/2 + βx³: the cubic coefficient is β + 1/4."""

    mu: float
    beta: float

    def __call__(self, w: Any, grad: Any) -> Any:
        return (2 + self.mu) * w - w**2 / 2 - self.beta * w**3


def test_where_the_coefficient_of_a_flip_vanishes() -> None:
    map_ = sd.Map(sd.Landscape("0*x", "x", box=[(-2, 2)]), Flipping(-0.1, 0.5), lr=1.0)
    (flip,) = branch(map_, (0,), "mu", (-0.1, 0.1)).bifurcations
    curve = bifurcation_curve(map_, flip, ("mu", "beta"), ((-1, 1), (-1, 1)))
    assert located(curve) == [("generalised flip", (0, -0.25))]
    np.testing.assert_allclose(curve.coefficient, 4**2 * (curve.parameters[:, 1] + 0.25), atol=1e-7)


@dataclass(frozen=True)
class Delayed(sd.Method):
    """(x, y) ← (y, −px + qy + y²x): multipliers −1 at p + q = −1, 1 at q − p = 1, and a pair e^{±iθ} at p = 1."""

    p: float
    q: float

    def __call__(self, w: Any, grad: Any) -> Any:
        x, y = w
        return -torch.stack([y - x, -self.p * x + self.q * y + y * y * x - y])


def test_resonances_where_curves_meet() -> None:
    """q = 2 cos θ on p = 1; flips end at the resonance 1:2 at q = −2, the pitchforks at 1:1 at q = 2."""
    ranges = ("p", "q"), ((-1.2, 1.2), (-2.3, 2.3))
    map_ = sd.Map(FLAT, Delayed(0.5, 1.0), lr=1.0)
    pair = only("Neimark–Sacker", branch(map_, (0, 0), "p", (0.9, 1.1)).bifurcations)
    curve = bifurcation_curve(map_, pair, *ranges)
    p, q = curve.parameters.T
    assert np.abs(p - 1).max() < EXACT
    np.testing.assert_allclose(2 * curve.critical.real, q, atol=1e-7)
    assert curve.ends == ("the pair becomes real", "the pair becomes real")
    at = {"1:1 resonance": 2, "1:2 resonance": -2, "1:3 resonance": -1, "1:4 resonance": 0}
    assert located(curve) == [(name, (1, value)) for name, value in at.items()]
    map_ = sd.Map(FLAT, Delayed(0.5, -1.0), lr=1.0)
    flip = only("flip", branch(map_, (0, 0), "q", (-1.6, -1.4)).bifurcations)
    flips = bifurcation_curve(map_, flip, *ranges)
    assert np.abs(flips.parameters.sum(1) + 1).max() < EXACT
    assert located(flips) == [("1:2 resonance", (1, -2)), ("fold–flip", (-1, 0))]
    fork = only("branch point", branch(map_, (0, 0), "q", (1.4, 1.6)).bifurcations)
    forks = bifurcation_curve(map_, fork, *ranges)
    assert np.abs(forks.parameters[:, 1] - forks.parameters[:, 0] - 1).max() < EXACT
    assert (forks.kind, located(forks)) == ("pitchfork", [("1:1 resonance", (1, 2)), ("pitchfork–flip", (-1, 0))])


@dataclass(frozen=True)
class Uncoupled(sd.Method):
    """r′ = r(μ − r²), θ′ = 1, and u̇ = ν − u² or, in four coordinates, a second such pair with ν and the frequency 2."""

    mu: float
    nu: float

    def __call__(self, w: Any, grad: Any) -> Any:
        x, y, *rest = w
        growth = self.mu - x * x - y * y
        first = [x * growth - y, y * growth + x]
        if len(rest) == 1:
            return -torch.stack([*first, self.nu - rest[0] ** 2])
        u, v = rest
        second = self.nu - u * u - v * v
        return -torch.stack([*first, u * second - 2 * v, v * second + 2 * u])


@pytest.mark.parametrize(
    ("names", "start", "over", "kind", "point"),
    [
        ("x y u", (0, 0, 0.2), "nu", "fold", "fold–Hopf"),
        ("x y u", (0, 0, 0.7), "mu", "Hopf", "fold–Hopf"),
        ("x y u v", (0, 0, 0, 0), "mu", "Hopf", "double Hopf"),
    ],
)
def test_a_second_critical_multiplier(names: str, start: tuple, over: str, kind: str, point: str) -> None:
    size = len(names.split())
    space = sd.Landscape(" + ".join(f"0*{name}" for name in names.split()), names, box=[(-2, 2)] * size)
    flow = sd.Flow(space, Uncoupled(-0.5, 0.5 if size == 3 else -0.5))
    at = 0.04 if over == "nu" else -0.04
    (crossing,) = branch(flow, start, over, (-0.05, 0.05), at=at).bifurcations
    curve = bifurcation_curve(flow, crossing, ("mu", "nu"), ((-1, 1), (-1, 1)))
    assert np.abs(curve.parameters[:, int(over == "nu")]).max() < EXACT
    assert (curve.kind, located(curve)) == (kind, [(point, (0, 0))])


@dataclass(frozen=True)
class RotatingAndFlipping(sd.Method):
    """w ← (1 + μ − r²)·Rw in x and y, u ← −(1 + ν)u + u³."""

    mu: float
    nu: float

    def __call__(self, w: Any, grad: Any) -> Any:
        x, y, u = w
        growth = 1 + self.mu - x * x - y * y
        return w - torch.stack([growth * (0.6 * x - 0.8 * y), growth * (0.8 * x + 0.6 * y), u**3 - (1 + self.nu) * u])


@pytest.mark.slow
def test_a_flip_beside_a_pair() -> None:
    space = sd.Landscape("0*x + 0*y + 0*u", "x y u", box=[(-2, 2)] * 3)
    map_ = sd.Map(space, RotatingAndFlipping(-0.04, -0.04), lr=1.0)
    for over in ("mu", "nu"):
        (crossing,) = branch(map_, (0, 0, 0), over, (-0.05, 0.05)).bifurcations
        curve = bifurcation_curve(map_, crossing, ("mu", "nu"), ((-0.5, 0.5), (-0.5, 0.5)))
        assert np.abs(curve.parameters[:, int(over == "nu")]).max() < EXACT
        assert located(curve) == [("flip–Neimark–Sacker", (0, 0))]


@pytest.mark.slow
def test_hopf_points_of_usam_agree_with_those_of_branches() -> None:
    """The trace vanishes along the curve, and a branch at another value of a finds the same point."""
    flow = sd.Flow(sd.Landscape(HUMP + " + a*x", "x y", parameters={"a": 0}), sd.USAM(0.1825))
    hopf = only("Hopf", branch(flow, (2.17, -1.0867), "rho", (0.182, 0.183), at=0.1825).bifurcations)
    curve = bifurcation_curve(flow, hopf, ("rho", "a"), ((0.1, 0.3), (-0.01, 0.05)))
    for (rho, a), z in zip(curve.parameters[::3], curve.z[::3], strict=True):
        there = sd.analysis.with_parameters(flow, {"rho": rho, "a": a})
        assert abs(there.jacobian_at(torch.as_tensor(z)).trace()) < 1e-8
        assert np.abs(there(torch.as_tensor(z)).numpy()).max() < 1e-8
    (rho, a), z = curve.parameters[-1], curve.z[-1]
    other = sd.analysis.with_parameters(flow, {"a": a})
    again = only("Hopf", branch(other, z, "rho", (rho - 2e-4, rho + 2e-4), at=rho + 1e-4).bifurcations)
    assert again.parameter == pytest.approx(rho, abs=1e-9)


def test_bad_input() -> None:
    flow = sd.Flow(CUSP, sd.GD())
    fold = branch(flow, [0.8], "a", (-0.5, -0.2), at=-0.3).bifurcations[0]
    both = ((-1, 1), (-1, 2))
    for names, limits, message in (
        (("a", "c"), both, r"has no parameter of this name\. It has: a, b"),
        (("a", "x"), both, "has no parameter of this name"),
        (("a", "a"), both, "both are the same"),
        (("b",), both, "must be a tuple"),
        (("a", "b"), ((-1, 1), (2, -1)), "the lower first"),
        (("a", "b"), ((-1, 1), (2, 3)), r"b = 1.0: the start lies outside the limits \(2.0, 3.0\)"),
        (("a", "b"), ((0, 1), (-1, 2)), "the start lies outside the limits"),
    ):
        with pytest.raises(sd.InputError, match=message):
            bifurcation_curve(flow, fold, names, limits)  # type: ignore[arg-type]
    twice = sd.Flow(sd.Landscape("mu*x**2/2 + y**2", "x y", parameters={"mu": 1}), Uncoupled(0.5, 0.5))
    with pytest.raises(sd.InputError, match="both the landscape and Uncoupled have a parameter of this name"):
        bifurcation_curve(twice, fold, ("mu", "nu"), both)
    with pytest.raises(sd.InputError, match="must be a Bifurcation"):
        bifurcation_curve(flow, (1.0,), ("a", "b"), both)  # type: ignore[arg-type]
    line = sd.Landscape("c*x**2/2", "x", parameters={"c": 2})
    map_ = sd.Map(line, sd.GD(), lr=0.1)
    (flip,) = branch(map_, (0,), "lr", (0.9, 1.1)).bifurcations
    with pytest.raises(sd.InputError, match=r"start = 'flip': no bifurcation of flows has this kind"):
        bifurcation_curve(flow, flip, ("a", "b"), both)
    with pytest.raises(sd.InputError, match=r"located over another parameter.*Include 'lr'"):
        bifurcation_curve(map_, flip, ("momentum", "c"), ((0.1, 0.9), (1, 3)))
    with pytest.raises(sd.InputError, match="finds no flip near it"):
        bifurcation_curve(sd.Map(line.with_parameters(c=1), sd.GD(), lr=0.1), flip, ("lr", "c"), ((0.1, 3), (0.5, 3)))
    round_ = sd.Map(sd.Landscape("c*(x**2 + y**2)/2", "x y", parameters={"c": 2}), sd.GD(), lr=0.1)
    (double,) = branch(round_, (0, 0), "lr", (0.9, 1.1)).bifurcations
    with pytest.raises(sd.InputError, match="2 multipliers cross at once"):
        bifurcation_curve(round_, double, ("lr", "c"), ((0.1, 3), (0.5, 3)))
