"""The functions of formulas, on intervals."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import reduce

import numpy as np

from .interval import (
    FUNCTION_ERROR,
    LARGEST,
    ROUNDING,
    ZERO,
    Interval,
    entire,
    hull,
    integer_power,
    point,
    where,
    widened,
)

MAX_ANGLE = 1e6  # in radians; the bounds of sin, cos and tan of larger numbers are those of all numbers
ONE, TWO, HALF = map(point, (1, 2, 0.5))
LOG_2 = widened(np.log(np.array(2.0)), np.log(np.array(2.0)), FUNCTION_ERROR)


@dataclass
class Marks:
    """Where the formula is no smooth function on a whole box.

    Attributes:
        rough: whether the formula jumps somewhere in each box, has a pole, or is undefined in a part of it.
        undefined: whether the formula is undefined in the whole box.
    """

    rough: np.ndarray = field(default_factory=lambda: np.array(False))
    undefined: np.ndarray = field(default_factory=lambda: np.array(False))

    def add(self, rough: np.ndarray, undefined: np.ndarray | None = None) -> None:
        """Add boxes to those that are marked."""
        self.rough = self.rough | rough
        if undefined is not None:
            self.undefined = self.undefined | undefined


Function = Callable[..., Interval]  # type of a function of Marks and of one or more intervals


def _increasing(function: Callable[[np.ndarray], np.ndarray], low: float = -np.inf, high: float = np.inf) -> Function:
    """Return an increasing NumPy function of numbers as one of intervals; its values lie in [low, high]."""

    def enclosure(marks: Marks, u: Interval) -> Interval:
        bounds = widened(function(u.low), function(u.high), FUNCTION_ERROR)
        return Interval(np.clip(bounds.low, low, high), np.clip(bounds.high, low, high))

    return enclosure


def _log(marks: Marks, u: Interval) -> Interval:
    marks.add(u.low <= 0, u.high <= 0)
    bounds = widened(np.log(np.maximum(u.low, 0.0)), np.log(np.maximum(u.high, 0.0)), FUNCTION_ERROR)
    return Interval(np.where(u.low <= 0, -np.inf, bounds.low), bounds.high)


def _sqrt(marks: Marks, u: Interval) -> Interval:
    marks.add(u.low < 0, u.high < 0)
    bounds = widened(np.sqrt(np.maximum(u.low, 0.0)), np.sqrt(np.maximum(u.high, 0.0)), ROUNDING)
    return Interval(np.maximum(bounds.low, 0.0), bounds.high)


def power(marks: Marks, u: Interval, exponent: Interval) -> Interval:
    """Return u to a power that is no integer: exp(exponent · log u), for u > 0."""
    return FUNCTIONS["exp"](marks, exponent * _log(marks, u))


def root(marks: Marks, u: Interval, exponent: Interval) -> Interval:
    """Return u to a constant power > 0 that is no integer, for u ≥ 0."""
    marks.add(u.low < 0, u.high < 0)
    # The mark is set already; the logarithm would mark u = 0 too, at which the power has a value.
    return power(Marks(), Interval(np.maximum(u.low, 0.0), np.maximum(u.high, 0.0)), exponent)


def inverse(marks: Marks, u: Interval, n: int = 1) -> Interval:
    """Return 1/uⁿ for an integer n > 0."""
    marks.add((u.low <= 0) & (u.high >= 0), u.is_zero)
    return integer_power(u, -n)


def _passes(u: Interval, phase: float, period: float) -> np.ndarray:
    """Return whether each interval may contain a number phase + k · period."""
    low, high = (u.low - phase) / period, (u.high - phase) / period
    slack = 1e-15 * (np.abs(low) + np.abs(high) + 1)  # several times the rounding errors of both quotients
    return ~(np.floor(high + slack) < np.ceil(low - slack))


def _wave(function: Callable[[np.ndarray], np.ndarray], top: float, bottom: float) -> Function:
    """Return sin or cos, with a maximum at ``top`` and a minimum at ``bottom``."""

    def enclosure(marks: Marks, u: Interval) -> Interval:
        far = ~(np.maximum(np.abs(u.low), np.abs(u.high)) <= MAX_ANGLE)
        at_low, at_high = function(np.where(far, 0.0, u.low)), function(np.where(far, 0.0, u.high))
        bounds = widened(np.minimum(at_low, at_high), np.maximum(at_low, at_high), FUNCTION_ERROR)
        high = np.where(far | _passes(u, top, 2 * np.pi), 1.0, np.minimum(bounds.high, 1.0))
        low = np.where(far | _passes(u, bottom, 2 * np.pi), -1.0, np.maximum(bounds.low, -1.0))
        return Interval(low, high)

    return enclosure


def _tan(marks: Marks, u: Interval) -> Interval:
    pole = ~(np.maximum(np.abs(u.low), np.abs(u.high)) <= MAX_ANGLE) | _passes(u, np.pi / 2, np.pi)
    marks.add(pole)
    bounds = widened(np.tan(np.where(pole, 0.0, u.low)), np.tan(np.where(pole, 0.0, u.high)), FUNCTION_ERROR)
    return where(pole, entire(bounds.low), bounds)


def _abs(marks: Marks, u: Interval) -> Interval:
    smallest = np.maximum(np.maximum(u.low, -u.high), 0.0)
    return Interval(smallest, np.maximum(np.abs(u.low), np.abs(u.high)))


def _even(function: Function, grows: bool) -> Function:
    """Return an even function from its part on u ≥ 0, which grows or falls."""

    def enclosure(marks: Marks, u: Interval) -> Interval:
        a = _abs(marks, u)
        near, far = function(marks, point(a.low)), function(marks, point(a.high))
        return Interval(near.low, far.high) if grows else Interval(far.low, near.high)

    return enclosure


def _sign(marks: Marks, u: Interval) -> Interval:
    marks.add((u.low <= 0) & (u.high >= 0) & ~u.is_zero)
    return Interval(np.sign(u.low), np.sign(u.high))


def _step(marks: Marks, u: Interval, at_zero: Interval | None = None) -> Interval:
    # At a jump the step may have any value between its sides: a kink at which the gradient changes its sign is a
    # critical point in this sense, and no box around it is empty. Where u is 0 on a whole box, the convention decides.
    marks.add((u.low <= 0) & (u.high > 0) | (u.low < 0) & (u.high == 0) & (at_zero is not None))
    step = Interval((u.low > 0).astype(float), (u.high > 0).astype(float))
    return step if at_zero is None else where(u.is_zero, at_zero, step)


def _largest(marks: Marks, *u: Interval) -> Interval:
    return Interval(reduce(np.maximum, [v.low for v in u]), reduce(np.maximum, [v.high for v in u]))


def _smallest(marks: Marks, *u: Interval) -> Interval:
    return Interval(reduce(np.minimum, [v.low for v in u]), reduce(np.minimum, [v.high for v in u]))


def _logistic_of(u: np.ndarray) -> np.ndarray:
    e = np.exp(-np.abs(u))
    return np.where(u > 0, 1.0, e) / (1 + e)


def _log_sum_exp(marks: Marks, *u: Interval) -> Interval:
    # The function grows with each argument, so that each bound has its own sum.
    bounds = []
    for numbers in ([v.low for v in u], [v.high for v in u]):
        top = np.clip(reduce(np.maximum, numbers), -LARGEST, LARGEST)
        terms = [FUNCTIONS["exp"](marks, point(v) - point(top)) for v in numbers]
        total = reduce(Interval.__add__, terms)
        bounds.append(point(top) + FUNCTIONS["log"](Marks(), total))
    return Interval(bounds[0].low, bounds[1].high)


def _soft_max(marks: Marks, v: Interval, *u: Interval) -> Interval:
    # 1/Σ exp(uᵢ − v): v occurs once in each term, and not in a quotient of two wide intervals.
    total = reduce(Interval.__add__, [FUNCTIONS["exp"](marks, w - v) for w in u])
    share = integer_power(total, -1)
    return Interval(np.maximum(share.low, 0.0), share.high)


def _log_cosh_of(marks: Marks, a: Interval) -> Interval:
    """Return log cosh a at numbers a ≥ 0: a − log 2 + log(1 + exp(−2a)), and at most a²/2."""
    shrunk = FUNCTIONS["exp"](marks, -(a + a))
    bounds = a - LOG_2 + FUNCTIONS["log"](marks, ONE + shrunk)
    return Interval(np.maximum(bounds.low, 0.0), np.minimum(bounds.high, (a * a * HALF).high))


def _sech_of(marks: Marks, a: Interval) -> Interval:
    """Return 1/cosh a at numbers a ≥ 0."""
    e = FUNCTIONS["exp"](marks, -a)
    bounds = TWO * e / (ONE + e * e)
    return Interval(np.maximum(bounds.low, 0.0), np.minimum(bounds.high, 1.0))


def _cosh_exp(marks: Marks, u: Interval, v: Interval) -> Interval:
    """Return cosh(u) exp(v) as (exp(|u| + v) + exp(v − |u|))/2, whose exponents overflow late."""
    a, exp = _abs(marks, u), FUNCTIONS["exp"]
    return HALF * exp(marks, a + v) + HALF * exp(marks, v - a)


def _sinh_exp(marks: Marks, u: Interval, v: Interval) -> Interval:
    """Return sinh(u) exp(v) as (exp(u + v) − exp(v − u))/2, which grows with u."""
    exp, bounds = FUNCTIONS["exp"], []
    for end in (u.low, u.high):
        bounds.append(HALF * exp(marks, point(end) + v) - HALF * exp(marks, v - point(end)))
    return hull(*bounds)


def _where(marks: Marks, u: Interval, value: Interval) -> Interval:
    """Return ``value`` where u > 0, and 0 elsewhere."""
    marks.add((u.low <= 0) & (u.high > 0))
    return where(u.low > 0, value, where(u.high > 0, hull(value, ZERO), ZERO))


_tanh = _increasing(np.tanh, -1.0, 1.0)
FUNCTIONS: dict[str, Function] = {
    "exp": _increasing(np.exp, low=0.0),
    "log": _log,
    "sqrt": _sqrt,
    "sin": _wave(np.sin, np.pi / 2, -np.pi / 2),
    "cos": _wave(np.cos, 0.0, np.pi),
    "tan": _tan,
    "sinh": _increasing(np.sinh),
    "cosh": _even(_increasing(np.cosh, low=1.0), grows=True),
    "tanh": _tanh,
    "atan": _increasing(np.arctan),
    "sign": _sign,
    "Abs": _abs,
    "Max": _largest,
    "Min": _smallest,
    "Heaviside": _step,
    "Step": _step,
    "Where": _where,
    "Largest": _largest,
    "Smallest": _smallest,
    "LogSumExp": _log_sum_exp,
    "SoftMax": _soft_max,
    "Logistic": _increasing(_logistic_of, 0.0, 1.0),
    "LogCosh": _even(_log_cosh_of, grows=True),
    "Tanh": _tanh,
    "Sech": _even(_sech_of, grows=False),
    "SinhExp": _sinh_exp,
    "CoshExp": _cosh_exp,
}
