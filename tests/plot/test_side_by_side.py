"""Phase portraits side by side."""

import pytest
from matplotlib import pyplot as plt

import samdyn as sd
from samdyn import analysis, plot


def test_basins_stand_below_their_portrait() -> None:
    flows = [sd.Flow(sd.landscapes.double_well(), method) for method in (sd.GD(), sd.USAM(rho=0.5))]
    planes = [analysis.phase_plane(flow) for flow in flows]
    basins = [analysis.basins(flow, planes[0].box, resolution=4) for flow in flows]
    runs = [sd.integrate(flow, [(0.5, 1.0)], [0.0, 1.0, 2.0]) for flow in flows]
    figure = plot.phase_portraits(planes, runs=runs, basins=basins)
    upper, lower = figure.axes[:2], figure.axes[2:4]
    assert [ax.get_title() for ax in upper] == ["GD", "USAM, ρ = 0.5"]
    assert all(below.get_position().y1 < above.get_position().y0 for above, below in zip(upper, lower, strict=True))
    assert all("run, from +" in ax.get_legend_handles_labels()[1] for ax in upper)
    assert all(ax.get_legend() for ax in lower)  # the shares of their own basins
    plt.close(figure)


def test_one_entry_for_each_plane() -> None:
    plane = analysis.phase_plane(sd.Flow(sd.landscapes.saddle(), sd.GD()))
    with pytest.raises(sd.InputError, match=r"traps = 1: are for 1 plane\(s\), and there are 2"):
        plot.phase_portraits([plane, plane], traps=[[None]])
    with pytest.raises(sd.InputError, match="there are 0"):
        plot.phase_portraits([])
