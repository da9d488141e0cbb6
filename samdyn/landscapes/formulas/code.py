"""A formula as functions of tensors, which all landscapes of one formula share."""

from collections.abc import Sequence
from functools import cached_property

import sympy

from ...portable import Portable
from .compile import Compiled, compile_torch
from .derivatives import Derivatives
from .stable import stable


class Code(Portable):
    """The value, the gradient and the Hessian of a formula as code, each compiled on first use.

    The functions take one tensor per coordinate, then one per parameter, so that other values of the parameters need no
    new code.

    Attributes:
        expr: the formula, in the coordinates and the parameters.
        symbols: the d coordinates.
        parameters: the symbols of the parameters.

    >>> import torch
    >>> x, a = sympy.symbols("x a", real=True)
    >>> Code(a * x**2, (x,), (a,)).gradient(torch.tensor(1.0), torch.tensor(3.0))
    (tensor(6.),)
    """

    def __init__(
        self, expr: sympy.Expr, symbols: Sequence[sympy.Symbol], parameters: Sequence[sympy.Symbol] = ()
    ) -> None:
        self.expr, self.symbols, self.parameters = expr, tuple(symbols), tuple(parameters)

    @cached_property
    def value(self) -> Compiled:
        """The function that returns the value."""
        return self._compiled([self._derivatives.value])

    @cached_property
    def gradient(self) -> Compiled:
        """The function that returns the d first derivatives by the coordinates."""
        return self._compiled(self._derivatives.gradient)

    @cached_property
    def hessian(self) -> Compiled:
        """The function that returns the d² second derivatives, row by row."""
        return self._compiled(self._derivatives.hessian)

    @cached_property
    def _derivatives(self) -> Derivatives:
        """The derivatives in a form that does not overflow."""
        return Derivatives(stable(self.expr), self.symbols)

    def _compiled(self, expressions: Sequence[sympy.Expr]) -> Compiled:
        return compile_torch((*self.symbols, *self.parameters), expressions)
