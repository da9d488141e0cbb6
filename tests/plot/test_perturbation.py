"""Perturbed points with arrows."""

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.quiver import Quiver

import samdyn as sd
from samdyn import analysis, plot


def test_arrows_lead_from_the_iterates_to_the_perturbed_points(saddle: sd.Landscape) -> None:
    map_ = sd.Map(saddle, sd.SAM(0.5), lr=0.01)
    runs = sd.simulate(map_, [(3, 1), (-3, -0.01)], 40, save_every=1, progress=False)
    _, ax = plt.subplots()
    assert plot.perturbed(runs, analysis.perturbed(map_, runs), ax, run=1, every=10, color="red") is ax
    w = runs.w.values[1, ::10]
    gradient = w * (2, -2)
    expected = w + 0.5 * gradient / np.linalg.norm(gradient, axis=1, keepdims=True)
    perturbed, iterates = ax.lines
    np.testing.assert_allclose(iterates.get_xydata(), w)
    np.testing.assert_allclose(perturbed.get_xydata(), expected)
    assert perturbed.get_color() == "red"
    (arrows,) = (c for c in ax.collections if isinstance(c, Quiver))
    np.testing.assert_allclose(np.stack([arrows.U, arrows.V], 1), expected - w)
    assert (arrows.angles, arrows.scale, arrows.scale_units) == ("xy", 1, "xy")  # in the units of w
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("$x$", "$y$")
    plt.close("all")


def test_bad_input(saddle: sd.Landscape) -> None:
    _, ax = plt.subplots()
    map_ = sd.Map(saddle, sd.SAM(0.5), lr=0.01)
    runs = sd.simulate(map_, (1, 1), 3, save_every=1, progress=False)
    with pytest.raises(sd.InputError, match="every = 0: must be an integer >= 1"):
        plot.perturbed(runs, analysis.perturbed(map_, runs), ax, every=0)
    with pytest.raises(sd.InputError, match=r"has the shape \(1, 2, 2\), the states of the runs \(1, 4, 2\)"):
        plot.perturbed(runs, analysis.perturbed(map_, runs).isel(step=slice(2)), ax)
    line = sd.Map(sd.Landscape("x**2", "x"), sd.SAM(0.5), lr=0.01)
    runs = sd.simulate(line, (1,), 3, save_every=1, progress=False)
    with pytest.raises(sd.InputError, match=r"has 1 coordinate\(s\); a plane has two"):
        plot.perturbed(runs, analysis.perturbed(line, runs), ax)
    plt.close("all")
