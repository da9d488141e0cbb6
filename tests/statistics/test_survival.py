"""Kaplan-Meier curves against known distributions."""

import math

import numpy as np
import pytest
import xarray as xr

import samdyn as sd
from samdyn import statistics
from samdyn.checks import InputError


def test_exponential_times_give_their_median() -> None:
    rng = np.random.default_rng(0)
    times, censoring = rng.exponential(1.0, 4000), rng.uniform(0, 3, 4000)
    curve = statistics.survival(np.minimum(times, censoring), times <= censoring)
    median, low, high = curve.median()
    # The interval has its coverage by construction; with this seed it holds ln 2, and it is about 4/√4000 wide.
    assert low < math.log(2) < high
    assert high - low < 0.1
    assert low <= median <= high
    # Ignoring the censoring would give a median of about 0.5.
    assert abs(np.median(np.minimum(times, censoring)) - math.log(2)) > 0.1


def test_the_interval_covers_the_median_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(400):
        times, censoring = rng.exponential(1.0, 100), rng.uniform(0, 3, 100)
        _, low, high = statistics.survival(np.minimum(times, censoring), times <= censoring).median()
        covered += low <= math.log(2) <= high
    # Binomial(400, 0.95) has standard deviation 4.4: three of them.
    assert abs(covered - 380) <= 13


def test_nobody_escaped() -> None:
    curve = statistics.survival(np.array([5.0, 5.0]), np.array([False, False]))
    assert curve.median() == (math.inf, math.inf, math.inf)
    assert curve.last == 5


def test_few_runs_bound_the_median_from_below_only() -> None:
    # With five runs no upper 95 % limit of the median exists: the band does not come down to ½ where it is known.
    median, low, high = statistics.survival(np.arange(1.0, 6.0), np.ones(5, dtype=bool)).median()
    assert (low, median, high) == (1, 3, math.inf)


def test_everybody_escaped_at_once() -> None:
    curve = statistics.survival(np.array([2.0, 2.0, 2.0]), np.array([True, True, True]))
    assert curve.median()[0] == 2


@pytest.mark.parametrize(
    ("t", "escaped"),
    [
        *[(3.0, True), ([], []), ([1.0, -1.0], [True, False]), ([1.0, math.inf], [True, False])],
        *[([1.0, 2.0], [True]), ([1.0, 2.0], [0, 2])],
    ],
)
def test_survival_is_of_times_and_as_many_truth_values(t: object, escaped: object) -> None:
    with pytest.raises(sd.InputError, match=r"^(t|escaped) = "):
        statistics.survival(t, escaped)
    assert statistics.survival([1.0, 2.0], [0, 1]).last == 2.0


def test_medians_over_a_dimension_are_those_of_each_curve() -> None:
    t = xr.DataArray([[1.0, 2.0, 3.0], [5.0, 1.0, 5.0]], dims=("rho", "run"))
    escaped = xr.DataArray([[True, True, False], [False, True, False]], dims=("rho", "run"))
    ends = statistics.censored_median(t.transpose("run", "rho"), escaped, "run")
    for i in range(2):
        assert tuple(float(end[i]) for end in ends) == statistics.survival(t.values[i], escaped.values[i]).median()
    with pytest.raises(InputError, match="dimension = 'seed'"):
        statistics.censored_median(t, escaped, "seed")
