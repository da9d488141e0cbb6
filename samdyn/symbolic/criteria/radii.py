"""The radii at which inequalities hold, exact if they are polynomials in ρ."""

from collections.abc import Sequence
from fractions import Fraction

import sympy

from ..notation import LAMBDA, RHO

DIGITS = 40  # digits of roots
LARGEST_DEGREE = 4  # largest degree with exact roots; beyond, SymPy takes minutes to separate them
COEFFICIENT_DIGITS = 50  # digits of the fractions in place of coefficients that are no fractions
VANISHING = sympy.Rational(1, 10**45)  # value over the sum of the terms' sizes, below which it counts as rounding
SAME = sympy.Float("1e-25", DIGITS)  # relative distance below which two roots count as one


def solve_radii(
    positive: Sequence[sympy.Expr], eigenvalues: Sequence[sympy.Expr] = (LAMBDA,), *, rounded: bool = False
) -> sympy.Set:
    """Return the set of ρ ≥ 0 at which all expressions are positive, at every λ.

    Bounds are exact: fractions, square roots, or SymPy's CRootOf. They are floating-point numbers if a λ is one, or if
    they are roots of polynomials of degree above 4.

    Args:
        positive: expressions in ρ, and in LAMBDA if there are eigenvalues. Other coefficients are rational.
        eigenvalues: the values of λ.
        rounded: whether the coefficients are rounded. Then the bounds are floating-point numbers.

    Returns:
        Intervals, or a ConditionSet if an expression is not a quotient of polynomials or holds further symbols.
    """
    values = [e.subs(LAMBDA, lam) for e in positive for lam in eigenvalues]
    if any(e.free_symbols - {RHO} for e in values):
        return _where([_solved(e) for e in values])
    candidates: list[sympy.Expr] = []
    to_hold: list[sympy.Expr] = []
    for lam in eigenvalues:
        rounded = rounded or bool(lam.has(sympy.Float))
        value = sympy.Rational(lam) if lam.is_Float else lam
        for expression in positive:
            to_hold.append(expression.subs(LAMBDA, value))
            changes = _sign_changes(expression, value, rounded)
            if changes is None:
                return _where([sympy.StrictGreaterThan(e.subs(LAMBDA, v), 0) for e in positive for v in eigenvalues])
            candidates += changes
    bounds = _ascending([c for c in candidates if _number(c) > SAME])

    def holds(rho: sympy.Rational) -> bool:
        return all(_is_positive(e.subs(RHO, rho)) for e in to_hold)

    ends = [sympy.Integer(0), *bounds, sympy.oo]
    marks = [sympy.N(e, 15) if (rounded or e.is_Float) and e in bounds else e for e in ends]
    intervals = []
    for i in range(len(bounds) + 1):
        low, high = ends[i], ends[i + 1]
        between = 2 * _number(low) + 1 if high is sympy.oo else (_number(low) + _number(high)) / 2
        if holds(sympy.Rational(between)):
            includes_zero = i == 0 and holds(sympy.Integer(0))
            intervals.append(sympy.Interval(marks[i], marks[i + 1], left_open=not includes_zero, right_open=True))
    return sympy.Union(*intervals)


def _where(conditions: Sequence[sympy.Basic]) -> sympy.Set:
    return sympy.ConditionSet(RHO, sympy.And(*conditions), sympy.Interval(0, sympy.oo))


def _solved(positive: sympy.Expr) -> sympy.Basic:
    """Return the inequality 0 < ``positive``, solved for ρ if it is linear in ρ and the sign of the slope is known."""
    expr = sympy.factor(positive)
    polynomial = sympy.Poly(expr, RHO) if expr.is_polynomial(RHO) else None
    if polynomial is not None and polynomial.degree() == 1:
        slope, constant = polynomial.all_coeffs()
        bound = sympy.factor(-constant / slope)
        if slope.is_positive:
            return sympy.true if bound.is_negative else sympy.StrictGreaterThan(RHO, bound)
        if slope.is_negative:
            return sympy.false if bound.is_nonpositive else sympy.StrictLessThan(RHO, bound)
    return sympy.StrictLessThan(0, expr)


def _sign_changes(expression: sympy.Expr, lam: sympy.Expr, rounded: bool) -> list[sympy.Expr] | None:
    """Return the real ρ at which an expression may change its sign, or None if it is not a quotient of polynomials."""
    roots: list[sympy.Expr] = []
    for part in sympy.fraction(sympy.together(expression)):
        if not part.is_polynomial(RHO, LAMBDA):
            return None
        # The function factors before it inserts λ: the root of (1 + ρλ/2)² is then exact for every λ.
        for factor, _ in sympy.factor_list(part, RHO, LAMBDA)[1]:
            polynomial = sympy.Poly(factor.subs(LAMBDA, lam), RHO)
            if polynomial.degree() > 0:
                roots += real_roots(polynomial, rounded=rounded)
    return roots


def real_roots(polynomial: sympy.Poly, *, rounded: bool = False) -> list[sympy.Expr]:
    """Return the real roots of a polynomial: exact up to degree 4 or as square roots, else in 40 digits.

    Args:
        polynomial: a polynomial in one variable.
        rounded: whether the coefficients are rounded to 50 digits. Rounding may make a double root complex; the
            function returns its real part.
    """
    rational = all(c.is_Rational for c in polynomial.all_coeffs())
    if rational and polynomial.degree() <= LARGEST_DEGREE and not rounded:
        return list(dict.fromkeys(polynomial.real_roots()))
    if polynomial.degree() == 1:
        a, b = polynomial.all_coeffs()
        return [sympy.radsimp(-b / a)]
    if polynomial.degree() == 2 and not (rational and rounded):
        a, b, c = polynomial.all_coeffs()
        discriminant = sympy.radsimp(sympy.expand(b**2 - 4 * a * c))
        if _number(discriminant) < 0:
            return []
        return [sympy.radsimp((-b + sign * sympy.sqrt(discriminant)) / (2 * a)) for sign in (-1, 1)]
    if not rational:
        polynomial = polynomial.termwise(lambda _, c: sympy.Rational(sympy.N(c, COEFFICIENT_DIGITS)))
    roots = _separated(polynomial)
    return roots + _double_roots(polynomial) if rounded or not rational else roots


def _separated(polynomial: sympy.Poly) -> list[sympy.Float]:
    """Return the real roots of a polynomial with fractions for coefficients, in 40 digits."""
    single = polynomial.sqf_part()
    coefficients = [int(c) for c in single.clear_denoms(convert=True)[1].all_coeffs()]
    return [_bisected(coefficients, Fraction(low), Fraction(high)) for (low, high), _ in single.intervals()]


def _bisected(coefficients: list[int], low: Fraction, high: Fraction) -> sympy.Float:
    """Return the one root of a polynomial between two numbers at which it may vanish too, in 40 digits."""
    slopes = [c * power for c, power in zip(coefficients, range(len(coefficients) - 1, 0, -1), strict=False)]
    below = _sign(coefficients, low) or _sign(slopes, low)
    while high - low > max(abs(low), abs(high)) / 10**DIGITS:
        middle = (low + high) / 2
        sign = _sign(coefficients, middle)
        if sign == 0:
            low = high = middle
        elif sign == below:
            low = middle
        else:
            high = middle
    return sympy.Float(sympy.Rational(low + high) / 2, DIGITS)


def _sign(coefficients: list[int], x: Fraction) -> int:
    """Return the sign of a polynomial at a fraction."""
    value, power = 0, 1
    for c in coefficients:
        value, power = value * x.numerator + c * power, power * x.denominator
    return (value > 0) - (value < 0)


def _double_roots(polynomial: sympy.Poly) -> list[sympy.Float]:
    """Return the real points at which a polynomial and its derivative vanish to the rounding of the coefficients."""
    points = _separated(polynomial.diff())
    sizes = sympy.Poly([abs(c) for c in polynomial.all_coeffs()], polynomial.gen)
    exact = [(r, sympy.Rational(r)) for r in points]
    return [r for r, x in exact if abs(polynomial.eval(x)) <= VANISHING * sizes.eval(abs(x))]


def _ascending(numbers: list[sympy.Expr]) -> list[sympy.Expr]:
    ordered = sorted(numbers, key=lambda e: (_number(e), sympy.count_ops(e)))
    distinct: list[sympy.Expr] = []
    for number in ordered:
        if not distinct or _number(number) - _number(distinct[-1]) > SAME * _number(number):
            distinct.append(number)
    return distinct


def _number(expr: sympy.Expr) -> sympy.Float:
    return sympy.N(expr, DIGITS)


def _is_positive(number: sympy.Expr) -> bool:
    # SymPy adds digits until it sees the sign, unless the number is 0.
    return bool(sympy.N(number, DIGITS, maxn=200) > SAME * SAME) if not number.is_Rational else number > 0
