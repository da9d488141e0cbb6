"""Which maps have a panel of cosines, and where it is grey."""

import numpy as np
import pytest
from matplotlib import pyplot as plt

import samdyn as sd
from samdyn import checks
from samdyn.dynamics import Boundary


@pytest.mark.parametrize(
    ("methods", "titles"),
    [
        ((sd.GD(), sd.SAM(0.5), sd.USAM(0.3)), ["SAM, ρ = 0.5", "USAM, ρ = 0.3"]),
        ((sd.GD(),), ["GD"]),  # there would be no panel
    ],
)
def test_only_methods_with_an_ascent(saddle: sd.Landscape, methods: tuple[sd.Method, ...], titles: list[str]) -> None:
    maps = [sd.Map(saddle, method, lr=0.1) for method in methods]
    runs = [sd.simulate(map_, (1, 0.01), steps=20, save_every=1, progress=False) for map_ in maps]
    cosines = [sd.analysis.cosine(*pair) for pair in zip(maps, runs, strict=True)]
    figure = sd.plot.cosines(maps, cosines, runs)
    assert [ax.get_title().partition(":")[0] for ax in figure.axes] == titles
    plt.close(figure)


def test_steps_within_a_trap_are_grey(saddle: sd.Landscape) -> None:
    maps = [sd.Map(saddle, sd.SAM(0.5), lr=0.1)] * 3
    runs = [sd.simulate(map_, (1, 0.01), steps=20, save_every=1, progress=False) for map_ in maps]
    cosines = [sd.analysis.cosine(*pair) for pair in zip(maps, runs, strict=True)]
    edges = [Boundary("width", 0.5, 0.5), Boundary("rho", 0.5, 0.5), None]
    figure = sd.plot.cosines(maps, cosines, runs, center=np.zeros(2), boundaries=edges)
    assert [len(ax.collections) for ax in figure.axes] == [1, 0, 0]
    (grey,) = figure.axes[0].collections
    near = np.linalg.norm(runs[0].w.values[0], axis=1) < 0.5
    steps = {float(x) for path in grey.get_paths() for x, _ in path.vertices}
    assert steps == set(runs[0].step.values[near])
    plt.close(figure)
    with pytest.raises(checks.InputError, match="Give one result for each map"):
        sd.plot.cosines(maps, cosines[1:], runs)
