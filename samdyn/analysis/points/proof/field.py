"""Encloses a gradient and its derivatives on many boxes at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import sympy

from ....landscapes.formulas.derivatives import Derivatives
from ....landscapes.formulas.stable import stable
from ...intervals.formula import Definitions, IntervalFormulas
from ...intervals.functions import Marks
from ...intervals.interval import Interval


@dataclass(frozen=True)
class Enclosure:
    """Bounds of a field, and of its derivatives if they were computed, on n boxes.

    Attributes:
        low, high: bounds of the components, ``(d, n)``.
        slopes_low, slopes_high: bounds of the derivatives, ``(d, d, n)``.
        smooth: whether the field has these derivatives everywhere on the box, and none of them is unbounded, ``(n,)``.
        undefined: whether the field is undefined on the whole box, ``(n,)``.
    """

    low: np.ndarray
    high: np.ndarray
    slopes_low: np.ndarray
    slopes_high: np.ndarray
    smooth: np.ndarray
    undefined: np.ndarray

    @property
    def excludes_zero(self) -> np.ndarray:
        """Whether a component has no zero on the box, or the field no value, ``(n,)``."""
        return ((self.low > 0) | (self.high < 0)).any(0) | self.undefined

    @property
    def vanishes(self) -> np.ndarray:
        """Whether the field is 0 on the whole box, ``(n,)``."""
        return ((self.low == 0) & (self.high == 0)).all(0) & ~self.undefined


class FormulaField:
    """A field of formulas, on boxes.

    Attributes:
        dim: the number d of coordinates.
        cost: the number of interval operations that a box costs.
    """

    def __init__(
        self,
        symbols: Sequence[sympy.Symbol],
        values: Sequence[sympy.Expr],
        slopes: Sequence[sympy.Expr],
        definitions: tuple[Definitions, Definitions] = ((), ()),
    ) -> None:
        """Translate the formulas.

        Args:
            symbols: the coordinates.
            values: the d components.
            slopes: their d² derivatives, row by row.
            definitions: further symbols, each with its formula: those in the components, and those in the derivatives.

        Raises:
            UnknownFunctionError: a function without an interval version.
        """
        self.dim = len(symbols)
        self._values = IntervalFormulas(symbols, values, definitions[0])
        self._all = IntervalFormulas(symbols, [*values, *slopes], definitions[1])
        self.cost = self._values.operations + self._all.operations + self.dim**3

    def values(self, low: np.ndarray, high: np.ndarray) -> Enclosure:
        """Return the enclosure of the field alone on boxes ``(d, n)``."""
        values, marks = self._values(low, high)
        none = np.empty((0, 0, low.shape[1]))
        return self._enclosure(values, marks, none, none)

    def slopes(self, low: np.ndarray, high: np.ndarray) -> Enclosure:
        """Return the enclosure of the field and of its derivatives on boxes ``(d, n)``."""
        values, marks = self._all(low, high)
        shape = (self.dim, self.dim, low.shape[1])
        lower, upper = (np.reshape([getattr(v, end) for v in values[self.dim :]], shape) for end in ("low", "high"))
        return self._enclosure(values[: self.dim], marks, lower, upper)

    def _enclosure(self, values: list[Interval], marks: Marks, low: np.ndarray, high: np.ndarray) -> Enclosure:
        smooth = ~marks.rough & ~marks.undefined & np.isfinite(low).all((0, 1)) & np.isfinite(high).all((0, 1))
        return Enclosure(
            np.array([v.low for v in values]), np.array([v.high for v in values]), low, high, smooth, marks.undefined
        )


class GradientField(FormulaField):
    """The gradient of a loss, on boxes."""

    def __init__(self, expr: sympy.Expr, symbols: Sequence[sympy.Symbol]) -> None:
        """Translate the formulas of the gradient and of the Hessian of a loss.

        Raises:
            UnknownFunctionError: a function without an interval version.
        """
        derivatives, d = Derivatives(stable(expr), symbols), len(symbols)
        # Both of a pair of mixed derivatives have the same formula, which is computed once.
        hessian = [derivatives.hessian[min(i, j) * d + max(i, j)] for i in range(d) for j in range(d)]
        super().__init__(symbols, derivatives.gradient, hessian)
