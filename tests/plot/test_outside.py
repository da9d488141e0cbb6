"""Values beyond a range."""

import numpy as np
import pytest
import xarray as xr
from matplotlib import pyplot as plt

import samdyn as sd
from samdyn import plot

VALUES = xr.DataArray([[0.2, np.inf, 0.4], [-np.inf, 0.5, np.inf]], coords={"form": ["a", "b"], "rho": [1.0, 2.0, 3.0]})


def test_triangles_stand_above_and_below_in_rows() -> None:
    _, ax = plt.subplots()
    assert plot.with_outside(VALUES, ax, x="rho", hue="form", limits=(0, 1)) is ax
    a, a_above, a_below, b, b_above, b_below = ax.lines[:6]
    np.testing.assert_allclose(a.get_ydata(), [0.2, np.nan, 0.4])
    np.testing.assert_allclose(b.get_ydata(), [np.nan, 0.5, np.nan])
    assert [line.get_xdata().tolist() for line in (a_above, a_below, b_above, b_below)] == [[2], [], [3], [1]]
    assert 1 < a_above.get_ydata()[0] < b_above.get_ydata()[0] < ax.get_ylim()[1]
    assert ax.get_ylim()[0] < b_below.get_ydata()[0] < 0
    assert (a_above.get_color(), b_below.get_color()) == (a.get_color(), b.get_color())
    assert ax.get_legend_handles_labels()[1] == ["a", "b"]
    plt.close("all")


def test_bad_input() -> None:
    _, ax = plt.subplots()
    with pytest.raises(sd.InputError, match="must have the dimensions rho and form"):
        plot.with_outside(VALUES[0], ax, x="rho", hue="form", limits=(0, 1))
    with pytest.raises(sd.InputError, match="the lower first"):
        plot.with_outside(VALUES, ax, x="rho", hue="form", limits=(1, 0))
    plt.close("all")
