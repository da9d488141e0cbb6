"""Degenerate points, curves of critical points, exact ones, and the count that checks them all."""

import subprocess
import sys
from importlib import import_module

import numpy as np
import pytest
import sympy
import torch

import samdyn as sd
from samdyn import analysis
from samdyn.analysis.points.degree import cell_degrees

module = import_module("samdyn.analysis.points.critical_points")  # the package has a function of that name

HALF = sympy.Rational(1, 2)
POLYNOMIAL = ["beale", "himmelblau", "rosenbrock", "double_well", "saddle", "product", "monkey_saddle", "one_neuron"]


@pytest.mark.parametrize("name", ["beale", "himmelblau", "rosenbrock", "double_well", "saddle"])
def test_the_degree_accounts_for_every_cell(name: str) -> None:
    points = sd.critical_points(sd.landscapes.named(name))
    assert points.balanced
    assert not points.degenerate
    assert not points.sets


def test_the_check_notices_a_lost_point(monkeypatch: pytest.MonkeyPatch) -> None:
    """A search that never sees the maximum of Himmelblau's function."""
    real = module._newton

    def blind(*arguments: object) -> np.ndarray:
        w = real(*arguments)
        return w[np.abs(w - [-0.270845, -0.923039]).max(axis=1) > 1e-3]

    monkeypatch.setattr(module, "_newton", blind)
    monkeypatch.setattr("samdyn.analysis.points.proof.landscape.MAX_DIM", 1)  # no proof, which would find it
    points = sd.critical_points(sd.landscapes.himmelblau())
    assert len(points) == 8
    assert not points.balanced
    (((x0, x1), (y0, y1)),) = points.missing
    assert x0 < -0.270845 < x1
    assert y0 < -0.923039 < y1
    assert "points are missing in 1 cells" in str(points)


def test_the_check_sends_the_search_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a search from three starts, most points are found only where the degree asks for them."""
    monkeypatch.setattr(module, "STARTS", 4)
    points = sd.critical_points(sd.landscapes.himmelblau())
    assert len(points) == 9
    assert points.balanced


@pytest.mark.parametrize("name", POLYNOMIAL)
def test_exact_points_are_those_found_numerically(name: str) -> None:
    landscape = sd.landscapes.named(name)
    exact, found = analysis.exact_critical_points(landscape), sd.critical_points(landscape)
    low, high = np.array(landscape.box).T
    there = np.array([[float(c) for c in p] for p in exact.points]).reshape(-1, 2)
    there = there[((there >= low) & (there <= high)).all(axis=1)]
    numeric = np.array([p.w for p in (*found, *found.degenerate)]).reshape(-1, 2)
    assert len(there) == len(numeric)
    for point in there:
        assert np.abs(numeric - point).max(axis=1).min() < 1e-10
    w = np.vstack([s.w for s in found.sets]) if found.sets else np.empty((0, 2))
    assert bool(exact.sets) == bool(found.sets)
    for point in w:
        residuals = [abs(f.subs(dict(zip(landscape.symbols, point, strict=True)))) for f in exact.sets]
        assert min(residuals) < 1e-9


def test_exact_points_of_beale() -> None:
    points = analysis.exact_critical_points(sd.landscapes.beale()).points
    assert {(0, 1), (3, sympy.Rational(1, 2))} < set(points)
    (other,) = set(points) - {(0, 1), (3, sympy.Rational(1, 2))}
    assert [float(c) for c in other] == pytest.approx([0.1005, -2.6445], abs=1e-4)


EXACT_SETS = {  # formula: isolated points, sets
    "(x**2 + y**2 + 1)**2": ([(0, 0)], []),
    "(x**2 + y**2)**2": ([(0, 0)], []),
    "((x - 1/7)**2 + (y + 1/5)**2)**2": ([(HALF * 2 / 7, -HALF * 2 / 5)], []),
    "(x**2 + y**2 - 0.01)**2": ([(0, 0)], ["100*x**2 + 100*y**2 - 1"]),
    "((x - 20)**2 + (y - 20)**2 - 1)**2": ([(20, 20)], ["x**2 - 40*x + y**2 - 40*y + 799"]),
    "(x**2 + y**2)**2 * (x - 1)**2": ([(0, 0), (HALF * 4 / 3, 0)], ["x - 1"]),
    "(y**2 - x**3)**2": ([], ["x**3 - y**2"]),  # a cusp
    "(x**2 - 2*y**2)**2": ([], ["x**2 - 2*y**2"]),  # two lines, of irrational slope
    # Motzkin's polynomial, which vanishes at four points and is no sum of squares; a little more never vanishes.
    "(x**4*y**2 + x**2*y**4 - 3*x**2*y**2 + 1)**2": ([(a, b) for a in (-1, 1) for b in (-1, 1)], ["x", "y"]),
    "(x**4*y**2 + x**2*y**4 - 3*x**2*y**2 + 1.0001)**2": ([(a, b) for a in (-1, 1) for b in (-1, 1)], ["x", "y"]),
    "(x**2 + y**2 + z**2)**2": ([(0, 0, 0)], []),
    "(x**2 + y**2 + z**2 + x*y + 1)**2": ([(0, 0, 0)], []),
    "((x - 9)**2 + y**2 + z**2 - 1e-6)**2": (
        [(9, 0, 0)],
        ["1000000*x**2 - 18000000*x + 1000000*y**2 + 1000000*z**2 + 80999999"],
    ),
    "(a*b + c*d - 1)**2": ([(0, 0, 0, 0)], ["a*b + c*d - 1"]),
}


@pytest.mark.parametrize("formula", EXACT_SETS)
def test_what_common_factors_of_the_gradient_vanish_on(formula: str) -> None:
    names = " ".join(sorted({c for c in formula if c.isalpha()} - {"e"}))
    exact = analysis.exact_critical_points(sd.Landscape(formula, names))
    points, sets = EXACT_SETS[formula]
    assert set(exact.points) == set(points)
    assert {str(s) for s in exact.sets} == set(sets)
    assert exact.undecided == ()


def test_exact_points_of_one_coordinate_are_points() -> None:
    exact = analysis.exact_critical_points(sd.Landscape("x**4/4 - x**2/2", "x"))
    assert (set(exact.points), exact.sets) == ({(-1,), (0,), (1,)}, ())


def test_every_point_of_a_constant_is_critical() -> None:
    assert analysis.exact_critical_points(sd.Landscape("3", "x y")).sets == (0,)


def test_large_and_small_coefficients_lose_no_point() -> None:
    for factor in ("1e40", "1e-40"):
        exact = analysis.exact_critical_points(sd.Landscape(f"{factor}*((x**2 - 2)**2 + y**2)", "x y"))
        assert set(exact.points) == {(-sympy.sqrt(2), 0), (0, 0), (sympy.sqrt(2), 0)}


def test_what_is_too_much_work_is_said_to_be_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("samdyn.analysis.points.real_zeros.MAX_DEGREE", 10)
    exact = analysis.exact_critical_points(sd.Landscape("(x**4 + y**4 + z**4 - 1 + x*y*z)**2", "x y z"))
    assert exact.sets == ()
    assert len(exact.undecided) == 1
    assert (0, 0, 0) in exact.points


@pytest.mark.parametrize(
    ("formula", "reason"),
    [
        ("exp(x) + y**2", "not polynomial"),
        ("x**2 + y**2*z**2 + z**4*x", "no common factor"),
        ("sqrt(2)*x**4 - x**2 + y**2", "not rational"),
    ],
)
def test_what_is_not_solved_exactly(formula: str, reason: str) -> None:
    names = "x y z" if "z" in formula else "x y"
    with pytest.raises(sd.InputError, match=reason):
        analysis.exact_critical_points(sd.Landscape(formula, names))


@pytest.mark.parametrize("formula", ["x**3 - 3*x*y**2", "x**4 + y**4", "x**2 + y**4", "x**3 + y**2"])
def test_isolated_degenerate_points(formula: str) -> None:
    points = sd.critical_points(sd.Landscape(formula, "x y"))
    assert not points.points
    assert not points.sets
    (point,) = points.degenerate
    assert np.abs(point.w).max() < 1e-4
    assert "degenerate point" in str(points)


def test_curves_of_minima_come_as_curves() -> None:
    """The unit circle, closed; points two hundredths of the box apart or less, on it to rounding."""
    points = sd.critical_points(sd.Landscape("(x**2 + y**2 - 1)**2", "x y"))
    (circle,) = points.sets
    assert circle.closed
    assert (circle.dimension, circle.kind, circle.loss) == (1, "minima", pytest.approx(0, abs=1e-20))
    assert np.linalg.norm(circle.w, axis=1) == pytest.approx(1, abs=1e-12)
    gaps = np.linalg.norm(np.diff(np.vstack([circle.w, circle.w[:1]]), axis=0), axis=1)
    assert gaps.max() <= 0.02 * 6.1
    assert [p.kind for p in points] == ["maximum"]
    assert 0 < points.unchecked < 0.2
    assert not points.balanced


def test_two_branches_are_two_curves() -> None:
    points = sd.critical_points(sd.landscapes.product())
    assert [(s.dimension, s.closed, s.kind) for s in points.sets] == [(1, False, "minima")] * 2
    for curve in points.sets:
        assert curve.w[:, 0] * curve.w[:, 1] == pytest.approx(1, abs=1e-12)
        assert np.abs(curve.w[[0, -1]]).max(axis=1) == pytest.approx(2, abs=0.05)  # from edge to edge
    assert len({bool(s.w[0, 0] > 0) for s in points.sets}) == 2


def test_types_along_a_curve() -> None:
    kinds = {"-(x**2 + y**2 - 1)**2": "maxima", "x**2*y": "of changing type"}
    for formula, kind in kinds.items():
        assert kind in {s.kind for s in sd.critical_points(sd.Landscape(formula, "x y")).sets}


def test_plateaus_and_surfaces() -> None:
    (plateau,) = sd.critical_points(sd.landscapes.relu_product()).sets
    assert (plateau.dimension, plateau.kind, plateau.loss) == (2, "plateau", 1)
    (valley,) = sd.critical_points(sd.landscapes.quadratic((0, 0, 1))).sets
    assert (valley.dimension, valley.kind) == (2, "minima")
    assert np.abs(valley.w[:, 2]).max() < 1e-12


SETS = {  # formula: how many non-degenerate and how many degenerate points, and the sets' dimensions and kinds
    "(a*b + c*d - 1)**2/2": (1, 0, [(3, "minima")]),
    # Four sheets, and the axes, which are critical too.
    "(x*y*z - 1)**2": (0, 0, [(1, "saddles")] * 3 + [(2, "minima")] * 4),
    # Zeros of higher order: what hangs together is not what the Hessian's null vectors say.
    "(x**2 + y**2 - 1)**4": (0, 0, [(1, "maxima"), (2, "of changing type")]),
    "x**4 + y**4 + z**4": (0, 1, []),
}


@pytest.mark.parametrize("formula", SETS)
def test_sets_are_as_many_as_hang_together(formula: str) -> None:
    names = "a b c d" if "a" in formula else "x y z"
    found = sd.critical_points(sd.Landscape(formula, names))
    regular, degenerate, sets = SETS[formula]
    assert (len(found), len(found.degenerate)) == (regular, degenerate)
    assert sorted((s.dimension, s.kind) for s in found.sets) == sets


def test_degrees_of_known_fields() -> None:
    def power(k: int) -> np.ndarray:
        """z ↦ zᵏ as a field, of degree k about the origin; conjugated for negative k."""

        def field(w: torch.Tensor) -> torch.Tensor:
            z = torch.complex(*w) ** abs(k)
            return torch.stack([z.real, z.imag if k > 0 else -z.imag])

        return cell_degrees(field, np.array([-1.0, 1.3, 2.0]), np.array([-0.7, 1.1]))

    for k in (1, 2, 5, -1, -2, -3):
        assert power(k)[:, 0].tolist() == [k, 0]


def test_no_degree_where_the_field_vanishes_or_jumps_on_an_edge() -> None:
    lines = np.array([-1.0, 0.0, 1.0])
    vanishing = cell_degrees(lambda w: w, lines, lines)
    jumping = cell_degrees(lambda w: torch.stack([w[0].sign(), 0 * w[1] + 1e-9]), np.array([-1.0, 2.0]), lines)
    assert np.isnan(vanishing).all()
    assert np.isnan(jumping).all()


def test_points_where_subnormal_numbers_are_switched_off() -> None:
    # As a library linked with -ffast-math leaves a process: SciPy's tree alone recurses until the stack is full.
    code = """
import numpy as np, torch
from samdyn.analysis.trees import tree
torch.set_flush_denormal(True)
random = np.random.default_rng(0)
for points in (np.exp(random.uniform(-744, -700, (4000, 1))), random.choice([1, 1e-310, -1e-310, 0], (4000, 4))):
    print(len(tree(points).query_ball_point(np.zeros(points.shape[1]), 0.5)) > 0)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["True", "True"], (done.returncode, done.stderr)
