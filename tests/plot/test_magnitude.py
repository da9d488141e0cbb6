"""Signs on a logarithmic axis."""

import numpy as np
import pytest
import xarray as xr
from matplotlib import pyplot as plt

import samdyn as sd
from samdyn import plot


def test_negative_values_are_hollow() -> None:
    _, ax = plt.subplots()
    values = xr.DataArray([-1.0, -2.0, 3.0], coords={"t": [1.0, 2.0, 4.0]})
    assert plot.magnitude(values, ax, x="t", label="gap", marker="s", color="red") is ax
    whole, positive, negative = ax.lines
    np.testing.assert_allclose(whole.get_ydata(), [1, 2, 3])
    np.testing.assert_allclose(positive.get_ydata(), [np.nan, np.nan, 3])
    np.testing.assert_allclose(negative.get_ydata(), [1, 2, np.nan])
    assert [line.get_markerfacecolor() for line in (positive, negative)] == ["red", "white"]
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    with pytest.raises(sd.InputError, match="the values have the dimensions"):
        plot.magnitude(values, ax, x="lr")
    plt.close("all")
