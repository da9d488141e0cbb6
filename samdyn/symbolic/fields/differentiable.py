"""Numerical tests for whether a field vanishes and has a Jacobian at a critical point."""

from collections.abc import Callable

import numpy as np
import sympy

from ...methods import Method
from ...ops import Point, symbolic
from .quadratic import field_on_quadratic

DIGITS = 120  # digits of the arithmetic
FAR, NEAR = sympy.Float("1e-20", DIGITS), sympy.Float("1e-40", DIGITS)  # distances from the point, in the units of w
LINEAR = 1e-8  # departure from linearity over the largest slope, below which it counts as rounding
ZERO = sympy.Float("1e-100", DIGITS)  # component of a field, up to which it counts as rounding
VANISHING = 1e-2  # departure at NEAR over that at FAR, below which it vanishes with the distance


def has_jacobian(method: Method, hessian: sympy.Matrix, center: np.ndarray) -> bool:
    """Return whether the method's field on ½(w−c)ᵀH(w−c) has a Jacobian at c."""
    field, here = _in_numbers(method, hessian, center)
    return linear_part(field, here) is not None


def rests_at(method: Method, hessian: sympy.Matrix, center: np.ndarray) -> bool:
    """Return whether the method's field on ½(w−c)ᵀH(w−c) vanishes at c, to rounding."""
    field, here = _in_numbers(method, hessian, center)
    return bool(_largest(_numbers(field(here))) <= ZERO)


def _in_numbers(
    method: Method, hessian: sympy.Matrix, center: np.ndarray
) -> tuple[Callable[[Point], Point], np.ndarray]:
    """Return the field on ½(w−c)ᵀH(w−c), and c. Of square roots, several steps of ascent would make long formulas."""
    here = _numbers(center)
    return field_on_quadratic(method, hessian.applyfunc(lambda e: sympy.N(e, DIGITS)), here), here


def linear_part(function: Callable[[Point], Point], point: np.ndarray) -> np.ndarray | None:
    """Return the Jacobian of a function at a point, or None if it has none.

    Difference quotients at distances of 1e-20 and 1e-40 must agree with those on the other side and with sums of those
    along the axes, up to a difference that vanishes with the distance. The arithmetic has 120 digits.

    Args:
        function: a function from SymPy numbers ``(d,)`` to SymPy numbers ``(m,)``.
        point: SymPy numbers ``(d,)``.

    Returns:
        The Jacobian ``(m, d)`` in floating-point numbers of 120 digits, column j along coordinate j.
    """
    here = _numbers(point)
    value = _numbers(function(here))
    d = len(here)
    axes = [symbolic(int(i == j) for i in range(d)) for j in range(d)]
    # The sums are along a direction without symmetry and along pairs of axes.
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


def _numbers(entries: Point) -> np.ndarray:
    return symbolic(sympy.N(e, DIGITS) for e in entries)


def _largest(entries: np.ndarray) -> sympy.Float:
    return max((abs(e) for e in entries), default=sympy.Float(0))
