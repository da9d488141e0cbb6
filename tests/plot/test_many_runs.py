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


def test_means_have_bars_and_lines_of_their_exact_values() -> None:
    mean = xr.DataArray([[1.0, 2.0], [3.0, 4.0]], coords={"method": ["GD", "SAM"], "t": [1.0, 2.0]})
    exact = mean.where(mean.method == "GD") + 0.5  # none is known of SAM
    data = xr.Dataset({"msd": mean, "msd_error": 0 * mean + 0.1, "exact": exact})
    figure, ax = plt.subplots()
    styles = {name: plot.line(name) for name in ("GD", "SAM")}
    plot.sampled(data, "msd", ax, exact="exact", x="t", hue="method", styles=styles)
    lines = [line for line in ax.lines if line.get_linestyle() != "None"]
    assert [line.get_ydata().tolist() for line in lines] == [[1.5, 2.5], [3.0, 4.0]]
    assert ax.get_legend_handles_labels()[1] == ["GD", "SAM"]
    (bar, _) = ax.containers[0].lines[2][0].get_segments()
    np.testing.assert_allclose(bar[:, 1], [1 - 0.196, 1 + 0.196])
    plt.close(figure)
