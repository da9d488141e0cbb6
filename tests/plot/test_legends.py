"""Legends are whole, and cover nothing, whatever the figure's size and layout."""

from collections.abc import Iterator

import numpy as np
import pytest
from matplotlib import pyplot as plt

import samdyn as sd
from samdyn import analysis, plot


@pytest.fixture(autouse=True)
def _close() -> Iterator[None]:
    yield
    plt.close("all")


def check(figure: plt.Figure) -> None:
    figure.canvas.draw()
    (legend,) = figure.legends
    box = legend.get_window_extent()
    assert figure.bbox.x0 <= box.x0
    assert box.x1 <= figure.bbox.x1
    assert box.y0 >= figure.bbox.y0
    for ax in figure.axes:
        assert box.y1 <= ax.get_tightbbox().y0 + 1
    texts = [text.get_text() for text in legend.get_texts()]
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize("width", [3.6, 5.0, 9.0])
@pytest.mark.parametrize("layout", [None, "constrained"])
def test_of_stability_charts(width: float, layout: str | None, saddle: sd.Landscape) -> None:
    x, y = np.linspace(0.1, 1, 5), np.linspace(0.01, 0.1, 4)
    chart = analysis.StabilityChart("rho", "lr", x, y, np.subtract.outer(y * 5, x))
    figure, axes = plt.subplots(1, 2, figsize=(width, 3.9), layout=layout)
    for ax in axes:
        plot.stability_chart(chart, ax, predicted=chart)
    check(figure)


def test_of_portraits_without_a_layout(saddle: sd.Landscape, origin: analysis.CriticalPoint) -> None:
    figure, ax = plt.subplots()
    plane = analysis.phase_plane(sd.Flow(saddle, sd.SAM(0.8)))
    plot.phase_portrait(plane, ax, traps=[sd.stability(plane.flow, origin).region])
    check(figure)
    assert ax.get_aspect() == 1  # the trap is a disc


def test_a_strip_keeps_units_of_its_own(saddle: sd.Landscape) -> None:
    _, ax = plt.subplots()
    plot.phase_portrait(analysis.phase_plane(sd.Flow(saddle, sd.GD()), ((-10, 10), (-1, 1))), ax)
    assert ax.get_aspect() == "auto"


@pytest.mark.parametrize("formula", ["3 + 0*x", "Max(x, 9)", "x + 0*y"])
def test_a_landscape_that_is_constant_in_the_box(formula: str) -> None:
    figure, ax = plt.subplots()
    plot.phase_portrait(analysis.phase_plane(sd.Flow(sd.Landscape(formula, "x y"), sd.GD())), ax)
    figure.canvas.draw()
    assert len(figure.axes) == (2 if formula == "x + 0*y" else 1)  # a colour bar only where there is something to tell
