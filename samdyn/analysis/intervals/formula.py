"""Evaluates formulas on boxes: every value on a box lies in the interval that is returned."""

from collections.abc import Sequence
from fractions import Fraction
from functools import partial, reduce
from operator import add, mul

import numpy as np
import sympy
from sympy.core.function import Application

from .functions import FUNCTIONS, Function, Marks, inverse, power, root
from .interval import FUNCTION_ERROR, Interval, integer_power, point, widened

Definitions = Sequence[tuple[sympy.Symbol, sympy.Expr]]  # type of symbols with their formulas


class UnknownFunctionError(Exception):
    """A formula uses a function of which no interval is known."""


class IntervalFormulas:
    """Several formulas as a list of interval operations. An expression that occurs twice is computed once.

    Attributes:
        operations: their number, which the cost of a box is proportional to.

    >>> x = sympy.Symbol("x", real=True)
    >>> (square,), marks = IntervalFormulas((x,), [x**2])(np.array([[-1.0]]), np.array([[2.0]]))
    >>> square.low.tolist(), bool(4 <= square.high[0] < 4.1)
    ([0.0], True)
    """

    def __init__(
        self, symbols: Sequence[sympy.Symbol], expressions: Sequence[sympy.Expr], definitions: Definitions = ()
    ) -> None:
        """Translate the formulas.

        Args:
            symbols: the coordinates.
            expressions: the formulas.
            definitions: further symbols in the formulas, each with its formula in the symbols before it.

        Raises:
            UnknownFunctionError: a function without an interval version.
        """
        self._values: list[Interval | None] = []  # the constants; None for what depends on the box
        self._steps: list[tuple[int, Function, tuple[int, ...]]] = []
        self._places: dict[sympy.Expr, int] = {}
        self._dim = len(symbols)
        for symbol in symbols:
            self._places[symbol] = self._new(None)
        for symbol, expr in definitions:
            self._places[symbol] = self._place(expr)
        self._results = [self._place(sympy.sympify(e)) for e in expressions]
        self.operations = len(self._steps)
        last = {place: number for number, (_, _, arguments) in enumerate(self._steps) for place in arguments}
        # Each value is freed after the last step that uses it.
        self._free: list[list[int]] = [[] for _ in self._steps]
        for place, number in last.items():
            if self._values[place] is None and place not in self._results:
                self._free[number].append(place)

    def __call__(self, low: np.ndarray, high: np.ndarray) -> tuple[list[Interval], Marks]:
        """Return the intervals of the formulas on n boxes with the bounds ``(d, n)``, and where they are not smooth."""
        values, marks, shape = list(self._values), Marks(), low.shape[1:]
        for i in range(self._dim):
            values[i] = Interval(low[i], high[i])
        with np.errstate(all="ignore"):
            for (place, function, arguments), free in zip(self._steps, self._free, strict=True):
                values[place] = function(marks, *[values[a] for a in arguments])
                for a in free:
                    values[a] = None
        results = [values[place] for place in self._results]
        marks = Marks(np.broadcast_to(marks.rough, shape), np.broadcast_to(marks.undefined, shape))
        return [Interval(np.broadcast_to(r.low, shape), np.broadcast_to(r.high, shape)) for r in results if r], marks

    def _new(self, value: Interval | None) -> int:
        self._values.append(value)
        return len(self._values) - 1

    def _step(self, function: Function, *arguments: int) -> int:
        place = self._new(None)
        self._steps.append((place, function, arguments))
        return place

    def _place(self, expr: sympy.Expr) -> int:
        """Return the place of an expression's value; add the operations that compute it."""
        if expr not in self._places:
            self._places[expr] = self._new(constant(expr)) if expr.is_number else self._operation(expr)
        return self._places[expr]

    def _operation(self, expr: sympy.Expr) -> int:
        match expr:
            case sympy.Add():
                return self._step(_sum, *map(self._place, expr.args))
            case sympy.Mul():
                return self._step(_product, *map(self._place, expr.args))
            case sympy.exp():
                return self._step(FUNCTIONS["exp"], self._place(expr.args[0]))
            case sympy.Pow():
                return self._power(expr.base, expr.exp)
            case Application() if type(expr).__name__ in FUNCTIONS:
                return self._step(FUNCTIONS[type(expr).__name__], *map(self._place, expr.args))
        raise UnknownFunctionError(type(expr).__name__)

    def _power(self, base: sympy.Expr, exponent: sympy.Expr) -> int:
        u = self._place(base)
        if exponent.is_Integer:
            n = int(exponent)
            return self._step(partial(_integer_power, n=n) if n > 0 else partial(inverse, n=-n), u)
        if not exponent.is_number:
            return self._step(power, u, self._place(exponent))
        positive = abs(exponent)
        value = self._step(FUNCTIONS["sqrt"], u) if positive == sympy.Rational(1, 2) else None
        value = self._step(root, u, self._place(positive)) if value is None else value
        return value if exponent.is_positive else self._step(inverse, value)


def constant(number: sympy.Expr) -> Interval:
    """Return the interval of a constant: a point if it is a floating-point number."""
    if isinstance(number, sympy.Rational | sympy.Float):
        exact = sympy.Rational(number)
        value = np.array(float(Fraction(int(exact.p), int(exact.q))))
        if Fraction(float(value)) == Fraction(int(exact.p), int(exact.q)):
            return point(value)
    else:
        value = np.array(float(number.evalf(30)))
    return widened(value, value, FUNCTION_ERROR)


def _sum(marks: Marks, *terms: Interval) -> Interval:
    return reduce(add, terms)


def _product(marks: Marks, *factors: Interval) -> Interval:
    return reduce(mul, factors)


def _integer_power(marks: Marks, u: Interval, n: int) -> Interval:
    return integer_power(u, n)
