"""Dual numbers a + εb with ε² = 0 over formulas: a value and a derivative, without higher powers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy


@dataclass(frozen=True, eq=False)
class Dual:
    """A formula and its derivative, with the operations that fields without a norm need.

    Other operations raise TypeError. So do truth values, since a method must not branch on them.
    """

    value: sympy.Expr
    slope: sympy.Expr

    def __bool__(self) -> bool:
        raise TypeError("a formula with a derivative is neither true nor false")

    def __neg__(self) -> Dual:
        return Dual(-self.value, -self.slope)

    def __add__(self, other: Any) -> Dual:
        other = _dual(other)
        return Dual(self.value + other.value, self.slope + other.slope)

    def __sub__(self, other: Any) -> Dual:
        return self + -_dual(other)

    def __rsub__(self, other: Any) -> Dual:
        return -self + other

    def __mul__(self, other: Any) -> Dual:
        other = _dual(other)
        slope = self.value * other.slope + self.slope * other.value
        return Dual(sympy.expand(self.value * other.value), sympy.expand(slope))

    def __truediv__(self, other: Any) -> Dual:
        if isinstance(other, Dual):
            raise TypeError("quotients of formulas are differentiated by SymPy")
        return Dual(self.value / other, self.slope / other)

    def __pow__(self, power: Any) -> Dual:
        if power != 2:
            raise TypeError("powers but squares are differentiated by SymPy")
        return self * self

    def __abs__(self) -> Dual:
        sign = sympy.sign(self.value)
        if sign not in (1, -1):
            raise TypeError("|u| has no derivative where u = 0")
        return self * sign

    __radd__ = __add__
    __rmul__ = __mul__


def _dual(value: Any) -> Dual:
    return value if isinstance(value, Dual) else Dual(sympy.sympify(value), sympy.Integer(0))
