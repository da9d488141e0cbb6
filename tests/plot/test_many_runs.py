"""Lines of many runs, and bands around their median."""

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt

from samdyn import plot


def test_the_first_run_is_in_front_and_has_the_label() -> None:
    values = xr.DataArray(np.arange(6.0).reshape(2, 3), dims=("seed", "step"), coords={"step": [0, 5, 10]})
    figure, ax = plt.subplots()
    plot.runs(values, ax, x="step", over="seed", color="red", label="λ")
    assert [line.get_ydata().tolist() for line in ax.lines] == [[3, 4, 5], [0, 1, 2]]
    assert ax.get_legend_handles_labels()[1] == ["λ"]
    assert ax.lines[0].get_alpha() < 1
    plt.close(figure)


def test_a_band_has_the_colour_of_its_line() -> None:
    loss = xr.DataArray([2.0, 1.0], dims="step")
    figure, ax = plt.subplots()
    data = xr.Dataset({"loss": loss, "loss_low": loss - 1, "loss_high": loss + 1})
    plot.band(data, "loss", ax, x="step", color="red")
    (band,) = ax.collections
    assert band.get_facecolor()[0][:3].tolist() == [1, 0, 0]
    assert band.get_paths()[0].get_extents().intervaly.tolist() == [0, 3]
    plt.close(figure)
