"""Errors with their fitted orders."""

import numpy as np
import pytest
import xarray as xr
from matplotlib import pyplot as plt

import samdyn as sd
from samdyn import plot

STEP = xr.DataArray([0.4, 0.2, 0.1], coords={"lr": [0.4, 0.2, 0.1]})
ERRORS = xr.concat([STEP, 0 * STEP, STEP**2], "model").assign_coords(model=["a", "none", "b"])
STYLES = {name: {"marker": "o"} for name in ("b", "none", "a")}


def test_each_line_has_its_own_order_and_one_without_is_left_out() -> None:
    figure, ax = plt.subplots()
    order, _ = sd.statistics.exponent(ERRORS, "lr")
    plot.orders(ERRORS.transpose(), order, ax, x="lr", hue="model", styles=STYLES)
    assert ax.get_legend_handles_labels()[1] == ["a: 1.00", "b: 2.00"]
    np.testing.assert_allclose([line.get_ydata() for line in ax.lines], [STEP, STEP**2])
    assert ax.get_xscale() == ax.get_yscale() == "log"
    plt.close(figure)


def test_what_is_refused() -> None:
    _, ax = plt.subplots()
    order, _ = sd.statistics.exponent(ERRORS, "lr")
    with pytest.raises(sd.InputError, match=r"Select one value of each other dimension"):
        plot.orders(ERRORS.expand_dims("seed"), order, ax, x="lr", hue="model", styles=STYLES)
    with pytest.raises(sd.InputError, match=r"model 'none'|'none'"):
        plot.orders(ERRORS, order, ax, x="lr", hue="model", styles={"a": {}})
    plt.close("all")
