"""Confidence intervals: against independent values, and by how often they contain what they should."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from scipy.stats import ttest_1samp

from samdyn import InputError
from samdyn.statistics import mean_interval, median_interval, wilson


def test_wilson() -> None:
    # z = 1.959964: (7 + z²/2 ± z √(21/10 + z²/4)) / (10 + z²)
    assert wilson(7, 10) == pytest.approx((0.396778, 0.892209), abs=1e-6)


def test_mean_interval_is_that_of_the_t_test() -> None:
    values = xr.DataArray(np.random.default_rng(0).normal(3, 2, (4, 6)), dims=("rho", "seed"))
    middle, half = mean_interval(values, "seed")
    assert middle.dims == half.dims == ("rho",)
    theirs = ttest_1samp(values.values, 0, axis=1).confidence_interval(0.95)
    np.testing.assert_allclose(middle - half, theirs.low, rtol=1e-12)
    np.testing.assert_allclose(middle + half, theirs.high, rtol=1e-12)


def test_missing_values_do_not_count() -> None:
    values = xr.DataArray([[1.0, 3.0, np.nan], [1.0, np.nan, np.nan], [np.nan] * 3], dims=("rho", "seed"))
    middle, half = mean_interval(values, "seed")
    np.testing.assert_array_equal(middle, [2, 1, np.nan])
    np.testing.assert_allclose(half, [12.7062, np.nan, np.nan], rtol=1e-5)  # tan(0.475 π): one degree of freedom


def test_an_infinite_value_is_not_hidden() -> None:
    middle, half = mean_interval(xr.DataArray([1.0, np.inf, 2.0], dims="seed"), "seed")
    assert float(middle) == np.inf
    assert np.isnan(half)


def test_the_median_s_interval_contains_it_in_about_95_percent_of_samples() -> None:
    values = xr.DataArray(np.random.default_rng(0).lognormal(0, 2, (400, 30)), dims=("sample", "seed"))
    middle, low, high = median_interval(values, "seed")
    assert middle.dims == low.dims == high.dims == ("sample",)
    np.testing.assert_array_equal(middle, np.median(values, axis=1))
    # By order statistics the 10th and the 21st of 30 hold the median in 95.7 % of samples, the 11th and 20th in 90.1 %.
    covered = float(((low <= 1) & (high >= 1)).mean())
    assert 0.90 < covered < 0.97
    again = median_interval(values[3], "seed")  # alone as among others, and from call to call
    assert [float(end) for end in again] == [float(end[3]) for end in (middle, low, high)]


@pytest.mark.parametrize("odd", [np.inf, np.nan, 1e9])
def test_one_diverged_run_of_30_does_not_set_the_median_s_interval(odd: float) -> None:
    values = np.random.default_rng(1).normal(size=30)
    without = [float(end) for end in median_interval(xr.DataArray(values, dims="seed"), "seed")]
    values[values.argmax()] = odd  # the largest is the largest still
    assert [float(end) for end in median_interval(xr.DataArray(values, dims="seed"), "seed")] == without


def test_diverged_runs_count_as_the_worst() -> None:
    accuracy = xr.DataArray([0.5, np.nan, 0.9, np.nan, np.nan, 0.7], dims="seed")
    middle, low, high = (float(end) for end in median_interval(accuracy, "seed", nan=-np.inf))
    assert middle == low == -np.inf
    assert 0.5 < high <= 0.9
    assert float(median_interval(accuracy, "seed")[0]) == np.inf
    assert np.isnan([float(end) for end in median_interval(accuracy[:1], "seed")[1:]]).all()  # one has no interval


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: wilson(20, 5), r"hits = 20: must lie in \[0, 5\]"),
        (lambda: wilson(-1, 5), "hits = -1"),
        (lambda: wilson(0, 0), "of = 0"),
        (lambda: mean_interval(xr.DataArray([1.0, 2.0], dims="seed"), "run"), "dim = 'run': the values have seed"),
        (lambda: median_interval(xr.DataArray([1.0, 2.0], dims="seed"), "run"), "dim = 'run'"),
        (lambda: median_interval(xr.DataArray(["a", "b"], dims="seed"), "seed"), "values = .*<U1"),
        (lambda: mean_interval([1.0, 2.0], "seed"), "values = "),  # type: ignore[arg-type]
    ],
)
def test_bad_input(call: Callable[[], object], told: str) -> None:
    with pytest.raises(InputError, match=told):
        call()
