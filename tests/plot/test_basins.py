"""Basin maps: colours where the labels are, numbers where the attractors are."""

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgb

import samdyn as sd
from samdyn import analysis, plot
from samdyn.analysis import DIVERGED, UNDECIDED, Attractor, Basins
from samdyn.plot.portraits.basins import PATTERNS


def made_up(attractors: list[Attractor]) -> Basins:
    """Return a map of 4 × 6 starts: the first attractor left, the second right, a row diverged, one start undecided."""
    label = np.tile([0, 0, 0, 1, 1, 1], (4, 1))
    label[3], label[0, 0] = DIVERGED, UNDECIDED
    return Basins(("x", "w1"), np.linspace(-1, 1, 6), np.linspace(0, 1, 4), label, attractors)


def at(*w: tuple[float, float], kind: str = "fixed point") -> Attractor:
    return Attractor(kind, np.array(w), 0.0, None, None, 8, 24)


@pytest.fixture
def ax() -> plt.Axes:
    with plt.rc_context(plot.STYLE):
        _, axes = plt.subplots()
        yield axes
    plt.close("all")


def test_a_made_up_map(ax: plt.Axes) -> None:
    drawn = plot.basins(made_up([at((-0.5, 0.4)), at((0.5, 0.2), (0.5, 0.9), kind="cycle")]), ax)
    assert drawn is ax
    mesh = ax.collections[0]
    colors = mesh.to_rgba(mesh.get_array()).reshape(4, 6, 4)[..., :3]
    np.testing.assert_allclose(colors[1, 0], to_rgb(PATTERNS[0][0]))
    np.testing.assert_allclose(colors[2, 5], to_rgb(PATTERNS[1][0]))
    np.testing.assert_allclose(colors[3, 2], 1)  # diverged
    assert colors[0, 0].max() < 0.2  # undecided
    numbers = [(t.get_text(), *t.get_position()) for t in ax.texts]
    assert numbers == [("1", -0.5, 0.4), ("2", 0.5, 0.2), ("2", 0.5, 0.9)]  # a wide cycle at every point
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("$x$", "$w_{1}$")
    np.testing.assert_allclose(ax.get_xlim(), (-1.2, 1.2))  # whole cells
    texts = [t.get_text() for t in ax.get_legend().get_texts()]
    assert texts[0].startswith("1: (\N{MINUS SIGN}0.5, 0.4), 33.3 % [18.0, 53.3]")
    assert texts[1].startswith("2: 2-cycle about (0.5, 0.55), 37.5 %")
    assert [t.split(",")[0] for t in texts[2:]] == ["diverged", "undecided"]


def test_attractors_outside_have_no_number_small_sets_one(ax: plt.Axes) -> None:
    plot.basins(made_up([at((5, 0.4)), at((0.5, 0.2), (0.51, 0.2), (0.5, 0.21), kind="wandering")]), ax)
    assert [t.get_text() for t in ax.texts] == ["2"]
    assert "wandering about (0.503, 0.203)" in ax.get_legend().get_texts()[1].get_text()


def test_the_legend_covers_nothing(ax: plt.Axes) -> None:
    plot.basins(made_up([at((-0.5, 0.4)), at((0.5, 0.2))]), ax)
    ax.figure.canvas.draw()
    legend = ax.get_legend().get_window_extent()
    assert legend.y1 <= ax.xaxis.get_tightbbox().y0
    assert legend.y0 >= 0


def test_neighbours_differ_in_grey_or_in_hatch() -> None:
    grey = [np.dot(to_rgb(color), (0.299, 0.587, 0.114)) for color, _ in PATTERNS]
    for i in range(len(PATTERNS)):
        for j in range(i):
            assert abs(grey[i] - grey[j]) > 0.1 or PATTERNS[i][1] != PATTERNS[j][1]


def test_a_measured_map_has_the_boundary_where_the_separatrix_is(ax: plt.Axes) -> None:
    basins = analysis.basins(sd.Map(sd.landscapes.double_well(), sd.GD(), lr=0.1), resolution=20)
    plot.basins(basins, ax)
    mesh = ax.collections[0].get_array().reshape(20, 20)
    assert (mesh[:, :10] == mesh[0, 0]).all()
    assert (mesh[:, 10:] == mesh[0, -1]).all()
    assert mesh[0, 0] != mesh[0, -1]
