"""The planes of ascents, drawn: their points, and colours that all share."""

import numpy as np
import pytest
import torch
import xarray as xr
from matplotlib.figure import Figure

import samdyn as sd


@pytest.fixture
def planes() -> xr.Dataset:
    bowl = sd.landscapes.quadratic([1.0, 4.0])
    both = [
        sd.networks.ascent_plane(bowl, torch.tensor(w, dtype=torch.float64), sd.SAM(0.2, ascent_steps=n), points=9)
        for w, n in (([1.0, 0.5], 3), ([2.0, 0.5], 1))
    ]
    return xr.concat(both, xr.Variable("form", ["three steps", "one step"]), join="outer", combine_attrs="override")


def test_the_ascents_and_the_colours(planes: xr.Dataset) -> None:
    axes = Figure().subplots(1, 2)
    assert sd.plot.ascent_planes(planes, axes) is axes
    for i, (ax, title) in enumerate(zip(axes, planes.form.values, strict=True)):
        path, star = ax.lines
        np.testing.assert_array_equal(path.get_xydata(), planes.ascent[i])
        assert star.get_xydata().tolist() == [[0, 0]]
        assert ax.get_title() == f"{title}\nL(w) = {(1.0, 2.5)[i]:.2g}, L(wᵖ) = {float(planes.end_loss[i]):.2g}"
        assert ax.collections[0].get_clim() == (float(planes.loss.min()), float(planes.loss.max()))


def test_a_flat_plane_is_drawn(planes: xr.Dataset) -> None:
    axes = sd.plot.ascent_planes(planes.assign(loss=0 * planes.loss), Figure().subplots(1, 2))
    assert [len(ax.lines) for ax in axes] == [2, 2]


def test_what_are_no_planes_is_refused(planes: xr.Dataset) -> None:
    with pytest.raises(sd.InputError, match="ascent"):
        sd.plot.ascent_planes(planes.drop_vars("ascent"), Figure().subplots(1, 2))
    with pytest.raises(sd.InputError, match=r"there are 2 plane\(s\)"):
        sd.plot.ascent_planes(planes, Figure().subplots(1, 3))
