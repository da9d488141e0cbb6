"""A method's field on a quadratic, from which predictions near a critical point are derived."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import sympy

from ... import checks
from ...methods import Ascent, Method
from ...ops import Point, dot, symbolic
from ...oracle import Oracle

SOMEWHERE = symbolic([sympy.Rational(1, 3), sympy.Rational(-5, 7)])  # two critical points without symmetry
ELSEWHERE = symbolic([sympy.Rational(-2, 11), sympy.Rational(3, 13)])
NO_FORMULAS = "it cannot be applied to formulas, or not to those of two coordinates"


def field_on_quadratic(
    method: Method, hessian: sympy.Matrix, center: np.ndarray, simplify: Callable[[Point], Point] = lambda p: p
) -> Callable[[Point], Point]:
    """Return the method's field on ½(w−c)ᵀH(w−c), a function of points ``(d,)`` of formulas.

    Args:
        method: a method with any radius.
        hessian: H, ``(d, d)``. It may hold symbols.
        center: c, ``(d,)``.
        simplify: a function that the field applies to every vector before it multiplies it by H, so that composed
            formulas stay short.
    """
    h = np.array(hessian.tolist(), dtype=object)

    def times_hessian(v: Point) -> Point:
        return (h * simplify(v)[None, :]).sum(1)

    def gradient(w: Point) -> Point:
        return times_hessian(w - center)

    def value(w: Point) -> sympy.Expr:
        return dot(w - center, gradient(w)) / 2

    oracle = Oracle(gradient, lambda w, v: times_hessian(v), value=value)
    return lambda w: method(w, oracle)


def with_radius(method: Method, rho: Any) -> Method:
    """Return the method with another radius, or the method itself if it has none."""
    return replace(method, rho=rho) if isinstance(method, Ascent) else method


def own_radius(method: Method) -> sympy.Expr | None:
    """Return the method's radius as the decimal in which it is written: None if it is a symbol, 0 if there is none."""
    rho = method.radius
    return None if checks.is_formula(rho) else sympy.Rational(str(rho))


def takes_symbols(method: Method) -> bool:
    """Return whether a method accepts two formulas, as a method in the operations of ``ops`` does."""
    try:
        field_on_quadratic(with_radius(method, sympy.Integer(1)), sympy.diag(-1, 2), SOMEWHERE)(1.5 * ELSEWHERE)
    # The method uses functions of tensors only, or needs another number of coordinates.
    except (TypeError, AttributeError, checks.InputError):
        return False
    return True
