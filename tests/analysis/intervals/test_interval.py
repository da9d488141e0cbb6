"""Interval arithmetic against exact fractions."""

from collections.abc import Callable, Iterator
from fractions import Fraction

import numpy as np
import pytest
import torch

from samdyn.analysis.intervals.interval import ROUNDING, TINY, Interval, integer_power, point, reciprocal

RNG = np.random.default_rng(0)
SPECIAL = [0.0, 1.0, -1.0, 2.3e-308, -2.3e-308, 1e-160, 1e160, 1e308, -1e308, 0.1, 3.0, 1 + 2**-52]


@pytest.fixture(autouse=True, params=[False, True], ids=["with subnormals", "without"])
def flush(request: pytest.FixtureRequest) -> Iterator[None]:
    """Code that was compiled for speed makes a processor round subnormal numbers to 0, in the whole process."""
    before = torch.tensor([2.0**-1022], dtype=torch.float64) / 2 == 0
    torch.set_flush_denormal(request.param)
    yield
    torch.set_flush_denormal(bool(before))


def intervals(n: int) -> Interval:
    """Return random intervals of every size, with special numbers among the bounds."""
    numbers = RNG.choice([-1, 1], (2, n)) * 10 ** RNG.uniform(-200, 200, (2, n))
    numbers = np.where(RNG.random((2, n)) < 0.3, RNG.choice(SPECIAL, (2, n)), numbers)
    numbers = np.where(RNG.random((2, n)) < 0.3, RNG.normal(size=(2, n)), numbers)
    low, high = np.sort(numbers, axis=0)
    return Interval(low, np.where(RNG.random(n) < 0.2, low, high))


def members(u: Interval, i: int) -> list[Fraction]:
    """Return some exact numbers in the i-th interval: its ends, its middle, and 0."""
    low, high = Fraction(u.low[i]), Fraction(u.high[i])
    return [low, high, (low + high) / 2, *([Fraction(0)] if low <= 0 <= high else [])]


def holds(u: Interval, i: int, number: Fraction) -> bool:
    below = np.isinf(u.low[i]) or Fraction(float(u.low[i])) <= number
    return bool(below and (np.isinf(u.high[i]) or number <= Fraction(float(u.high[i]))))


@pytest.mark.parametrize(
    ("ours", "exact"),
    [
        (lambda a, b: a + b, lambda x, y: x + y),
        (lambda a, b: a - b, lambda x, y: x - y),
        (lambda a, b: a * b, lambda x, y: x * y),
        (lambda a, b: a / b, lambda x, y: x / y),
    ],
    ids="+-*/",
)
def test_the_results_of_exact_arithmetic_lie_inside(
    ours: Callable[[Interval, Interval], Interval], exact: Callable[[Fraction, Fraction], Fraction]
) -> None:
    a, b = intervals(2000), intervals(2000)
    with np.errstate(all="ignore"):
        result = ours(a, b)
    assert not np.isnan(result.low).any()
    assert not np.isnan(result.high).any()
    for i in range(2000):
        for x in members(a, i):
            for y in members(b, i):
                try:
                    value = exact(x, y)
                except ZeroDivisionError:
                    continue
                assert holds(result, i, value), (a.low[i], a.high[i], b.low[i], b.high[i])


@pytest.mark.parametrize("n", [1, 2, 3, 4, 7, 8, 9, 12, -1, -2, -3])
def test_powers_lie_inside(n: int) -> None:
    u = intervals(500)
    with np.errstate(all="ignore"):
        result = integer_power(u, n)
    assert not np.isnan(result.low).any()
    for i in range(500):
        for x in members(u, i):
            if x or n > 0:
                assert holds(result, i, x**n)


def test_results_are_hardly_wider_than_exact_ones() -> None:
    """Each bound is rounded once, and moved by ROUNDING."""
    a, b = (Interval(*np.sort(RNG.normal(size=(2, 500)), axis=0)) for _ in range(2))
    product = a * b
    for i in range(500):
        ends = [Fraction(x) * Fraction(y) for x in (a.low[i], a.high[i]) for y in (b.low[i], b.high[i])]
        for bound, best in ((product.low[i], min(ends)), (product.high[i], max(ends))):
            assert abs(Fraction(bound) - best) <= abs(best) * Fraction(2 * ROUNDING) + 2 * Fraction(TINY)


def test_zero_stays_exact_so_that_plateaus_are_proved() -> None:
    everything = Interval(np.array([-np.inf, -1.0]), np.array([np.inf, 2.0]))
    zeros = point(np.zeros(2))
    with np.errstate(all="ignore"):
        for zero in (point(0.0) * everything, everything * zeros, zeros * everything, zeros + zeros):
            assert zero.is_zero.all()
    assert not (point(np.array([1e-200])) * point(np.array([1e-200]))).is_zero[0]


def test_the_reciprocal_of_an_interval_with_zero() -> None:
    u = Interval(np.array([-1.0, 0.0, -2.0, 0.0]), np.array([1.0, 2.0, 0.0, 0.0]))
    with np.errstate(all="ignore"):
        inverse = reciprocal(u)
    np.testing.assert_allclose(inverse.low, [-np.inf, 0.5, -np.inf, -np.inf])
    np.testing.assert_allclose(inverse.high, [np.inf, np.inf, -0.5, np.inf])
