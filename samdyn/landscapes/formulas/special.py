"""SymPy functions that replace expressions which overflow, or which SymPy handles slowly.

The derivative of each is made of functions of this module. ``functions`` computes them, and ``stable`` puts them into
formulas.
"""

from collections.abc import Sequence
from typing import Any

import sympy


class LogSumExp(sympy.Function):  # type: ignore[misc]  # SymPy is not annotated
    """The function log Σ exp(uᵢ)."""

    is_extended_real = True

    def fdiff(self, argindex: int = 1) -> sympy.Expr:
        u = self.args[argindex - 1]
        if len(self.args) == 2:
            return Logistic(u - self.args[2 - argindex])
        return SoftMax(u, *self.args)


class Logistic(sympy.Function):  # type: ignore[misc]
    """The function 1/(1 + exp(−u))."""

    is_extended_real = True

    def fdiff(self, argindex: int = 1) -> sympy.Expr:
        return self * Logistic(-self.args[0])


class SoftMax(sympy.Function):  # type: ignore[misc]
    """The function exp(v)/Σ exp(uᵢ) of v and the uᵢ."""

    is_extended_real = True

    def fdiff(self, argindex: int = 1) -> sympy.Expr:
        return self if argindex == 1 else -self * SoftMax(self.args[argindex - 1], *self.args[1:])


class LogCosh(sympy.Function):  # type: ignore[misc]
    """The function log cosh u."""

    is_extended_real = True

    def fdiff(self, argindex: int = 1) -> sympy.Expr:
        return Tanh(self.args[0])


class Tanh(sympy.Function):  # type: ignore[misc]
    """The function tanh u. Its derivative here is Sech², and not 1 − tanh², a difference of numbers near 1."""

    is_extended_real = True

    def fdiff(self, argindex: int = 1) -> sympy.Expr:
        return Sech(self.args[0]) ** 2


class Sech(sympy.Function):  # type: ignore[misc]
    """The function 1/cosh u."""

    is_extended_real = True

    def fdiff(self, argindex: int = 1) -> sympy.Expr:
        return -self * Tanh(self.args[0])


class SinhExp(sympy.Function):  # type: ignore[misc]
    """The function sinh(u) exp(v)."""

    is_extended_real = True

    def fdiff(self, argindex: int = 1) -> sympy.Expr:
        return CoshExp(*self.args) if argindex == 1 else self


class CoshExp(sympy.Function):  # type: ignore[misc]
    """The function cosh(u) exp(v)."""

    is_extended_real = True

    def fdiff(self, argindex: int = 1) -> sympy.Expr:
        return SinhExp(*self.args) if argindex == 1 else self


class Largest(sympy.Function):  # type: ignore[misc]
    """The largest of some terms. SymPy's Max compares every pair of them, which takes seconds for ten terms."""

    is_extended_real = True

    def fdiff(self, argindex: int = 1) -> sympy.Expr:
        u, others = self.args[argindex - 1], _without(self.args, argindex - 1)
        return Step(u - Largest(*others) if len(others) > 1 else u - others[0])


class Smallest(sympy.Function):  # type: ignore[misc]
    """The smallest of some terms."""

    is_extended_real = True

    def fdiff(self, argindex: int = 1) -> sympy.Expr:
        u, others = self.args[argindex - 1], _without(self.args, argindex - 1)
        return Step(Smallest(*others) - u if len(others) > 1 else others[0] - u)


class Step(sympy.Function):  # type: ignore[misc]
    """1 where u > 0, else 0. SymPy's Heaviside computes the sign of u, which takes seconds for a long formula."""

    is_extended_real = True

    def _eval_derivative(self, s: sympy.Symbol) -> sympy.Expr:
        return sympy.Integer(0)


class Where(sympy.Function):  # type: ignore[misc]
    """The function of u and v that is v where u > 0, and 0 elsewhere, even where v is infinite."""


def _without(terms: Sequence[Any], index: int) -> list[Any]:
    return [*terms[:index], *terms[index + 1 :]]
