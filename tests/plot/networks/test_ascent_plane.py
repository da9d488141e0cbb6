"""The plane of an ascent, drawn: its points, its colours, and ticks of few decades."""

import numpy as np
import pytest
import torch
import xarray as xr
from matplotlib.figure import Figure

import samdyn as sd


@pytest.fixture
def plane() -> xr.Dataset:
    w = torch.tensor([1.0, 0.5], dtype=torch.float64)
    return sd.networks.ascent_plane(sd.landscapes.quadratic([1.0, 4.0]), w, sd.SAM(0.2, ascent_steps=3), points=9)


def test_the_ascent_and_the_colours(plane: xr.Dataset) -> None:
    ax = Figure().subplots()
    assert sd.plot.ascent_plane(plane, ax) is ax
    path, star = ax.lines
    np.testing.assert_array_equal(path.get_xydata(), plane.ascent)
    assert star.get_xydata().tolist() == [[0, 0]]
    assert ax.get_title() == f"L(w) = 1, L(wᵖ) = {float(plane.end_loss):.2g}"
    assert ax.collections[0].get_clim() == (float(plane.loss.min()), float(plane.loss.max()))
    other = sd.plot.ascent_plane(plane, Figure().subplots(), limits=(0.1, 10.0))
    assert other.collections[0].get_clim() == (0.1, 10)


def test_a_flat_plane_is_drawn(plane: xr.Dataset) -> None:
    sd.plot.ascent_plane(plane.assign(loss=0 * plane.loss), Figure().subplots())


def test_what_is_no_plane_is_refused(plane: xr.Dataset) -> None:
    with pytest.raises(sd.InputError, match="ascent"):
        sd.plot.ascent_plane(plane.drop_vars("ascent"), Figure().subplots())
