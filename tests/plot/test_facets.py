"""A grid of Axes: the variable of its row, the value of its column. Points in colours."""

from itertools import product

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

import samdyn as sd


@pytest.fixture
def data() -> xr.Dataset:
    values = xr.DataArray(np.arange(12.0).reshape(2, 3, 2), dims=("rho", "lr", "form"))
    values = values.assign_coords(rho=[0.1, 0.5], lr=[1.0, 2.0, 3.0], form=["a", "b"])
    low, high = values - 0.5, values + 1
    return xr.Dataset({"x": values, "x_low": low, "x_high": high, "y": -values, "y_low": -high, "y_high": -low})


def test_rows_and_columns(data: xr.Dataset) -> None:
    axes = Figure().subplots(2, 2, squeeze=False)
    sd.plot.facets([(data, "x", "first"), (data, "y", "second")], axes, column="rho", x="lr", hue="form")
    assert [ax.get_ylabel() for ax in axes.flat] == ["first", "", "second", ""]
    assert [ax.get_title() for ax in axes.flat] == ["0.1", "0.5", "", ""]
    for (i, sign), (j, rho) in product(enumerate((1, -1)), enumerate((0.1, 0.5))):
        for container, form in zip(axes[i, j].containers, "ab", strict=True):
            np.testing.assert_array_equal(container.lines[0].get_ydata(), sign * data.x.sel(rho=rho, form=form))


def test_another_number_of_axes_is_refused(data: xr.Dataset) -> None:
    with pytest.raises(sd.InputError, match=r"1 row\(s\) of 2 Axes are needed"):
        sd.plot.facets([(data, "x", "")], Figure().subplots(1, 3, squeeze=False), column="rho", x="lr", hue="form")
    with pytest.raises(sd.InputError, match="gamma"):
        sd.plot.facets([(data, "x", "")], Figure().subplots(1, 2, squeeze=False), column="gamma", x="lr", hue="form")


def test_points_of_a_colour(data: xr.Dataset) -> None:
    ax = Figure().subplots()
    sd.plot.scatter(data.x, data.y.transpose("form", "lr", "rho").where(data.lr > 1), ax, hue="form")
    for line, form in zip(ax.lines, "ab", strict=True):
        x, y = line.get_data()
        np.testing.assert_array_equal(x, data.x.sel(form=form).values.ravel())
        np.testing.assert_array_equal(y[~np.isnan(y)], -x[~np.isnan(y)])
        assert np.isnan(y).sum() == 2
        assert line.get_label() == form
    with pytest.raises(sd.InputError, match="gamma"):
        sd.plot.scatter(data.x, data.y, ax, hue="gamma")


def test_a_line_may_have_numbers_of_its_own(data: xr.Dataset) -> None:
    ax = Figure().subplots()
    cost = xr.DataArray([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]], dims=("form", "lr"))
    sd.plot.intervals(data.isel(rho=0).assign_coords(cost=cost), "x", ax, x="cost", hue="form")
    assert [container.lines[0].get_xdata().tolist() for container in ax.containers] == cost.values.tolist()


def test_a_label_may_name_the_coordinates_of_its_line(data: xr.Dataset) -> None:
    ax, zipped = Figure().subplots(), data.isel(rho=0).rename(form="pair").drop_vars("pair")
    zipped = zipped.assign_coords(method=("pair", ["SAM", "GD"]), radius=("pair", [0.25, 0.0]))
    sd.plot.intervals(zipped, "x", ax, x="lr", hue="pair", label="{}: {method}, ρ = {radius:g}")
    assert ax.get_legend_handles_labels()[1] == ["0: SAM, ρ = 0.25", "1: GD, ρ = 0"]
