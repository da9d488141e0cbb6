"""Arrays of intervals, whose arithmetic rounds outward.

NumPy computes the bounds of thousands of boxes at once. Each result is widened by more than its rounding error, so that
the interval of a sum, product or power contains every value that exact arithmetic can give.
"""

from dataclasses import dataclass
from functools import reduce

import numpy as np

# Relative to a bound. An operation is rounded by at most half a unit in the last place, 2⁻⁵³, and the widening too.
ROUNDING = 2.0**-51
# The smallest normal number: results below it may be rounded to 0, also where a processor has no subnormal numbers.
TINY = 2.0**-1022
# Relative. NumPy's exp, log, sin, power and the like have errors of at most 4 units in the last place, in each of its
# implementations (github.com/numpy/numpy/pull/19478); this is four times as much.
FUNCTION_ERROR = 2.0**-48
LARGEST = np.finfo(float).max
LARGEST_PRODUCT = 8  # integer exponents up to this one are computed as products; NumPy's power is less accurate


@dataclass(frozen=True, slots=True)
class Interval:
    """An array of intervals [low, high], whose bounds may be infinite.

    >>> third = point(1) / point(3)
    >>> bool(third.low < 1 / 3 < third.high)
    True
    """

    low: np.ndarray
    high: np.ndarray

    @property
    def is_zero(self) -> np.ndarray:
        """Whether each interval is [0, 0]."""
        return (self.low == 0) & (self.high == 0)

    def __add__(self, other: "Interval") -> "Interval":
        low, high = self.low + other.low, self.high + other.high
        zero = (low == 0) & (high == 0)
        total = widened(low, high)
        if not zero.any():
            return total
        # A plateau is proved by derivatives that are exactly 0, so that sums of zeros stay exact.
        return where(zero & self.is_zero & other.is_zero, ZERO, total)

    def __neg__(self) -> "Interval":
        return Interval(-self.high, -self.low)

    def __sub__(self, other: "Interval") -> "Interval":
        return self + -other

    def __mul__(self, other: "Interval") -> "Interval":
        if other.low is other.high and not other.low.shape:
            return _multiple(self, other.low)
        if self.low is self.high and not self.low.shape:
            return _multiple(other, self.low)
        products = [a * b for a in (self.low, self.high) for b in (other.low, other.high)]
        low, high = reduce(np.minimum, products), reduce(np.maximum, products)
        if np.isnan(low.sum()):
            # An infinite bound stands for arbitrarily large numbers; their products with 0 are 0.
            products = [np.where(np.isnan(p), 0.0, p) for p in products]
            low, high = reduce(np.minimum, products), reduce(np.maximum, products)
        zero = (low == 0) & (high == 0)
        product = widened(low, high)
        return where(zero & (self.is_zero | other.is_zero), ZERO, product) if zero.any() else product

    def __truediv__(self, other: "Interval") -> "Interval":
        return self * reciprocal(other)


def point(number: float | np.ndarray) -> Interval:
    """Return the intervals of numbers."""
    value = np.asarray(number, dtype=float)
    return Interval(value, value)


ZERO = point(0.0)


def entire(like: np.ndarray) -> Interval:
    """Return intervals (−∞, ∞) of the shape of an array."""
    return Interval(np.full_like(like, -np.inf), np.full_like(like, np.inf))


def widened(low: np.ndarray, high: np.ndarray, relative: float = ROUNDING) -> Interval:
    """Return intervals with bounds that are computed to a relative error, made wider than the error.

    NaN, as in ∞ − ∞, stands for an unknown bound.
    """
    if not np.isfinite(low.sum() + high.sum()):
        # A lower bound of +∞ is a number beyond the floating-point range; the largest number is below it.
        low, high = np.minimum(low, LARGEST), np.maximum(high, -LARGEST)
        low, high = np.where(np.isnan(low), -np.inf, low), np.where(np.isnan(high), np.inf, high)
    return Interval(low - (np.abs(low) * relative + TINY), high + (np.abs(high) * relative + TINY))


def _multiple(u: Interval, factor: np.ndarray) -> Interval:
    """Return a multiple of intervals by one number."""
    if factor == 0:
        return ZERO
    low, high = (u.low, u.high) if factor > 0 else (u.high, u.low)
    product = widened(factor * low, factor * high)
    return where(u.is_zero, ZERO, product) if not u.low.all() else product


def where(condition: np.ndarray, a: Interval, b: Interval) -> Interval:
    """Return the intervals of ``a`` where a condition holds, and those of ``b`` elsewhere."""
    if not condition.any():
        return b
    return Interval(np.where(condition, a.low, b.low), np.where(condition, a.high, b.high))


def hull(a: Interval, b: Interval) -> Interval:
    """Return the smallest intervals that contain both."""
    return Interval(np.minimum(a.low, b.low), np.maximum(a.high, b.high))


def reciprocal(u: Interval) -> Interval:
    """Return 1/u. An interval with 0 inside has the reciprocal (−∞, ∞), one with the bound 0 an infinite bound."""
    inverse = widened(1 / np.where(u.high == 0, -0.0, u.high), 1 / np.where(u.low == 0, 0.0, u.low))
    return where((u.low < 0) & (u.high > 0) | u.is_zero, entire(inverse.low), inverse)


def integer_power(u: Interval, n: int) -> Interval:
    """Return uⁿ for an integer n other than 0."""
    if n < 0:
        return reciprocal(integer_power(u, -n))
    low, high = _bound_power(u.low, n), _bound_power(u.high, n)
    if n % 2:
        return Interval(low.low, high.high)
    ends = Interval(np.minimum(low.low, high.low), np.maximum(low.high, high.high))
    return Interval(np.where((u.low <= 0) & (u.high >= 0), 0.0, np.maximum(ends.low, 0.0)), ends.high)


def _bound_power(bound: np.ndarray, n: int) -> Interval:
    """Return an enclosure of the power n > 0 of numbers."""
    if n > LARGEST_PRODUCT:
        power, error = bound**n, FUNCTION_ERROR
    else:
        power, error = reduce(np.multiply, [bound] * n), n * ROUNDING
    return where(bound == 0, ZERO, widened(power, power, error))
