"""Critical points in closed form, where the gradient is polynomial."""

import itertools
from dataclasses import dataclass
from functools import reduce

import sympy

from .. import checks
from ..landscapes import Landscape
from ..landscapes.parse import rational

DIGITS = 50
CANDIDATES = 10_000  # combinations of coordinates that are tried at most


@dataclass(frozen=True)
class ExactCriticalPoints:
    """All real critical points of a polynomial landscape, wherever they lie.

    Attributes:
        points: the isolated ones, each a tuple of d exact real numbers: rationals, roots, or SymPy's CRootOf.
        sets: polynomials on whose zeros the whole gradient vanishes: curves in the plane.
    """

    points: tuple[tuple[sympy.Expr, ...], ...]
    sets: tuple[sympy.Expr, ...]


def exact_critical_points(landscape: Landscape) -> ExactCriticalPoints:
    """Solve ∇L = 0 exactly, by elimination (Gröbner bases).

    Factors that all components of the gradient share are the sets of critical points; of what is left every coordinate
    has a polynomial of its own, and the combinations of their real roots at which the gradient vanishes, checked to 50
    digits, are the points. Numbers in the formula are taken as the decimal fractions they are written as.

    Args:
        landscape: the loss, a polynomial in few coordinates.

    Raises:
        InputError: a gradient that is not polynomial, or a system with sets of solutions beyond common factors, or with
            too many roots: search with ``critical_points`` instead.
    """
    symbols = landscape.symbols
    fix = "Search for the points with critical_points"
    gradient = [rational(g) for g in landscape.gradient]
    if not all(g.is_polynomial(*symbols) for g in gradient):
        checks.reject("landscape", landscape, "its gradient is not polynomial, so it is not solved exactly", fix)
    common = reduce(sympy.gcd, gradient)
    factors = [factor for factor, _ in sympy.factor_list(common, *symbols)[1]]
    rest = [sympy.cancel(g / common) for g in gradient if g != 0]
    rest = [g for g in rest if g != 0]
    if any(g.is_number for g in rest):  # nothing is left to vanish
        return ExactCriticalPoints((), tuple(filter(_has_real_zeros, factors)))
    coordinates = [_real_roots(rest, symbol, symbols) for symbol in symbols]
    if any(roots is None for roots in coordinates):
        rule = "its critical points form sets that are no common factor of the gradient"
        checks.reject("landscape", landscape, rule, fix)
    known = [roots for roots in coordinates if roots is not None]
    combinations = reduce(lambda n, roots: n * len(roots), known, 1)
    if combinations > CANDIDATES:
        rule = f"{combinations} combinations of roots are more than the {CANDIDATES} that are tried"
        checks.reject("landscape", landscape, rule, fix)
    numeric = [[(root, root.evalf(DIGITS)) for root in roots] for roots in known]
    points = tuple(
        tuple(root for root, _ in point)
        for point in itertools.product(*numeric)
        if all(_vanishes(g, dict(zip(symbols, (value for _, value in point), strict=True))) for g in gradient)
    )
    on_a_set = [p for p in points if any(_vanishes(f, _at(symbols, p)) for f in factors)]
    return ExactCriticalPoints(tuple(p for p in points if p not in on_a_set), tuple(filter(_has_real_zeros, factors)))


def _real_roots(
    system: list[sympy.Expr], symbol: sympy.Symbol, symbols: tuple[sympy.Symbol, ...]
) -> list[sympy.Expr] | None:
    """Return the real roots of the polynomial in one symbol that the system implies; None if there is none."""
    others = [s for s in symbols if s != symbol]
    basis = sympy.groebner(system, *others, symbol, order="lex")
    alone = [g for g in basis.exprs if g.free_symbols <= {symbol}]
    if not alone:
        return None
    return [] if alone[-1].is_number else list(dict.fromkeys(sympy.real_roots(alone[-1])))


def _at(symbols: tuple[sympy.Symbol, ...], point: tuple[sympy.Expr, ...]) -> dict[sympy.Symbol, sympy.Expr]:
    return {s: p.evalf(DIGITS) for s, p in zip(symbols, point, strict=True)}


def _vanishes(expr: sympy.Expr, here: dict[sympy.Symbol, sympy.Expr]) -> bool:
    return bool(abs(expr.subs(here).evalf(DIGITS)) < sympy.Float(10) ** (-DIGITS // 2))


def _has_real_zeros(factor: sympy.Expr) -> bool:
    # Irreducible over the rationals: without a change of sign it has at most isolated real zeros.
    first, *_ = sorted(factor.free_symbols, key=str)
    others = [s for s in factor.free_symbols if s != first]
    samples = itertools.product(map(sympy.Rational, ("-7/3", "-1/5", "1/7", "5/3")), repeat=len(others))
    return any(
        sympy.Poly(factor.subs(dict(zip(others, sample, strict=True))), first).count_roots() > 0 for sample in samples
    )
