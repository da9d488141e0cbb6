"""Up to where values rise: to their first fall, however they go on."""

import numpy as np
import pytest
import xarray as xr

import samdyn as sd


def test_where_the_first_fall_is() -> None:
    rows = [[0, 1, 1, 3], [3, 2, 5, 6], [0, 2, np.inf, np.inf], [np.inf, np.inf, 0, 0], [0, np.inf, 1, 9]]
    values = xr.DataArray(np.array(rows).T, dims=("rho", "form"), coords={"rho": [1, 2, 4, 8], "form": [*"abcde"]})
    ends = sd.statistics.rises_up_to(values, "rho")
    assert ends.dims == ("form",)
    np.testing.assert_array_equal(ends, [8, 1, 8, np.nan, 2])
    with pytest.raises(sd.InputError, match="gamma"):
        sd.statistics.rises_up_to(values, "gamma")
