"""Critical points in closed form, where the gradient is polynomial."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import NoReturn

import sympy

from ... import checks
from ...arguments import checked
from ...landscapes import Landscape
from ...landscapes.parse import rational
from .real_zeros import UndecidedError, changes_sign

DIGITS = 60
ZERO = sympy.Float(10, DIGITS) ** (-DIGITS // 2)  # a sum smaller than this, relative to its terms, vanishes
CANDIDATES = 10_000  # combinations of coordinates that are tried at most

Point = tuple[sympy.Expr, ...]


@dataclass(frozen=True)
class ExactCriticalPoints:
    """All real critical points of a polynomial landscape, wherever they lie.

    Attributes:
        points: those on none of the sets, each a tuple of d exact real numbers: rationals, roots, or SymPy's CRootOf.
        sets: polynomials on whose real zeros the whole gradient vanishes, and which have more than isolated ones:
            curves in the plane, surfaces in space, or lines where they do not depend on every coordinate.
        undecided: polynomials on whose real zeros the whole gradient vanishes, of which it was not found out whether
            they have real zeros, and whether those are isolated. In the plane there are none but of high degree.
    """

    points: tuple[Point, ...]
    sets: tuple[sympy.Expr, ...]
    undecided: tuple[sympy.Expr, ...] = ()


@checked
def exact_critical_points(landscape: Landscape) -> ExactCriticalPoints:
    """Solve ∇L = 0 exactly, by elimination (Gröbner bases).

    Factors that all components of the gradient share vanish on sets of critical points if they change their sign, which
    is decided exactly (``changes_sign``); otherwise their real zeros are where their own gradient vanishes too. Of what
    is left of the system every coordinate has a polynomial of its own, and the combinations of their real roots at
    which all of it vanishes, to 30 of 60 digits, are the points. Numbers in the formula are taken as the decimal
    fractions they are written as.

    Args:
        landscape: the loss, a polynomial in few coordinates.

    Raises:
        InputError: a gradient that is not polynomial with rational coefficients, or a system with sets of solutions
            beyond common factors, or with too many roots: search with ``critical_points`` instead.
    """
    symbols = landscape.symbols
    gradient = [rational(g) for g in landscape.gradient]
    if not all(g.is_polynomial(*symbols) for g in gradient):
        _refuse(landscape, "its gradient is not polynomial, so it is not solved exactly")
    if not all(c.is_Rational for g in gradient for c in sympy.Poly(g, *symbols).coeffs()):
        _refuse(landscape, "its gradient has coefficients that are not rational, so it is not solved exactly")
    if not any(gradient):
        return ExactCriticalPoints((), (sympy.Integer(0),))
    common = reduce(sympy.gcd, gradient)
    rest = [q for q in (sympy.cancel(g / common) for g in gradient) if q != 0]
    points = _isolated(landscape, rest, symbols)
    if points is None:
        _refuse(landscape, "its critical points form sets that are no common factor of the gradient")
    sets: list[sympy.Expr] = []
    undecided: list[sympy.Expr] = []
    for factor, _ in sympy.factor_list(common, *symbols)[1]:
        alone, has_more = _zeros(landscape, factor, symbols)
        points += [p for p in alone if p not in points]
        if has_more is not False:
            (sets if has_more else undecided).append(factor)
    elsewhere = (p for p in points if not any(_vanishes(f, symbols, p) for f in (*sets, *undecided)))
    return ExactCriticalPoints(tuple(elsewhere), tuple(sets), tuple(undecided))


def _refuse(landscape: Landscape, rule: str) -> NoReturn:
    checks.reject("landscape", landscape, rule, "Search for the points with critical_points")


def _zeros(
    landscape: Landscape, factor: sympy.Expr, symbols: Sequence[sympy.Symbol]
) -> tuple[list[Point], bool | None]:
    """Return the real zeros of an irreducible polynomial if they are isolated, and whether it has others, if known."""
    own = [s for s in symbols if s in factor.free_symbols]
    if len(own) > 1:
        try:
            if changes_sign(factor):
                return [], True
        except UndecidedError:
            return [], None
    # It is extreme at its zeros.
    singular = _isolated(landscape, [factor, *(factor.diff(s) for s in own if len(own) > 1)], own)
    if singular is None:
        return [], None
    return (singular, False) if len(own) == len(symbols) else ([], bool(singular))


def _isolated(
    landscape: Landscape, system: Sequence[sympy.Expr], symbols: Sequence[sympy.Symbol]
) -> list[Point] | None:
    """Return the real zeros of a system; None if its complex ones are not isolated."""
    if any(g.is_number for g in system):  # and so cannot vanish
        return []
    known = []
    for symbol in symbols:
        roots = _real_roots(system, symbol, symbols)
        if roots is None:
            return None
        known.append(roots)
    combinations = reduce(lambda n, roots: n * len(roots), known, 1)
    if combinations > CANDIDATES:
        _refuse(landscape, f"{combinations} combinations of roots are more than the {CANDIDATES} that are tried")
    return [p for p in itertools.product(*known) if all(_vanishes(g, symbols, p) for g in system)]


def _real_roots(
    system: Sequence[sympy.Expr], symbol: sympy.Symbol, symbols: Sequence[sympy.Symbol]
) -> list[sympy.Expr] | None:
    """Return the real roots of the polynomial in one symbol that the system implies; None if there is none."""
    others = [s for s in symbols if s != symbol]
    basis = sympy.groebner(system, *others, symbol, order="lex")
    alone = [g for g in basis.exprs if g.free_symbols <= {symbol}]
    if not alone:
        return None
    return [] if alone[-1].is_number else list(dict.fromkeys(sympy.real_roots(alone[-1])))


def _vanishes(expr: sympy.Expr, symbols: Sequence[sympy.Symbol], point: Point) -> bool:
    here = [coordinate.evalf(DIGITS) for coordinate in point]
    terms = [
        c * sympy.prod(x**n for x, n in zip(here, powers, strict=True))
        for powers, c in sympy.Poly(expr, *symbols).terms()
    ]
    return bool(abs(sum(terms)) <= ZERO * sum(map(abs, terms)))
