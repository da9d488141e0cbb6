"""Decides exactly whether a polynomial has real zeros that are not isolated."""

import itertools
from collections.abc import Iterator, Sequence
from fractions import Fraction

import sympy

MAX_DEGREE = 400  # degree of a resultant; SymPy takes minutes to compute larger ones
MAX_CELLS = 1000  # number of cells

Sample = dict[sympy.Symbol, sympy.Rational]


class UndecidedError(Exception):
    """The decision would need a larger resultant or more cells than the limits allow."""


def changes_sign(polynomial: sympy.Expr) -> bool:
    """Return whether a polynomial takes both signs; its real zeros are then curves, surfaces and so on.

    A polynomial that does not has an extremum at each of its real zeros, and its gradient vanishes there.

    The zeros of the leading coefficient and of the discriminant divide the space of all symbols but one into open
    cells. Over each cell the number of real zeros is constant, and they are simple. The function counts them at one
    rational point of every cell.

    Args:
        polynomial: a polynomial that is irreducible over the rationals, with rational coefficients, not constant.

    Raises:
        UndecidedError: the polynomial has a high degree in many symbols.

    Source: cylindrical algebraic decomposition by open cells [Strzeboński 2000, J. Symb. Comp. 29, 471].
    """
    symbols = sorted(polynomial.free_symbols, key=lambda s: (sympy.degree(polynomial, s), s.name))
    last, others = symbols[0], symbols[1:]
    for number, cell in enumerate(_open_cells(_projection([polynomial], last), others)):
        if number == MAX_CELLS:
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
    for cell in _open_cells(_projection(polynomials, last), others):
        here = [sympy.Poly(p.subs(cell), last) for p in polynomials if p.has(last)]
        for value in _between_roots(here):
            yield {**cell, last: value}


def _projection(polynomials: Sequence[sympy.Expr], symbol: sympy.Symbol) -> list[sympy.Expr]:
    """Return the irreducible factors of the polynomials that vanish where zeros in a symbol meet or go to infinity."""
    dependent = [sympy.Poly(p, symbol) for p in polynomials if p.has(symbol)]
    boundaries = [p for p in polynomials if not p.has(symbol)]
    boundaries += [p.LC() for p in dependent]
    boundaries += [_resultant(p, p.diff()) for p in dependent if p.degree() > 1]  # the discriminant, times LC
    boundaries += [_resultant(p, q) for p, q in itertools.combinations(dependent, 2)]
    factors = [factor for e in boundaries for factor, _ in sympy.factor_list(e)[1]]
    return list(dict.fromkeys(factors))


def _resultant(p: sympy.Poly, q: sympy.Poly) -> sympy.Expr:
    """Return the resultant of two polynomials.

    Raises:
        UndecidedError: its degree may exceed MAX_DEGREE.
    """
    others = sorted((p.free_symbols | q.free_symbols) - set(p.gens), key=str)
    if others:
        low, high = (max(sympy.Poly(c, *others).total_degree() for c in r.coeffs()) for r in (p, q))
        if low * q.degree() + high * p.degree() > MAX_DEGREE:
            raise UndecidedError
    return p.resultant(q)


def _between_roots(polynomials: Sequence[sympy.Poly]) -> Iterator[sympy.Rational]:
    """Yield a rational number left of, between each two of, and right of all real roots of the polynomials."""
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
    """Return a fraction between two others, with a small denominator to keep the polynomials at it small."""
    middle, denominator = Fraction(int((low + high).p), int(2 * (low + high).q)), 1
    while not low < (fraction := sympy.Rational(middle.limit_denominator(denominator))) < high:
        denominator *= 2
    return fraction
