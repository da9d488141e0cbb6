"""Stability charts side by side."""

import numpy as np
import pytest
from matplotlib import pyplot as plt

import samdyn as sd
from samdyn import plot

X, Y = np.linspace(0.1, 0.9, 5), np.array([0.01, 0.1])
CHART = sd.analysis.StabilityChart("rho", "lr", X, Y, np.stack([1 - 2 * X, 1 - 2 * X]))
MAPS = [sd.Map(sd.landscapes.saddle(), sd.USAM(0.1), lr=0.1, momentum=momentum) for momentum in (0.0, 0.9)]


def test_each_chart_has_its_map_and_its_line() -> None:
    figure = plot.stability_charts(MAPS, [CHART, CHART], predicted=[None, CHART])
    left, right = figure.axes
    assert [left.get_title(), right.get_title()] == ["USAM, γ = 0", "USAM, γ = 0.9"]
    assert "boundary in closed form" not in left.get_legend_handles_labels()[1]
    assert "boundary in closed form" in right.get_legend_handles_labels()[1]
    plt.close(figure)


def test_one_chart_for_each_map() -> None:
    for maps, predicted in ((MAPS, ()), ([], ()), (MAPS[:1], [CHART, CHART])):
        with pytest.raises(sd.InputError, match=r"charts = 1: are 1, and"):
            plot.stability_charts(maps, [CHART], predicted=predicted)
