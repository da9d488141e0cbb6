"""What a method makes of the Hessian: its Jacobian at a critical point, derived by applying it to a quadratic."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import sympy

from .. import checks
from ..arguments import checked
from ..landscapes.parse import rational
from ..methods import Ascent, Method
from ..ops import Point, derivative, symbolic
from ..oracle import Oracle
from .dual import Dual
from .notation import LAMBDA, RHO

DIGITS = 120
FAR, NEAR = sympy.Float("1e-20", DIGITS), sympy.Float("1e-40", DIGITS)  # of the point, in the units of w
LINEAR = 1e-8  # departures from linearity below this, relative to the slopes, are rounding
VANISHING = 1e-2  # departures that shrink by this from FAR to NEAR go to 0 with the distance
ROUNDING = 1e-15  # of products and sums of a few parameters, relative
SOMEWHERE = symbolic([sympy.Rational(1, 3), sympy.Rational(-5, 7)])  # a point of no symmetry
NOT_LINEAR = "its field has no Jacobian at a critical point"


@checked
def effective_hessian(method: Method, lam: sympy.Expr | float = LAMBDA) -> sympy.Expr:
    """Return λₑ(λ), what a method makes of an eigenvalue λ of the Hessian at a critical point: ẇ = −Hₑ(w − w*).

    It is derived by applying the method to ½λ‖w‖². The radius is the symbol ρ, whatever the method's own.

    >>> import samdyn as sd
    >>> effective_hessian(sd.USAM(0.1))
    lambda*(lambda*rho + 1)

    Args:
        method: any whose field has a Jacobian at critical points and does not depend on where they are.
        lam: λ, a symbol or a number.

    Raises:
        InputError: a method without a Jacobian at critical points (SAM), or one that is not a function of the Hessian
            alone (UASAM).
    """
    if not checks.is_formula(lam):
        checks.number("lam", lam, "must be finite and real, or a formula", "Use e.g. lam=-1.0")
    if linear_part(_field(with_radius(method, sympy.Integer(1)), sympy.diag(-1, 2), SOMEWHERE), SOMEWHERE) is None:
        checks.reject("method", method, NOT_LINEAR, "samdyn.stability says what is true instead")
    formula = scalar_formula(with_radius(method, RHO), SOMEWHERE)
    if formula is None:
        rule = "what it makes of the Hessian depends on where the critical point is"
        checks.reject("method", method, rule, "Ask samdyn.stability at a point")
    return formula.subs(LAMBDA, lam)


def derived(method: Method) -> sympy.Expr | None:
    """Return λₑ in λ and ρ if it is a polynomial; at the radius 0 in λ alone, where normalised methods have one too.

    None where the field has no Jacobian, or one that depends on where the critical point is.
    """
    rho = getattr(method, "rho", None)
    zero = isinstance(rho, int | float) and rho == 0
    # The radius is none of the formula's numbers: of a tensor of them, as of any, it is the same.
    method = with_radius(method, sympy.Integer(1))
    for trial in (method, with_radius(method, sympy.Integer(0))) if zero else (method,):
        if linear_part(_field(trial, sympy.diag(-1, 2), SOMEWHERE), SOMEWHERE) is None:
            continue
        formula = scalar_formula(with_radius(method, RHO) if trial is method else trial, SOMEWHERE)
        if formula is not None and formula.is_polynomial(LAMBDA, RHO):
            return formula
    return None


def with_radius(method: Method, rho: Any) -> Method:
    """Return the method with another radius; itself if it has none."""
    return replace(method, rho=rho) if isinstance(method, Ascent) else method


def field_is_linear(method: Method, hessian: sympy.Matrix, center: np.ndarray) -> bool:
    """Say whether the method's field on ½(w−c)ᵀH(w−c) has a Jacobian at c, by looking how it goes to 0 there."""
    return linear_part(_field(method, hessian, center), center) is not None


def field_at(method: Method, hessian: sympy.Matrix, center: np.ndarray) -> np.ndarray:
    """Return the method's field on ½(w−c)ᵀH(w−c) at c itself, ``(d,)``."""
    return _field(method, hessian, center)(center)


def linear_part(function: Callable[[Point], Point], point: np.ndarray) -> np.ndarray | None:
    """Return the Jacobian of a function at a point, or None if it has none.

    Difference quotients at distances of 1e-20 and 1e-40 have to agree with those on the other side, and with sums of
    those along the axes, apart from what goes to 0 with the distance; all in 120 digits.

    Args:
        function: from SymPy numbers ``(d,)`` to SymPy numbers ``(m,)``.
        point: SymPy numbers ``(d,)``.

    Returns:
        The Jacobian ``(m, d)`` in floating-point numbers of 120 digits, column j along coordinate j.
    """
    here = _numbers(point)
    value = _numbers(function(here))
    d = len(here)
    axes = [symbolic(int(i == j) for i in range(d)) for j in range(d)]
    # A direction of no symmetry, and pairs of axes.
    sums = [tuple(sympy.Rational(2 * j + 3, 7 - 2 * (j % 2)) for j in range(d))]
    sums += [tuple(int(k in (i, j)) for k in range(d)) for i in range(d) for j in range(i)]

    def slope(direction: np.ndarray, distance: sympy.Float) -> np.ndarray:
        return (_numbers(function(here + distance * direction)) - value) / distance

    def columns_and_departure(distance: sympy.Float) -> tuple[np.ndarray, sympy.Float]:
        columns = [slope(axis, distance) for axis in axes]
        departures = [slope(-axis, distance) + column for axis, column in zip(axes, columns, strict=True)]
        for weights in sums:
            expected = sum(weight * column for weight, column in zip(weights, columns, strict=True))
            departures.append(slope(symbolic(weights), distance) - expected)
        return np.stack(columns, axis=1), _largest(np.concatenate(departures))

    _, far_departure = columns_and_departure(FAR)
    columns, departure = columns_and_departure(NEAR)
    straight = departure <= LINEAR * _largest(columns.ravel()) or departure <= VANISHING * far_departure
    return columns if straight else None


def effective_matrix(method: Method, hessian: sympy.Matrix, center: np.ndarray) -> sympy.Matrix:
    """Return the Jacobian Hₑ of the method's field on ½(w−c)ᵀH(w−c) at c, as formulas: ``(d, d)``.

    H and the method's radius may hold symbols. For methods that pass ``field_is_linear``.
    """
    try:
        columns = _columns_of_duals(method, hessian, center)
    except (TypeError, AttributeError, sympy.SympifyError):  # more than sums, products and absolute values
        columns = _columns_by_limits(method, hessian, center)
    # Parameters given as floating-point numbers, like a shift of 0.01, are meant as decimals.
    return sympy.Matrix(columns).T.applyfunc(lambda e: sympy.expand(e).replace(lambda n: n.is_Float, _simplest))


def _columns_of_duals(method: Method, hessian: sympy.Matrix, center: np.ndarray) -> list[list[sympy.Expr]]:
    field = _field(method, hessian, center)
    axes = [[sympy.Integer(int(i == j)) for i in range(len(center))] for j in range(len(center))]
    moved = (np.array([Dual(c, e) for c, e in zip(center, axis, strict=True)], dtype=object) for axis in axes)
    return [[entry.slope for entry in field(point)] for point in moved]


def _columns_by_limits(method: Method, hessian: sympy.Matrix, center: np.ndarray) -> list[list[sympy.Expr]]:
    t = sympy.Dummy("t", positive=True)

    def tangent(entries: Point) -> Point:
        # Only the value and the slope at t = 0 matter, and without the rest long ascents stay short.
        return symbolic(value + t * slope for value, slope in (_value_and_slope(e, t) for e in entries))

    field = _field(method, hessian, center, simplify=tangent)
    columns = []
    for j in range(len(center)):
        direction = symbolic(int(i == j) for i in range(len(center)))
        columns.append([_value_and_slope(e, t)[1] for e in field(center + t * direction)])
    return columns


def _simplest(number: sympy.Float) -> sympy.Rational:
    """Return the fraction of the fewest digits that floating-point arithmetic does not tell from a number."""
    exact = Fraction(float(number))
    for digits in range(1, 17):
        near = exact.limit_denominator(10**digits)
        if abs(near - exact) <= ROUNDING * abs(exact):
            return sympy.Rational(near)
    return rational(number)


def scalar_formula(method: Method, center: np.ndarray) -> sympy.Expr | None:
    """Return λₑ as a function of λ if the method makes λₑ(λ)·I of H = λI, factored; otherwise None."""
    d = len(center)
    matrix = effective_matrix(method, LAMBDA * sympy.eye(d), center)
    formula = matrix[0, 0]
    same = (matrix - formula * sympy.eye(d)).applyfunc(sympy.simplify).is_zero_matrix
    return sympy.factor(formula) if same else None


def is_function_of_hessian(formula: sympy.Expr, matrix: sympy.Matrix, hessian: sympy.Matrix) -> bool:
    """Say whether Hₑ is the formula of λ applied to H, at a few radii, to rounding."""
    h = np.array(hessian.evalf(), dtype=float)
    lam, basis = np.linalg.eigh(h)
    scale = 1 / max(np.abs(lam).max(), 1e-300)
    values, entries = sympy.lambdify((LAMBDA, RHO), formula), sympy.lambdify(RHO, matrix)
    for rho in (0.0, 0.7 * scale, 3.1 * scale):
        expected = (basis * np.array([float(values(v, rho)) for v in lam])) @ basis.T
        if not np.allclose(
            np.array(entries(rho), dtype=float), expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max()
        ):
            return False
    return True


def _field(
    method: Method, hessian: sympy.Matrix, center: np.ndarray, simplify: Callable[[Point], Point] = lambda p: p
) -> Callable[[Point], Point]:
    h = np.array(hessian.tolist(), dtype=object)

    def times_hessian(v: Point) -> Point:
        return (h * simplify(v)[None, :]).sum(1)

    def gradient(w: Point) -> Point:
        return times_hessian(w - center)

    oracle = Oracle(gradient, lambda w, v: times_hessian(v))
    return lambda w: method(w, oracle)


def _value_and_slope(expr: sympy.Expr, t: sympy.Symbol) -> tuple[sympy.Expr, sympy.Expr]:
    """Return an expression and its derivative at t = 0, or at t ↓ 0 where it has 0/0 there, as ‖g‖ makes it."""
    if expr.is_polynomial(t):  # a hundred times faster than differentiating long ones
        polynomial = sympy.Poly(expr, t)
        return polynomial.nth(0), polynomial.nth(1)
    value, slope = expr.subs(t, 0), derivative(expr, t).subs(t, 0)
    if value.has(sympy.nan, sympy.zoo):
        value = sympy.limit(expr, t, 0)
    if slope.has(sympy.nan, sympy.zoo):
        slope = sympy.limit((expr - value) / t, t, 0)
    return sympy.expand(value), sympy.expand(slope)


def _numbers(entries: Point) -> np.ndarray:
    return symbolic(sympy.N(e, DIGITS) for e in entries)


def _largest(entries: np.ndarray) -> sympy.Float:
    return max((abs(e) for e in entries), default=sympy.Float(0))
