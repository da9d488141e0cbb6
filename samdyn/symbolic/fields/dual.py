"""Dual numbers a + εb with ε² = 0 over formulas: a value and a derivative, without higher powers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy
from sympy.polys.polyerrors import PolynomialError
from sympy.polys.rings import PolyElement, PolyRing

from ...landscapes.formulas.parse import rational

Formula = Any  # sympy.Expr, or PolyElement: a polynomial with fractions as coefficients, which is ten times as fast


@dataclass(frozen=True, eq=False)
class Dual:
    """A formula and its derivative, with the operations that fields without a norm need.

    Other operations raise TypeError. So do truth values, since a method must not branch on them.
    """

    value: Formula
    slope: Formula

    def __bool__(self) -> bool:
        raise TypeError("a formula with a derivative is neither true nor false")

    def __neg__(self) -> Dual:
        return Dual(-self.value, -self.slope)

    def __add__(self, other: Any) -> Dual:
        other = self._dual(other)
        return Dual(self.value + other.value, self.slope + other.slope)

    def __sub__(self, other: Any) -> Dual:
        return self + -self._dual(other)

    def __rsub__(self, other: Any) -> Dual:
        return -self + other

    def __mul__(self, other: Any) -> Dual:
        other = self._dual(other)
        slope = self.value * other.slope + self.slope * other.value
        return Dual(_expanded(self.value * other.value), _expanded(slope))

    def __truediv__(self, other: Any) -> Dual:
        if isinstance(other, Dual):
            raise TypeError("quotients of formulas are differentiated by SymPy")
        if isinstance(self.value, PolyElement):
            return self * (1 / sympy.sympify(other))
        return Dual(self.value / other, self.slope / other)

    def __pow__(self, power: Any) -> Dual:
        if power != 2:
            raise TypeError("powers but squares are differentiated by SymPy")
        return self * self

    def __abs__(self) -> Dual:
        sign = sympy.sign(self.value.as_expr())
        if sign not in (1, -1):
            raise TypeError("|u| has no derivative where u = 0")
        return self * sign

    __radd__ = __add__
    __rmul__ = __mul__

    def _dual(self, value: Any) -> Dual:
        if isinstance(value, Dual):
            return value
        formula = sympy.sympify(value)
        if isinstance(self.value, PolyElement):
            return Dual(_element(self.value.ring, formula), self.value.ring.zero)
        return Dual(formula, sympy.Integer(0))


def duals(values: Iterable[sympy.Expr], slopes: Iterable[sympy.Expr], symbols: set[sympy.Symbol] | None) -> np.ndarray:
    """Return dual numbers: with symbols those of polynomials in them, and otherwise those of formulas.

    Raises:
        TypeError: a value is no polynomial in the symbols.
    """
    if symbols is None:
        return np.array([Dual(*pair) for pair in zip(values, slopes, strict=True)], dtype=object)
    ring = PolyRing(sorted(symbols, key=str), sympy.QQ)
    pairs = zip(values, slopes, strict=True)
    return np.array([Dual(*(_element(ring, entry) for entry in pair)) for pair in pairs], dtype=object)


def _expanded(formula: Formula) -> Formula:
    return formula if isinstance(formula, PolyElement) else sympy.expand(formula)


def _element(ring: PolyRing, formula: sympy.Expr) -> PolyElement:
    """Return a formula as a polynomial. Floating-point parameters, such as a shift of 0.01, count as decimals."""
    try:
        return ring.from_expr(rational(formula))
    except (ValueError, PolynomialError) as error:  # roots, or other symbols
        raise TypeError(f"{formula} is no polynomial in {ring.symbols}") from error
