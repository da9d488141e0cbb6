"""Planes of the loss side by side."""

import numpy as np
import pytest
import torch
import xarray as xr

import samdyn as sd


def test_planes_share_their_colours() -> None:
    bowl, w = sd.landscapes.quadratic([1.0, 4.0]), torch.tensor([1.0, 0.5], dtype=torch.float64)
    method = sd.SAM(0.2, ascent_steps=2)
    planes = [sd.networks.ascent_plane(bowl, scale * w, method, points=5) for scale in (1, 2, 3)]
    figure = sd.plot.planes(xr.concat(planes, xr.Variable("scale", [1, 2, 3])))
    *axes, bar = figure.axes
    assert [ax.get_title().splitlines()[0] for ax in axes] == ["1", "2", "3"]
    limits = [ax.collections[0].norm for ax in axes]
    losses = [float(end) for end in (min(p.loss.min() for p in planes), max(p.loss.max() for p in planes))]
    np.testing.assert_allclose([(one.vmin, one.vmax) for one in limits], [losses] * 3)
    assert bar.get_ylabel() == "train loss"
    assert "0.2" in figure.get_suptitle()
    with pytest.raises(sd.InputError, match="loss"):
        sd.plot.planes(planes[0].drop_vars("loss"))
