"""The gradient and the Hessian of a formula."""

from collections.abc import Sequence
from functools import cached_property

import sympy

from ...ops import derivative


def slope(expr: sympy.Expr, symbol: sympy.Symbol) -> sympy.Expr:
    """Return ∂expr/∂symbol. Of a sum it passes to ``ops.derivative`` only the terms that contain the symbol."""
    terms = [term for term in sympy.Add.make_args(expr) if term.has(symbol)]
    result = sympy.Add(*(derivative(term, symbol) for term in terms))
    if any(power.exp.free_symbols for power in expr.atoms(sympy.Pow)):
        return sympy.powsimp(result)  # SymPy's derivative of x**p is p*x**p/x, which has no value at x = 0
    return result


class Derivatives:
    """A formula with its gradient and its Hessian, both computed on first use.

    Attributes:
        value: the formula.
        symbols: the d coordinates.

    >>> x, y = sympy.symbols("x y", real=True)
    >>> Derivatives(x**2 * y, (x, y)).gradient
    [2*x*y, x**2]
    """

    def __init__(self, value: sympy.Expr, symbols: Sequence[sympy.Symbol]) -> None:
        self.value, self.symbols = value, symbols

    @cached_property
    def gradient(self) -> list[sympy.Expr]:
        """The d first derivatives."""
        return [slope(self.value, s) for s in self.symbols]

    @cached_property
    def hessian(self) -> list[sympy.Expr]:
        """The d² second derivatives, row by row."""
        return [slope(g, s) for g in self.gradient for s in self.symbols]
