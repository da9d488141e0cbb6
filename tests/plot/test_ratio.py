"""Maps of ratios."""

import numpy as np
import pytest
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.collections import QuadMesh
from matplotlib.colors import to_rgba

import samdyn as sd
from samdyn.plot.grids.ratio import FAR, NEAR, SAME_SIZE, ratio_map

VALUES = [[1.05, 0.95, 1.5, 0.6], [9.0, np.inf, 0.1, 0.0]]
RATIO = xr.DataArray(VALUES, dims=("rho", "lr"), coords={"rho": [0.1, 0.2], "lr": [1.0, 2.0, 3.0, 4.0]})


def test_colours_and_hatches() -> None:
    figure, ax = plt.subplots()
    assert ratio_map(RATIO.T, ax, x="lr", y="rho") is ax
    figure.canvas.draw()
    (mesh,) = (c for c in ax.collections if isinstance(c, QuadMesh))
    colours = mesh.get_facecolor().reshape(2, 4, 4)
    expected = [[NEAR, NEAR, SAME_SIZE, SAME_SIZE], [FAR] * 4]
    np.testing.assert_allclose(colours, [[to_rgba(c) for c in row] for row in expected], atol=1e-6)
    (hatched,) = (c for c in ax.collections if not isinstance(c, QuadMesh))
    inside = [hatched.get_paths()[0].contains_point((lr, 0.2)) for lr in (1.0, 2.0, 3.1, 3.9)]
    assert inside == [False, False, True, True]
    plt.close("all")


def test_bad_input() -> None:
    _, ax = plt.subplots()
    with pytest.raises(sd.InputError, match="no dimension has this name"):
        ratio_map(RATIO, ax, x="momentum", y="rho")
    with pytest.raises(sd.InputError, match=r"far = 1.05: must be > near = 1.1"):
        ratio_map(RATIO, ax, x="lr", y="rho", far=1.05)
    plt.close("all")
