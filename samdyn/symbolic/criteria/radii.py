"""The radii at which inequalities hold, exact if they are polynomials in ρ."""

from collections.abc import Sequence

import sympy

from ..notation import LAMBDA, RHO

DIGITS = 40  # digits of roots
LARGEST_DEGREE = 4  # largest degree with exact roots; beyond, SymPy takes minutes to separate them
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
        Intervals, or a ConditionSet if an expression is not a quotient of polynomials.
    """
    candidates: list[sympy.Expr] = []
    to_hold: list[sympy.Expr] = []
    for lam in eigenvalues:
        rounded = rounded or bool(lam.has(sympy.Float))
        value = sympy.Rational(lam) if lam.is_Float else lam
        for expression in positive:
            to_hold.append(expression.subs(LAMBDA, value))
            changes = _sign_changes(expression, value)
            if changes is None:
                conditions = sympy.And(
                    *(sympy.StrictGreaterThan(e.subs(LAMBDA, v), 0) for e in positive for v in eigenvalues)
                )
                return sympy.ConditionSet(RHO, conditions, sympy.Interval(0, sympy.oo))
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


def _sign_changes(expression: sympy.Expr, lam: sympy.Expr) -> list[sympy.Expr] | None:
    """Return the real ρ at which an expression may change its sign, or None if it is not a quotient of polynomials."""
    roots: list[sympy.Expr] = []
    for part in sympy.fraction(sympy.together(expression)):
        if not part.is_polynomial(RHO, LAMBDA):
            return None
        # The function factors before it inserts λ: the root of (1 + ρλ/2)² is then exact for every λ.
        for factor, _ in sympy.factor_list(part, RHO, LAMBDA)[1]:
            polynomial = sympy.Poly(factor.subs(LAMBDA, lam), RHO)
            if polynomial.degree() > 0:
                roots += real_roots(polynomial)
    return roots


def real_roots(polynomial: sympy.Poly) -> list[sympy.Expr]:
    """Return the real roots of a polynomial: exact up to degree 4 or as square roots, else in 40 digits."""
    if all(c.is_Rational for c in polynomial.all_coeffs()) and polynomial.degree() <= LARGEST_DEGREE:
        return list(dict.fromkeys(polynomial.real_roots()))
    if polynomial.degree() == 1:
        a, b = polynomial.all_coeffs()
        return [sympy.radsimp(-b / a)]
    if polynomial.degree() == 2:
        a, b, c = polynomial.all_coeffs()
        discriminant = sympy.radsimp(sympy.expand(b**2 - 4 * a * c))
        if _number(discriminant) < 0:
            return []
        return [sympy.radsimp((-b + sign * sympy.sqrt(discriminant)) / (2 * a)) for sign in (-1, 1)]
    roots = [sympy.N(r, DIGITS) for r in polynomial.nroots(n=DIGITS, maxsteps=500)]
    return [sympy.re(r) for r in roots if abs(sympy.im(r)) <= SAME * abs(r)]


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
