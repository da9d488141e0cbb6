"""The Jacobian of a method's field at a critical point, as formulas."""

from fractions import Fraction

import numpy as np
import sympy

from ...landscapes.formulas.parse import rational
from ...methods import Method
from ...ops import Point, derivative, symbolic
from ..notation import RHO
from .dual import duals
from .quadratic import field_on_quadratic

ROUNDING = 1e-15  # relative rounding error of products and sums of a few parameters


def effective_matrix(method: Method, hessian: sympy.Matrix, center: np.ndarray) -> sympy.Matrix:
    """Return the Jacobian Hₑ of the method's field on ½(w−c)ᵀH(w−c) at c, as formulas: ``(d, d)``.

    H and the method's radius may hold symbols. The method must pass ``has_jacobian``.
    """
    polynomial = None if hessian.has(sympy.Float) else hessian.free_symbols | {RHO}
    columns = (
        _columns_of_duals(method, hessian, center, polynomial)
        or _columns_of_duals(method, hessian, center, None)
        or _columns_by_limits(method, hessian, center)
    )
    # Floating-point parameters, such as a shift of 0.01, count as decimals.
    return sympy.Matrix(columns).T.applyfunc(lambda e: sympy.expand(e).replace(lambda n: n.is_Float, _simplest))


def _columns_of_duals(
    method: Method, hessian: sympy.Matrix, center: np.ndarray, symbols: set[sympy.Symbol] | None
) -> list[list[sympy.Expr]] | None:
    """Return the columns by dual numbers of polynomials in the symbols, or with None of formulas.

    The result is None if the method uses more than sums, products and absolute values.
    """
    field = field_on_quadratic(method, hessian, center)
    axes = [[sympy.Integer(int(i == j)) for i in range(len(center))] for j in range(len(center))]
    try:
        return [[entry.slope.as_expr() for entry in field(duals(center, axis, symbols))] for axis in axes]
    except (TypeError, AttributeError, sympy.SympifyError):
        return None


def _columns_by_limits(method: Method, hessian: sympy.Matrix, center: np.ndarray) -> list[list[sympy.Expr]]:
    t = sympy.Dummy("t", positive=True)

    def tangent(entries: Point) -> Point:
        # The Jacobian needs the value and the slope at t = 0 only. Without higher terms long ascents stay short.
        return symbolic(value + t * slope for value, slope in (_value_and_slope(e, t) for e in entries))

    field = field_on_quadratic(method, hessian, center, simplify=tangent)
    columns = []
    for j in range(len(center)):
        direction = symbolic(int(i == j) for i in range(len(center)))
        columns.append([_value_and_slope(e, t)[1] for e in field(center + t * direction)])
    return columns


def _simplest(number: sympy.Float) -> sympy.Rational:
    """Return the fraction with the fewest digits that equals a number to rounding."""
    exact = Fraction(float(number))
    for digits in range(1, 17):
        near = exact.limit_denominator(10**digits)
        if abs(near - exact) <= ROUNDING * abs(exact):
            return sympy.Rational(near)
    return rational(number)


def _value_and_slope(expr: sympy.Expr, t: sympy.Symbol) -> tuple[sympy.Expr, sympy.Expr]:
    """Return an expression and its derivative at t = 0. Where they are 0/0, as g/‖g‖ is, return limits for t ↓ 0."""
    if expr.is_polynomial(t):  # a hundred times faster than differentiation if it is long
        polynomial = sympy.Poly(expr, t)
        return polynomial.nth(0), polynomial.nth(1)
    value, slope = expr.subs(t, 0), derivative(expr, t).subs(t, 0)
    if value.has(sympy.nan, sympy.zoo):
        value = sympy.limit(expr, t, 0)
    if slope.has(sympy.nan, sympy.zoo):
        slope = sympy.limit((expr - value) / t, t, 0)
    return sympy.expand(value), sympy.expand(slope)
