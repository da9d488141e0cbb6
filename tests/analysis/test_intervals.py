"""Confidence intervals: against independent values, and by how often they contain what they should."""

import numpy as np
import pytest
import xarray as xr
from scipy.stats import ttest_1samp

from samdyn.analysis.intervals import mean_interval, wilson


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
