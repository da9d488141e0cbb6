"""Whether a polynomial has real zeros, and whether they are more than points: decided, not sampled."""

import itertools
from collections.abc import Iterator, Sequence
from fractions import Fraction

import sympy

LARGEST_DEGREE = 400  # of a resultant that is computed: beyond, SymPy takes minutes
CELLS = 1000  # that are looked at

Sample = dict[sympy.Symbol, sympy.Rational]


class UndecidedError(Exception):
    """A decision that takes more work than is done."""


def changes_sign(polynomial: sympy.Expr) -> bool:
    """Say whether a polynomial takes both signs; its real zeros then are curves, surfaces and so on, not just points.

    If it does not, it is extreme at each of its real zeros, and its gradient vanishes there.

    The zeros of leading coefficient and discriminant divide the space of all symbols but one into open cells; over each
    of them the number of real zeros is constant, and they are simple. One rational point of every cell is looked at.

    Args:
        polynomial: irreducible over the rationals, with rational coefficients, not constant.

    Raises:
        UndecidedError: polynomials of high degree in many symbols.

    Source: cylindrical algebraic decomposition by open cells [Strzeboński 2000, J. Symb. Comp. 29, 471].
    """
    symbols = sorted(polynomial.free_symbols, key=lambda s: (sympy.degree(polynomial, s), s.name))
    last, others = symbols[0], symbols[1:]
    for number, cell in enumerate(_open_cells(_projected([polynomial], last), others)):
        if number == CELLS:
            raise UndecidedError
        if sympy.Poly(polynomial.subs(cell), last).count_roots() > 0:
            return True
    return False


def _open_cells(polynomials: Sequence[sympy.Expr], symbols: Sequence[sympy.Symbol]) -> Iterator[Sample]:
    """Yield a rational point of every open cell into which the zeros of polynomials divide the space of the symbols."""
    if not symbols:
        yield {}
        return
    *others, last = symbols
    for cell in _open_cells(_projected(polynomials, last), others):
        here = [sympy.Poly(p.subs(cell), last) for p in polynomials if p.has(last)]
        for value in _between_roots(here):
            yield {**cell, last: value}


def _projected(polynomials: Sequence[sympy.Expr], symbol: sympy.Symbol) -> list[sympy.Expr]:
    """Return what vanishes where the polynomials' zeros in a symbol meet or go to infinity, in irreducible factors."""
    dependent = [sympy.Poly(p, symbol) for p in polynomials if p.has(symbol)]
    found = [p for p in polynomials if not p.has(symbol)]
    found += [p.LC() for p in dependent]
    found += [_resultant(p, p.diff()) for p in dependent if p.degree() > 1]  # the discriminant, times LC
    found += [_resultant(p, q) for p, q in itertools.combinations(dependent, 2)]
    factors = [factor for e in found for factor, _ in sympy.factor_list(e)[1]]
    return list(dict.fromkeys(factors))


def _resultant(p: sympy.Poly, q: sympy.Poly) -> sympy.Expr:
    others = sorted((p.free_symbols | q.free_symbols) - set(p.gens), key=str)
    if others:
        low, high = (max(sympy.Poly(c, *others).total_degree() for c in r.coeffs()) for r in (p, q))
        if low * q.degree() + high * p.degree() > LARGEST_DEGREE:
            raise UndecidedError
    return p.resultant(q)


def _between_roots(polynomials: Sequence[sympy.Poly]) -> Iterator[sympy.Rational]:
    """Yield rational numbers left of, between, and right of all real roots of polynomials in one symbol."""
    eps = sympy.Integer(1)
    roots = [ends for ends, _ in sympy.intervals(polynomials, eps=eps)] if polynomials else []
    while any(b >= c for (_, b), (c, _) in itertools.pairwise(roots)):
        eps /= 16
        roots = [ends for ends, _ in sympy.intervals(polynomials, eps=eps)]
    if not roots:
        yield sympy.Integer(0)
        return
    yield sympy.floor(roots[0][0]) - 1
    for (_, low), (high, _) in itertools.pairwise(roots):
        yield _simplest(low, high)
    yield sympy.ceiling(roots[-1][1]) + 1


def _simplest(low: sympy.Rational, high: sympy.Rational) -> sympy.Rational:
    """Return a fraction between two others, with a small denominator: it is put into polynomials."""
    middle, denominator = Fraction(int((low + high).p), int(2 * (low + high).q)), 1
    while not low < (found := sympy.Rational(middle.limit_denominator(denominator))) < high:
        denominator *= 2
    return found
