"""Solves for the critical points of polynomial landscapes in closed form."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import NoReturn

import sympy

from ... import checks, html
from ...arguments import checked
from ...landscapes import Landscape
from ...landscapes.formulas.parse import rational
from .real_zeros import UndecidedError, changes_sign

DIGITS = 60  # number of decimal digits in which candidates are evaluated
RELATIVE_ZERO = sympy.Float(10, DIGITS) ** (
    -DIGITS // 2
)  # relative to the sum of absolute terms; a smaller sum counts as 0
MAX_CANDIDATES = 10_000  # number of combinations of coordinates

Point = tuple[sympy.Expr, ...]


@dataclass(frozen=True)
class ExactCriticalPoints:
    """All real critical points of a polynomial landscape, in the whole space.

    Attributes:
        points: the points on none of the sets, each a tuple of d exact real numbers: rationals, roots, or SymPy's
            CRootOf.
        sets: polynomials on whose real zeros the whole gradient vanishes, and whose real zeros are not isolated: they
            are curves in the plane, surfaces in space, or lines if the polynomial lacks a coordinate.
        undecided: polynomials on whose real zeros the whole gradient vanishes, if any. The solver did not decide
            whether they have real zeros, and whether these are isolated. In the plane this happens at high degree only.

    >>> import samdyn as sd
    >>> sd.analysis.exact_critical_points(sd.Landscape("(x**2 + y**2 - 1)**2", "x y")).sets
    (x**2 + y**2 - 1,)
    """

    points: tuple[Point, ...]
    sets: tuple[sympy.Expr, ...]
    undecided: tuple[sympy.Expr, ...] = ()

    def _repr_html_(self) -> str:
        def written(formulas: Sequence[sympy.Expr]) -> html.Markup:
            return html.formula(r",\quad ".join(map(sympy.latex, formulas)))

        rows = [("point", written(point)) for point in self.points]
        rows += [("zeros of", written([polynomial])) for polynomial in self.sets]
        rows += [("undecided: zeros of", written([polynomial])) for polynomial in self.undecided]
        return html.block(html.table(("critical", "at"), rows) if rows else "no critical points")


@checked
def exact_critical_points(landscape: Landscape) -> ExactCriticalPoints:
    """Solve ∇L = 0 exactly, by elimination (Gröbner bases).

    The components of the gradient may share factors. A shared factor vanishes on a set of critical points if it changes
    its sign, which ``changes_sign`` decides exactly; otherwise its own gradient vanishes at its real zeros too.
    Elimination gives a polynomial in one coordinate for each coordinate of the remaining system. The points are the
    combinations of the real roots of these polynomials at which the system vanishes, to 30 of 60 digits. Decimal
    numbers in the formula are exact fractions.

    Args:
        landscape: the loss, a polynomial in few coordinates.

    Raises:
        InputError: the gradient is not polynomial with rational coefficients, or the system has sets of solutions
            beyond common factors, or too many roots: search with ``critical_points`` instead.

    >>> import samdyn as sd
    >>> sd.analysis.exact_critical_points(sd.landscapes.double_well()).points
    ((-1, 0), (0, 0), (1, 0))
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
    """Return the isolated real zeros of an irreducible polynomial, and whether it has others (None: undecided)."""
    own = [s for s in symbols if s in factor.free_symbols]
    if len(own) > 1:
        try:
            if changes_sign(factor):
                return [], True
        except UndecidedError:
            return [], None
    # The polynomial does not change its sign, so that its zeros are extrema, where its gradient vanishes.
    singular = _isolated(landscape, [factor, *(factor.diff(s) for s in own if len(own) > 1)], own)
    if singular is None:
        return [], None
    return (singular, False) if len(own) == len(symbols) else ([], bool(singular))


def _isolated(
    landscape: Landscape, system: Sequence[sympy.Expr], symbols: Sequence[sympy.Symbol]
) -> list[Point] | None:
    """Return the real zeros of a system; None if its complex zeros are not isolated."""
    if any(g.is_number for g in system):  # a number other than 0 never vanishes
        return []
    roots_per_symbol = []
    for symbol in symbols:
        roots = _real_roots(system, symbol, symbols)
        if roots is None:
            return None
        roots_per_symbol.append(roots)
    combinations = reduce(lambda n, roots: n * len(roots), roots_per_symbol, 1)
    if combinations > MAX_CANDIDATES:
        _refuse(landscape, f"{combinations} combinations of roots are more than the {MAX_CANDIDATES} that are tried")
    return [p for p in itertools.product(*roots_per_symbol) if all(_vanishes(g, symbols, p) for g in system)]


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
    """Return whether a polynomial vanishes at a point, to half the digits."""
    here = [coordinate.evalf(DIGITS) for coordinate in point]
    terms = [
        c * sympy.prod(x**n for x, n in zip(here, powers, strict=True))
        for powers, c in sympy.Poly(expr, *symbols).terms()
    ]
    return bool(abs(sum(terms)) <= RELATIVE_ZERO * sum(map(abs, terms)))
