"""The inequalities under which a critical point attracts, and the radii at which they hold."""

from dataclasses import dataclass

import sympy

from ...dynamics import Flow, Map
from ..notation import ETA, GAMMA, LAMBDA, RHO, S, Z
from .linearised import DIGITS, at_own_rates, characteristic_polynomial, criterion
from .radii import solve_radii

LONGEST_EVALUATED = 200  # largest count of characters of an inequality that SymPy tests for holding always
MOST_IN_SYMBOLS = 4  # largest degree of a characteristic polynomial whose conditions have η and γ as symbols


@dataclass(frozen=True)
class Condition:
    """The condition under which the directions of one eigenvalue of the Hessian attract.

    >>> import samdyn as sd
    >>> verdict = sd.stability(sd.Flow(sd.landscapes.saddle(), sd.USAM(rho=1.0)), (0, 0))
    >>> [(condition.eigenvalue, condition.radii) for condition in verdict.conditions]
    [(-2, Interval.open(1/2, oo)), (2, Interval(0, oo))]

    Attributes:
        eigenvalue: λ. None if the method mixes the eigenvectors of H, so that one condition is on all directions.
        inequalities: inequalities in ρ and, for maps, in η and γ. All must hold.
        radii: the set of ρ ≥ 0 at which they hold, at the map's own η and γ.
    """

    eigenvalue: sympy.Expr | None
    inequalities: tuple[sympy.Basic, ...]
    radii: sympy.Set


Conditions = tuple[tuple[sympy.Basic, ...], sympy.Expr, tuple[Condition, ...], sympy.Set]


def conditions_on_eigenvalues(system: Map | Flow, formula: sympy.Expr, lam: tuple[sympy.Expr, ...]) -> Conditions:
    """Return inequalities in λ, the characteristic polynomial, the condition on every λ, and the radii for all."""
    effective = sympy.Symbol("lambda_e", real=True)
    characteristic = characteristic_polynomial(system, sympy.Matrix([[effective]]))
    rules = [e for e in criterion(system)(characteristic) if e.has(effective)]  # the others say that γ < 1
    inequalities = tuple(_relation(e, effective, formula) for e in rules)
    positive = [at_own_rates(system, e.subs(effective, formula)) for e in rules]
    conditions = tuple(
        Condition(v, tuple(i.subs(LAMBDA, v) for i in inequalities), solve_radii(positive, [v]))
        for v in dict.fromkeys(lam)
    )
    own = at_own_rates(system, characteristic)
    polynomial = sympy.Mul(*(own.subs(effective, formula.subs(LAMBDA, v)) for v in lam))
    return inequalities, polynomial, conditions, solve_radii(positive, lam)


def conditions_on_matrix(system: Map | Flow, matrix: sympy.Matrix, precise: bool) -> Conditions:
    """Return the same without a formula in λ: no inequalities, and one condition on all directions."""
    if matrix.free_symbols - {RHO}:  # those that a landscape's parameters leave open
        return _conditions_with_unknowns(system, matrix)
    polynomial = all(e.is_polynomial(RHO) for e in matrix)
    rational = precise and polynomial and all(c.is_Rational for e in matrix for c in sympy.Poly(e, RHO).coeffs())
    if polynomial and not rational:
        matrix = matrix.applyfunc(_decimals)
    characteristic = characteristic_polynomial(system, matrix)
    own = at_own_rates(system, characteristic)
    # The determinants of larger matrices with η and γ as symbols fill pages.
    equation = characteristic if sympy.degree(own, Z if isinstance(system, Map) else S) <= MOST_IN_SYMBOLS else own
    tidy = _leading_digits if polynomial and not rational else sympy.factor
    rules = criterion(system)(own)
    inequalities = [_positive(tidy(e)) for e in (rules if equation == own else criterion(system)(equation))]
    radii = solve_radii(rules, rounded=not rational)
    return (), own, (Condition(None, tuple(i for i in inequalities if i is not sympy.true), radii),), radii


def _conditions_with_unknowns(system: Map | Flow, matrix: sympy.Matrix) -> Conditions:
    characteristic = characteristic_polynomial(system, matrix)
    own = at_own_rates(system, characteristic)
    in_symbols = sympy.degree(own, Z if isinstance(system, Map) else S) <= MOST_IN_SYMBOLS
    rules = criterion(system)(own)
    inequalities = [_positive(sympy.factor(e)) for e in (criterion(system)(characteristic) if in_symbols else rules)]
    radii = solve_radii(rules)
    return (), own, (Condition(None, tuple(i for i in inequalities if i is not sympy.true), radii),), radii


def _relation(expr: sympy.Expr, effective: sympy.Symbol, formula: sympy.Expr) -> sympy.Basic:
    """Return expr > 0 with the terms that depend on λ on the left, or as 0 < … if all do."""
    rest, dependent = sympy.expand(expr).as_independent(effective, as_Add=True)
    if rest == 0:
        return sympy.StrictLessThan(0, sympy.factor(dependent.subs(effective, formula)))
    return sympy.StrictLessThan(sympy.factor(-dependent.subs(effective, formula)), sympy.factor(rest))


def _positive(expr: sympy.Expr) -> sympy.Basic:
    """Return 0 < expr, or true if it always holds. SymPy tests only short ones, since long ones take minutes."""
    return sympy.StrictLessThan(0, expr, evaluate=len(str(expr)) <= LONGEST_EVALUATED)


def _decimals(expr: sympy.Expr) -> sympy.Expr:
    """Return a polynomial in ρ with coefficients rounded to 50 digits."""
    return sympy.Poly(expr, RHO).termwise(lambda _, c: sympy.Rational(sympy.N(c, DIGITS))).as_expr()


def _leading_digits(expr: sympy.Expr) -> sympy.Expr:
    """Return a polynomial scaled so that its largest coefficient is ±1, in floating-point numbers."""
    polynomial = sympy.Poly(expr, RHO, ETA, GAMMA)
    return (polynomial / polynomial.max_norm()).as_expr().evalf(15)
