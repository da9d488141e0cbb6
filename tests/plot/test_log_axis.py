"""Logarithmic axes with plain numbers."""

import pytest
from matplotlib import pyplot as plt

from samdyn import checks, plot


@pytest.mark.parametrize("which", ["x", "y", "xy"])
def test_the_axes_that_are_named(which: str) -> None:
    figure, ax = plt.subplots()
    ax.set(xlim=(0.1, 1), ylim=(0.1, 1))
    plot.log_axis(ax, which)
    scales = {"x": ax.get_xscale(), "y": ax.get_yscale()}
    assert scales == {name: "log" if name in which else "linear" for name in "xy"}
    for name in which:
        texts = [text.get_text() for text in (ax.get_xticklabels() if name == "x" else ax.get_yticklabels())]
        assert {"0.1", "0.2", "0.5", "1"} <= {*texts}
    with pytest.raises(checks.InputError, match="Known: "):
        plot.log_axis(ax, "z")
    plt.close(figure)
