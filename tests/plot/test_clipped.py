"""Values beyond the axes become arrows; lines have gaps there."""

import numpy as np
import pytest
import xarray as xr
from matplotlib import pyplot as plt

from samdyn import plot
from samdyn.checks import InputError

TIME = np.array([[1.0, 5.0, np.inf, 2.0], [0.1, 1.0, 1.0, np.nan]])


def test_arrows_stand_at_the_limits_and_the_line_has_gaps() -> None:
    data = xr.Dataset({"time": (("saddle", "rho"), TIME)}, coords={"rho": [1, 2, 3, 4], "saddle": ["a", "b"]})
    data["time_low"], data["time_high"] = data.time - 0.5, data.time * np.inf
    figure, ax = plt.subplots()
    limits = (0.5, xr.DataArray([4.0, 8.0], dims="saddle"))
    plot.clipped(data, "time", ax, x="rho", hue="saddle", limits=limits, label="at {}")
    assert ax.get_legend_handles_labels()[1] == ["at a", "at b"]
    first, second = (container.lines[0].get_ydata() for container in ax.containers)
    np.testing.assert_array_equal(first.astype(float), [1.0, np.nan, np.nan, 2.0])
    np.testing.assert_array_equal(second.astype(float), [np.nan, 1.0, 1.0, np.nan])
    arrows = {line.get_marker(): line.get_xydata().tolist() for line in ax.lines if "arrow" in str(line.get_marker())}
    assert arrows == {r"$\uparrow$": [[2, 4], [3, 4]], r"$\downarrow$": [[1, 0.5]]}
    (bar, *_) = ax.containers[0].lines[2][0].get_segments()
    assert bar.tolist() == [[1, 0.5], [1, 4]]  # the interval ends at the limit
    plt.close(figure)


def test_what_the_data_lack_is_named() -> None:
    data = xr.Dataset({"time": (("saddle", "rho"), TIME)})
    _, ax = plt.subplots()
    with pytest.raises(InputError, match="dimension = 'r'"):
        plot.clipped(data, "time", ax, x="r", hue="saddle", limits=(0, 1))
    plt.close()
