"""What interval arithmetic proves about critical points, against landscapes whose points are known."""

from importlib import import_module
from itertools import product

import numpy as np
import pytest
import sympy
from scipy.optimize import brentq

import samdyn as sd
from samdyn.analysis.points.proof.field import GradientField
from samdyn.analysis.points.proof.newton import krawczyk, prove_zeros
from samdyn.analysis.points.proof.pruning import prune

search = import_module("samdyn.analysis.points.critical_points")  # the package has a function of that name

X = sympy.Symbol("x", real=True)
REGULAR = ["beale", "double_well", "himmelblau", "quadratic", "rosenbrock", "saddle"]  # have no degenerate point


@pytest.mark.parametrize("name", sorted(sd.landscapes.catalogue()))
def test_the_whole_catalogue_is_decided(name: str) -> None:
    points = sd.critical_points(sd.landscapes.named(name))
    assert points.complete == (name in REGULAR)
    assert ("there is no other in the box\n" in f"{points}\n") == points.complete
    if not points.complete:  # what is left is thin, and lies around what was found
        assert sum(part.fraction for part in points.unproved) < 1e-3
        assert {part.reason.split()[0] for part in points.unproved} <= {"around", "where"}
        assert points.degenerate or points.sets


WELLS = [(width, seed) for width in (0.005, 0.002, 0.001, 0.0005) for seed in range(3)]


@pytest.mark.parametrize(("width", "seed"), WELLS)
def test_a_narrow_gaussian_well_is_found(width: float, seed: int) -> None:
    """L = r²/2 − exp(−|w − c|²/2s²): its critical points lie on the line through 0 and c.

    At t c/|c| the derivative is t + (t − |c|) exp(−(t − |c|)²/2s²)/s².
    """
    c = np.random.default_rng(seed).uniform(-1.9, 1.9, 2).round(4)
    x0, y0 = c.tolist()
    well = sd.Landscape(
        f"(x**2 + y**2)/2 - exp(-((x - ({x0}))**2 + (y - ({y0}))**2)/(2*{width}**2))", "x y", box=[(-2, 2)] * 2
    )
    found = sd.critical_points(well)
    assert found.complete
    distance = float(np.linalg.norm(c))

    def slope(t: float) -> float:
        return t + (t - distance) * np.exp(-(((t - distance) / width) ** 2) / 2) / width**2

    # Beside 0 the slope vanishes in the well and on its rim, between a few widths before its centre and there.
    minimum = brentq(slope, distance - width / 2, distance + width, xtol=1e-15)
    rim = brentq(slope, distance - 8 * width, distance - width, xtol=1e-15)
    expected = {"minimum": [0.0, minimum], "saddle": [rim]}
    for kind, places in expected.items():
        at = sorted(np.linalg.norm(p.w) for p in found if p.kind == kind)
        assert at == pytest.approx(places, abs=1e-9)
    assert len(found) == 3


@pytest.mark.parametrize("seed", range(6))
def test_polynomials_with_known_zeros(seed: int) -> None:
    """P(u) + Q(v) with given zeros of P' and Q', in coordinates that are turned and stretched, and expanded."""
    rng = np.random.default_rng(seed)
    x, y, t = sympy.symbols("x y t", real=True)
    matrix = sympy.Matrix(2, 2, [sympy.Rational(int(k), 7) for k in rng.choice([-9, -5, 4, 8, 11], 4, replace=False)])
    if matrix.det() == 0:
        matrix += sympy.eye(2)
    zeros = [[sympy.Rational(int(k), 50) for k in np.sort(rng.choice(np.arange(-60, 60), n, False))] for n in (3, 4)]
    u, v = matrix * sympy.Matrix([x, y])
    loss = sum(
        sympy.integrate(sympy.expand(sympy.prod(t - z for z in own)), t).subs(t, coordinate)
        for own, coordinate in zip(zeros, (u, v), strict=True)
    )
    landscape = sd.Landscape(sympy.expand(loss), "x y", box=[(-1, 1.1), (-1.2, 1)])
    found = sd.critical_points(landscape)
    assert found.complete
    expected = [np.array(matrix.inv() * sympy.Matrix(pair), dtype=float)[:, 0] for pair in product(*zeros)]
    inside = [w for w in expected if -1 <= w[0] <= 1.1 and -1.2 <= w[1] <= 1]
    assert len(found) == len(inside) > 0
    for w in inside:
        assert min(np.abs(p.w - w).max() for p in found) < 1e-9


@pytest.mark.parametrize("dim", [1, 3, 4])
def test_other_dimensions(dim: int) -> None:
    """Σ (x² − 1)²/4 + x/10 has three zeros per coordinate."""
    names = [f"x{i}" for i in range(dim)]
    found = sd.critical_points(sd.Landscape("+".join(f"({n}**2 - 1)**2/4 + {n}/10" for n in names), names))
    assert found.complete
    assert len(found) == 3**dim


def test_the_proof_finds_what_the_search_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "_newton", lambda landscape, starts, extent: np.empty((0, landscape.dim)))
    found = sd.critical_points(sd.landscapes.himmelblau())
    assert found.complete
    assert sorted(p.kind for p in found) == ["maximum"] + 4 * ["minimum"] + 4 * ["saddle"]
    gradients = [np.linalg.norm(sd.landscapes.himmelblau().grad(p.w).numpy()) for p in found]
    assert max(gradients) < 1e-11  # rounding: curvatures of 100 times 1e-15 times a few terms


@pytest.mark.parametrize(
    ("formula", "reason"),
    [
        ("x**4 + y**2", "around the degenerate point at (0, 0)"),
        ("(x**2 + y**2 - 1)**2", "around the curve of minima, through"),
        ("x**2", "around the curve of minima, through"),
        ("abs(x - 1/3) + y**2", "where the formula has a kink"),
        ("relu(x - y) - x/2 + y**2", "where the formula has a kink"),
    ],
)
def test_what_cannot_be_proved_is_listed(formula: str, reason: str) -> None:
    found = sd.critical_points(sd.Landscape(formula, "x y"))
    assert not found.complete
    assert [part.reason.startswith(reason) for part in found.unproved] == [True]
    assert found.unproved[0].fraction < 0.01
    assert reason in str(found)
    assert reason in found._repr_html_()


def test_the_unproved_boxes_hold_the_critical_points() -> None:
    """The minimum of |x − 1/3| + y² at its kink, and every point of a circle of minima."""
    (kink,) = sd.critical_points(sd.Landscape("abs(x - 1/3) + y**2", "x y")).unproved
    assert kink.touches(np.array([1 / 3, 0.0]), 0.0)
    assert np.diff(kink.boxes, axis=2).max() < 1e-7
    (circle,) = sd.critical_points(sd.Landscape("(x**2 + y**2 - 1)**2", "x y")).unproved
    for angle in np.linspace(0, 2 * np.pi, 1000):
        assert circle.touches(np.array([np.cos(angle), np.sin(angle)]), 1e-9)
    assert not circle.touches(np.array([0.9, 0.0]), 1e-9)


def test_zeros_too_close_for_the_smallest_box_are_no_proof() -> None:
    """x³/3 − 1e-20 x has zeros at ±1e-10, within one of the smallest boxes, 6e-9 wide."""
    found = sd.critical_points(sd.Landscape("x**3/3 - 1e-20*x + y**2/2", "x y"))
    assert not found.complete
    assert any(part.touches(np.array([1e-10, 0.0]), 0.0) for part in found.unproved)


def test_kinks_that_no_point_lies_on() -> None:
    """At the kink of 3x + |x| the gradient jumps from 2 to 4, and does not vanish."""
    assert sd.critical_points(sd.Landscape("3*x + abs(x) + y**2", "x y")).complete


@pytest.mark.parametrize(
    ("formula", "points", "complete"),
    [
        ("1/x + x + y**2", 2, True),  # a minimum at 1 and a maximum at −1
        ("x - log(x + 4) + y**2", 1, True),  # on the edge of the box, at −3
        ("x - log(x) + y**2", 1, False),  # the gradient has a pole at the edge of the domain
        ("x/y + y", 0, False),  # its gradient is (1/y, 1 − x/y²): nothing is known at y = 0
    ],
)
def test_poles_and_edges_of_the_domain(formula: str, points: int, complete: bool) -> None:
    found = sd.critical_points(sd.Landscape(formula, "x y"))
    assert (len(found), found.complete) == (points, complete)


def test_a_landscape_without_a_formula_or_with_many_coordinates() -> None:
    found = sd.critical_points(sd.landscapes.quadratic(np.linspace(1, 2, 33)))
    assert not found.complete
    assert "not proved complete: the landscape has more than 32 coordinates" in str(found)
    assert found.unproved[0].fraction == 1


def test_samples() -> None:
    line = sd.SampleLandscape("(a*x + b - y)**2/2", "a b", {"x": [0, 1, 2], "y": [0, 1, 3]})
    assert sd.critical_points(line).complete
    many = sd.SampleLandscape("(a*x - y)**2/2", "a", {"x": np.ones(200), "y": np.ones(200)})
    assert "more than 100 samples" in str(sd.critical_points(many))


def test_a_budget_of_boxes(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left when the work ends is unproved, and holds the points that were not reached."""
    landscape = sd.landscapes.himmelblau()
    monkeypatch.setattr("samdyn.analysis.points.proof.pruning.MAX_WORK", 1)
    found = sd.critical_points(landscape)
    assert not found.complete
    assert "where the proof stopped" in found.unproved[0].reason
    assert len(found) == 9


def test_krawczyk_decides_single_boxes() -> None:
    """x² − 1 has one zero in [0.9, 1.2], none in [2, 3], two in [−2, 2], and none in [1.001, 1.2], close to one."""
    field = GradientField(X**3 / 3 - X, (X,))
    step = krawczyk(field, np.array([[0.9, 2.0, -2.0, 1.001]]), np.array([[1.2, 3.0, 2.0, 1.2]]))
    assert step.exists.tolist() == [True, False, False, False]
    assert step.empty.tolist()[:3] == [False, True, False]
    assert step.single.tolist() == [True, True, False, True]
    zeros, proved = prove_zeros(field, np.array([[1.0 + 1e-9], [0.3]]), np.array([20.0]))
    assert proved.tolist() == [True, False]
    assert zeros.low[0] <= 1 <= zeros.high[0]
    assert zeros.high[0] - zeros.low[0] < 1e-12
    assert zeros.alone_low[0] > -1  # the other zero is outside


def test_no_zero_is_ever_lost() -> None:
    """Every zero of random trigonometric fields lies in a zone or in an unproved box, whatever the budget."""
    x, y = sympy.symbols("x y", real=True)
    field = GradientField(sympy.sin(3 * x + y) + sympy.cos(2 * y - x) + x * y / 5, (x, y))
    landscape = sd.Landscape("sin(3*x + y) + cos(2*y - x) + x*y/5", "x y")
    known = np.array([p.w for p in sd.critical_points(landscape)])
    low, high = np.array([-3.0, -3.0]), np.array([3.0, 3.0])
    pruned = prune(field, low, high, np.empty((0, 2)), np.empty((0, 2)), [])
    assert not pruned.unproved
    inside = known[((known > low) & (known < high)).all(1)]
    assert len(inside) > 10
    for w in inside:
        distances = np.maximum(pruned.zones.low - w, w - pruned.zones.high).max(1)
        assert (distances < 1e-9).sum() == 1


@pytest.mark.parametrize("scale", ["1e-250", "1e-14", "1e14", "1e200"])
def test_units_of_the_loss(scale: str) -> None:
    assert sd.critical_points(sd.Landscape(f"{scale}*((x**2 - 1)**2/4 + y**2)", "x y")).complete


@pytest.mark.parametrize("half", [1e-90, 1e-6, 1e90])
def test_units_of_the_coordinates(half: float) -> None:
    assert sd.critical_points(sd.landscapes.saddle(), [(-half, 2 * half)] * 2).complete
