"""Critical points in exact numbers, and the Hessian there."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, NoReturn

import numpy as np
import sympy

from ... import checks
from ...landscapes import Landscape
from ...landscapes.formulas.parse import rational
from ...ops import symbolic
from ...oracle import Oracle
from ..fields.differentiable import linear_part
from .unknowns import example, unknowns

NEAR = 1e-9  # largest ‖∇L‖ over ‖H‖ max(1, ‖w‖) of a critical point with rounding
LARGEST_DENOMINATOR = 1000  # largest denominator of a fraction that a coordinate counts as
DIGITS = 50  # digits in which the gradient must vanish
NOT_NUMBERS = (sympy.nan, sympy.zoo, sympy.oo, sympy.I)

Exact = tuple[sympy.Expr, ...]


def exact_point(landscape: Landscape, point: Any) -> tuple[Exact, bool]:
    """Return a critical point in rational numbers and roots, and whether it is exact.

    Floating-point coordinates count as fractions and square roots of fractions (with denominators up to 1000) if the
    gradient vanishes there to 50 digits. Otherwise they keep their values, and the gradient must vanish to rounding:
    ‖∇L‖ ≤ 1e-9 ‖H‖ max(1, ‖w‖).

    Args:
        landscape: the loss.
        point: d real numbers or SymPy expressions, or a CriticalPoint. The expressions may hold the symbols that are
            values of the landscape's parameters.

    Raises:
        InputError: the point is not d real numbers or expressions, or it is not critical.
    """
    entries, symbols = _coordinates(landscape, point), unknowns(landscape)
    recognised = tuple(_recognise(c) if c.has(sympy.Float) else c for c in entries)
    if landscape.has_formula and _is_critical(landscape, recognised):
        return recognised, True
    if symbols:
        slopes = tuple(sympy.simplify(g) for g in landscape.grad(symbolic(recognised)))
        rule = f"is not critical at every value of {', '.join(map(str, symbols))}: ∇L = {slopes} there"
        checks.reject("point", recognised, rule, "Give its coordinates in terms of the symbols, or give numbers")
    floats = [c.has(sympy.Float) or not landscape.has_formula for c in entries]
    here = tuple(sympy.Rational(float(c)) if inexact else c for c, inexact in zip(entries, floats, strict=True))
    numbers = [float(c) for c in entries]
    size = float(landscape.hessian(numbers).norm()) * max(1.0, *map(abs, numbers))
    gradient = float(landscape.grad(numbers).norm())
    if not any(floats) or not gradient <= NEAR * size:
        fix = "Give one that samdyn.critical_points finds, which polishes them"
        checks.reject("point", tuple(numbers), f"is not critical: ‖∇L‖ = {gradient:.3g} there", fix)
    return here, False


def hessian_at(landscape: Landscape, point: Exact) -> sympy.ImmutableDenseMatrix:
    """Return the Hessian at a point.

    Raises:
        InputError: the gradient has no derivative there, as at a kink.
    """
    if not landscape.has_formula:
        numbers = landscape.hessian([float(c) for c in point])
        return sympy.ImmutableDenseMatrix((numbers + numbers.T).tolist()).applyfunc(sympy.Rational) / 2
    hessian = landscape.hessian_matrix.xreplace(dict(zip(landscape.symbols, point, strict=True)))
    # At kinks the landscape returns a Hessian by convention, so that the test must look at the gradient.
    if hessian.has(*NOT_NUMBERS) or linear_part(*_example(landscape, point)) is None:
        rule = "the landscape has no Hessian there: a kink, or a root at 0"
        fix = "Ask about a smooth critical point; samdyn.integrate follows flows along kinks"
        checks.reject("point", tuple(c if c.free_symbols else float(c) for c in point), rule, fix)
    return sympy.ImmutableDenseMatrix(hessian.applyfunc(sympy.simplify if hessian.free_symbols else sympy.radsimp))


def _example(landscape: Landscape, point: Exact) -> tuple[Oracle, np.ndarray]:
    """Return the gradient and the point, with numbers in place of the symbols of the landscape's parameters."""
    values = example(unknowns(landscape), point)
    return at(landscape.grad, values), symbolic(c.subs(values) for c in point)


def at(grad: Oracle, values: Mapping[sympy.Symbol, sympy.Rational]) -> Oracle:
    """Return a gradient of formulas with numbers in place of symbols."""
    if not values:
        return grad
    return Oracle(
        lambda w: symbolic(e.subs(values) for e in grad(w)),
        lambda w, v: symbolic(e.subs(values) for e in grad.hvp(w, v)),
        value=lambda w: grad.loss(w).subs(values),
    )


def _coordinates(landscape: Landscape, point: Any) -> Exact:
    w = getattr(point, "w", point)
    rule, fix = "must be real numbers", f"Give {landscape.dim}, like {(0, 1, *[0] * 8)[: landscape.dim]}"

    def refuse(rule: str) -> NoReturn:
        checks.reject("point", point, rule, f"{fix}, or a CriticalPoint")

    try:
        entries = list(w) if not isinstance(w, str) else refuse(rule)
    except TypeError:
        refuse(rule)
    if len(entries) != landscape.dim:
        refuse(f"has {len(entries)} coordinate(s) where {landscape} has {landscape.dim}")
    coordinates = []
    for entry in entries:
        try:
            value = entry.item() if hasattr(entry, "item") else entry  # scalars of NumPy and torch
        except (ValueError, RuntimeError):
            refuse(rule)
        if checks.is_formula(value):
            if others := value.free_symbols - set(unknowns(landscape)):
                names = ", ".join(sorted(map(str, others)))
                refuse(f"{rule}: no parameter of the landscape has a value in {names}")
            coordinates.append(rational(value))
            continue
        checks.number("point", value, rule, fix)
        coordinates.append(sympy.sympify(value))
    return tuple(coordinates)


def _recognise(number: sympy.Expr) -> sympy.Expr:
    """Return the fraction or the root of a fraction that equals a number to rounding, or else the number itself."""
    for power in (1, 2):
        fraction = Fraction(float(number**power)).limit_denominator(LARGEST_DENOMINATOR)
        exact = sympy.sign(number) ** (power - 1) * sympy.Rational(fraction) ** sympy.Rational(1, power)
        if abs(float(exact) - float(number)) <= NEAR * max(1, abs(float(number))):
            return exact
    return sympy.Rational(float(number))


def _is_critical(landscape: Landscape, point: Exact) -> bool:
    gradient = [sympy.sympify(entry) for entry in landscape.grad(symbolic(point))]
    if any(entry.has(*NOT_NUMBERS) for entry in gradient):
        return False
    if any(entry.free_symbols for entry in gradient):
        return all(sympy.simplify(entry) == 0 for entry in gradient)
    # SymPy may not simplify a zero. Then its first 50 digits must be zeros.
    return all(abs(sympy.N(entry, DIGITS, maxn=4 * DIGITS)) < 10.0 ** (1 - DIGITS) for entry in gradient)
