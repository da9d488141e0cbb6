"""Maps with a number in every cell."""

import numpy as np
import pytest
import xarray as xr
from matplotlib import pyplot as plt

import samdyn as sd
from samdyn.plot import heat_map

VALUES = xr.DataArray(
    [[0.0, 1.0, 2.0], [3.0, np.nan, np.inf]],
    coords={"method": ["GD", "SAM"], "rho": [0.1, 0.2, 0.5]},
)


@pytest.mark.parametrize("values", [VALUES, VALUES.T])
def test_cells_numbers_and_ticks(values: xr.DataArray) -> None:
    _, ax = plt.subplots()
    assert heat_map(values, ax, x="rho", y="method", vmax=4) is ax
    (image,) = ax.images
    np.testing.assert_array_equal(image.get_array().filled(-1), [[0, 1, 2], [3, -1, -1]])
    places = {text.get_position(): text for text in ax.texts}
    assert [places[x, y].get_text() for y in (0, 1) for x in (0, 1, 2)] == ["0", "1", "2", "3", "nan", "inf"]
    assert [places[x, 0].get_color() for x in (0, 2)] == ["white", "white"]
    assert [places[x, 1].get_color() for x in (0, 1)] == ["black", "black"]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["0.1", "0.2", "0.5"]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["GD", "SAM"]
    plt.close("all")


def test_bad_input() -> None:
    _, ax = plt.subplots()
    with pytest.raises(sd.InputError, match="no dimension has this name"):
        heat_map(VALUES, ax, x="lr", y="rho")
    with pytest.raises(sd.InputError, match="a map has two, x and y"):
        heat_map(VALUES.expand_dims("seed"), ax, x="rho", y="method")
    with pytest.raises(sd.InputError, match="a map has two, x and y"):
        heat_map(VALUES, ax, x="rho", y="rho")
    plt.close("all")
