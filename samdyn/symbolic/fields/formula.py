"""A method's field along one eigendirection of a quadratic at the origin, as a function of numbers."""

import math
from collections.abc import Callable

import numpy as np
import sympy

from ... import checks
from ...methods import Method
from ...ops import symbolic
from ..notation import X
from .along import on_first_axis
from .quadratic import ELSEWHERE, SOMEWHERE, takes_symbols

ORIGIN = symbolic([sympy.Integer(0), sympy.Integer(0)])
SAMPLES = np.geomspace(1e-6, 1e4, 5001)  # distances at which a field is searched for zeros, in units of its radius
HALVINGS = 55  # of the interval in which a crossing lies, down to rounding
SAME = 1e-9  # relative difference up to which two fields are one

Field = Callable[[np.ndarray], np.ndarray]


def formula_along(method: Method, lam: float, *, anywhere: bool = False) -> Field | None:
    """Return F(x) at distances x > 0 ``(n,)`` along a direction of curvature λ, so that ẋ = −F(x).

    Unlike ``pieces`` it takes methods whose field is no quotient of polynomials, or that have parameters which are no
    decimals, and it has no exact zeros.

    Args:
        method: a method whose radius is a number.
        lam: λ, in the units of the loss per w².
        anywhere: whether the field must not depend on where the critical point is.

    Returns:
        The field. None if it leaves the direction, differs between x and −x, or has no formula.
    """
    if checks.is_formula(method.radius) or np.ndim(method.radius) or not takes_symbols(method):
        return None
    curvature = sympy.Rational(str(lam))
    centers = [(ORIGIN, 1), (ORIGIN, -1)] + ([(SOMEWHERE, 1), (ELSEWHERE, 1)] if anywhere else [])
    formulas = [on_first_axis(method, curvature, center, lambda entries: entries, side) for center, side in centers]
    if any(formula is None or formula.free_symbols - {X} for formula in formulas):
        return None
    functions = [sympy.lambdify(X, formula, "numpy") for formula in formulas]

    def field(x: np.ndarray, of: Field = functions[0]) -> np.ndarray:
        with np.errstate(all="ignore"):
            values: np.ndarray = of(np.asarray(x, dtype=float)) + 0 * x
        return values

    at = np.array([0.013, 0.31, 1.7, 5.9])
    values = [field(at, function) for function in functions]
    scale = np.abs(values[0]) + abs(lam) * at
    return field if all(np.all(np.abs(v - values[0]) <= SAME * scale) for v in values) else None


def crossings(function: Field, scale: float) -> list[float]:
    """Return the distances at which a function changes its sign, continuously or by a jump, in rising order.

    Args:
        function: a function of distances ``(n,)``.
        scale: a distance that is typical of it, about which the search has ten decades.
    """
    x = SAMPLES * scale
    is_positive = function(x) > 0
    before = np.flatnonzero(np.diff(is_positive))
    low, high, rises = x[before], x[before + 1], is_positive[before + 1]
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        is_beyond = (function(middle) > 0) == rises
        low, high = np.where(is_beyond, low, middle), np.where(is_beyond, middle, high)
    ends: list[float] = ((low + high) / 2).tolist()
    return ends


def zeros(function: Field, scale: float) -> list[float]:
    """Return those crossings at which the function is 0 and does not jump."""
    near, far = np.array([1 - 1e-9, 1 + 1e-9]), np.array([0.99, 1.01])
    found = crossings(function, scale)
    return [x for x in found if np.abs(function(x * near)).max() <= 1e-3 * np.abs(function(x * far)).max()]


def inward_up_to(field: Field, scale: float) -> float:
    """Return the farthest distance at which a field that leads inward turns.

    It is 0 if the field leads outward up to twice the scale: a run that rests farther out is not held by the critical
    point. It is inf if the field leads inward far out.
    """
    x = SAMPLES * scale
    inward = np.flatnonzero(field(x) > 0)
    if not len(inward) or x[inward[0]] > 2 * scale:
        return 0.0
    if inward[-1] == len(x) - 1:
        return math.inf
    return next(at for at in crossings(field, scale) if at >= x[inward[-1]])


def scale_of(method: Method) -> float:
    """Return the radius of a method, or 1 if it has none or 0."""
    return float(method.radius) or 1.0
