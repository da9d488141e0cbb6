"""Closed forms of labelled arrays."""

import numpy as np
import pytest
import xarray as xr

import samdyn as sd
from samdyn import theory

LAM = xr.DataArray([-1.0, -2.0], dims="setting", coords={"lam": ("setting", [-1.0, -2.0])})
DIM = xr.DataArray([1, 2, 10], dims="dim", coords={"dim": [1, 2, 10]})


def test_each_value_is_that_of_its_labels() -> None:
    values = theory.labelled(theory.noise_threshold, lam=LAM, dim=DIM, noise=0.25)
    assert (values.dims, values.shape) == (("setting", "dim"), (2, 3))
    for i, lam in enumerate((-1.0, -2.0)):
        for dim in (1, 2, 10):
            assert float(values[i].sel(dim=dim)) == theory.noise_threshold(lam=lam, dim=dim, noise=0.25)
    np.testing.assert_array_equal(values.lam, LAM)
    scalar = theory.labelled(theory.noise_threshold, lam=-1.0, dim=2, noise=0.25)
    assert scalar.dims == ()
    assert float(scalar) == theory.noise_threshold(lam=-1.0, dim=2, noise=0.25)


def test_it_refuses_what_the_form_refuses() -> None:
    with pytest.raises(sd.InputError, match=r"dim = 1\.5"):
        theory.labelled(theory.noise_threshold, lam=-1.0, dim=DIM + 0.5, noise=0.25)
