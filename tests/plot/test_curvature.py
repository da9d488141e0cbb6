"""The largest eigenvalue in training, drawn with its edge."""

import numpy as np
import pytest
import xarray as xr
from matplotlib import pyplot as plt

from samdyn import checks, plot


@pytest.fixture
def runs() -> xr.Dataset:
    """Two methods, three networks of two eigenvalues and four steps, with an edge of its own for each network."""
    values = np.arange(1.0, 25.0).reshape(2, 3, 4)
    dims = ("method", "seed", "step")
    data = {"loss": (dims, values), "edge": (dims, values + 100), "gd_edge": 50.0}
    eigenvalue = np.stack([values + 10, values], -1)
    coords = {"method": ["GD", "SAM"], "step": [0, 5, 10, 15], "order": [1, 2]}
    return xr.Dataset({**data, "eigenvalue": ((*dims, "order"), eigenvalue)}, coords=coords)


def test_each_column_has_its_networks_and_the_edge_of_the_first(runs: xr.Dataset) -> None:
    figure = plot.curvature(runs, column="method", over="seed", colors=["red", "blue"], title="Edges")
    gd, sam, below, _ = figure.axes
    assert (gd.get_title(), sam.get_title(), figure.get_suptitle()) == ("GD", "SAM", "Edges")
    *pale, first, edge, level = sam.lines
    np.testing.assert_array_equal(first.get_ydata(), runs.eigenvalue[1, 0, :, 0])
    np.testing.assert_array_equal(edge.get_ydata(), runs.edge[1, 0])
    assert [line.get_color() for line in (*pale, first)] == ["blue"] * 3
    assert [line.get_label()[0] for line in pale] == ["_"] * 2  # no entry in the legend
    assert level.get_ydata()[0] == 50
    assert gd.get_ylim() == (0, pytest.approx(1.35 * 50))
    np.testing.assert_array_equal(below.lines[-1].get_ydata(), runs.loss[0, 0])
    plt.close(figure)


def test_without_the_edge_of_gd(runs: xr.Dataset) -> None:
    figure = plot.curvature(runs.drop_vars("gd_edge"), column="method", over="seed")
    assert len(figure.axes[0].lines) == 3 + 1
    plt.close(figure)


def test_data_that_lack_something(runs: xr.Dataset) -> None:
    with pytest.raises(checks.InputError, match="edge"):
        plot.curvature(runs.drop_vars("edge"), column="method", over="seed")
    with pytest.raises(checks.InputError, match="run"):
        plot.curvature(runs, column="method", over="run")
