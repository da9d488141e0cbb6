"""Arrows from lower bounds."""

import numpy as np
import pytest
import xarray as xr
from matplotlib import pyplot as plt

import samdyn as sd
from samdyn import plot

INF = np.inf
VALUES = {"t": [[1.0, INF, INF], [2.0, 3.0, INF]], "t_low": [[0.5, 10.0, INF], [1.0, 2.0, 20.0]]}
DATA = xr.Dataset({n: (("dim", "rho"), v) for n, v in VALUES.items()}, coords={"dim": [1, 2], "rho": [0.0, 1.0, 2.0]})


def test_hollow_markers_stand_at_finite_bounds_of_infinite_values() -> None:
    _, ax = plt.subplots()
    assert plot.lower_bounds(DATA, "t", ax, x="rho", hue="dim", aside=0.2) is ax
    first, second = (container.lines[0] for container in ax.containers)
    np.testing.assert_allclose(first.get_xydata(), [[0.9, 10.0]])
    np.testing.assert_allclose(second.get_xydata(), [[2.1, 20.0]])
    assert first.get_color() != second.get_color()
    assert {line.get_markerfacecolor() for line in (first, second)} == {"white"}
    assert not ax.get_legend_handles_labels()[1]
    plt.close("all")


def test_bad_input() -> None:
    _, ax = plt.subplots()
    with pytest.raises(sd.InputError, match="no variable has this name"):
        plot.lower_bounds(DATA.drop_vars("t_low"), "t", ax, x="rho")
    with pytest.raises(sd.InputError, match="no dimension has this name"):
        plot.lower_bounds(DATA, "t", ax, x="momentum")
    plt.close("all")
