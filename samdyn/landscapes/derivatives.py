"""Derivatives of formulas."""

from collections.abc import Sequence
from functools import cached_property

import sympy

from ..ops import derivative


def slope(expr: sympy.Expr, symbol: sympy.Symbol) -> sympy.Expr:
    """Return ∂expr/∂symbol as ``ops.derivative`` does, of a sum's terms that have the symbol alone."""
    terms = [term for term in sympy.Add.make_args(expr) if term.has(symbol)]
    return sympy.Add(*(derivative(term, symbol) for term in terms))


class Derivatives:
    """A formula with its gradient and its Hessian, made when they are asked for.

    Attributes:
        value: the formula.
        symbols: the d coordinates.
    """

    def __init__(self, value: sympy.Expr, symbols: Sequence[sympy.Symbol]) -> None:
        self.value, self.symbols = value, symbols

    @cached_property
    def gradient(self) -> list[sympy.Expr]:
        """The d derivatives."""
        return [slope(self.value, s) for s in self.symbols]

    @cached_property
    def hessian(self) -> list[sympy.Expr]:
        """The d² derivatives of those, row by row."""
        return [slope(g, s) for g in self.gradient for s in self.symbols]
