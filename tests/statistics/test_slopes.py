"""Exponents of power laws."""

from typing import Any

import numpy as np
import pytest
import xarray as xr

import samdyn as sd
from samdyn.statistics import exponent

SIZES = np.array([4.0, 16.0, 64.0])


def law(values: Any, x: Any = SIZES) -> xr.DataArray:
    return xr.DataArray(values, dims=(*"ab", "size")[-np.ndim(values) :], coords={"size": x})


def test_an_exact_law_with_its_error() -> None:
    p, error = exponent(law(3.0 / SIZES**0.5), "size", law(0.3 / SIZES**0.5))
    assert float(p) == pytest.approx(-0.5, rel=1e-12)
    assert float(error) == pytest.approx(0.1 / np.log(4) / 2**0.5, rel=1e-12)


def test_weights_and_errors_are_those_of_least_squares() -> None:
    rng = np.random.default_rng(0)
    values, errors = rng.uniform(1, 2, (2, 3)), rng.uniform(0.1, 0.5, (2, 3))
    p, standard_error = exponent(law(values), "size", law(errors))
    plain, from_scatter = exponent(law(values), "size")
    for i in range(2):
        fit, covariance = np.polyfit(np.log(SIZES), np.log(values[i]), 1, w=values[i] / errors[i], cov="unscaled")
        assert [float(p[i]), float(standard_error[i])] == pytest.approx([fit[0], covariance[0, 0] ** 0.5], rel=1e-10)
        fit, covariance = np.polyfit(np.log(SIZES), np.log(values[i]), 1, cov=True)
        assert [float(plain[i]), float(from_scatter[i])] == pytest.approx([fit[0], covariance[0, 0] ** 0.5], rel=1e-10)


def test_what_has_no_logarithm_or_no_scatter_is_nan() -> None:
    p, error = exponent(law([[1.0, 2.0, 0.0], [1.0, 2.0, 4.0]], [1.0, 2.0, 4.0]), "size")
    assert np.isnan([p[0], error[0]]).all()
    assert [float(p[1]), float(error[1])] == pytest.approx([1.0, 0.0], abs=1e-12)
    p, error = exponent(law([1.0, 8.0], [1.0, 2.0]), "size")
    assert float(p) == pytest.approx(3.0)
    assert np.isnan(error)


@pytest.mark.parametrize(
    ("values", "dim", "message"),
    [
        (law(SIZES), "sizes", "the values have size"),
        (law([1.0, 2.0], [0.0, 1.0]), "size", "finite numbers > 0"),
        (law([1.0, 2.0], [1.0, 1.0]), "size", "two or more different"),
        (xr.DataArray([1.0, 2.0], dims="size"), "size", "its coordinate must be"),
    ],
)
def test_bad_input(values: xr.DataArray, dim: str, message: str) -> None:
    with pytest.raises(sd.InputError, match=message):
        exponent(values, dim)
