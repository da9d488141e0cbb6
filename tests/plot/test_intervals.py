"""Lines with intervals, and the panels of escapes."""

import numpy as np
import pytest
import xarray as xr
from matplotlib import pyplot as plt

import samdyn as sd
from samdyn import analysis, plot
from samdyn.analysis import CriticalPoint

DATA = xr.Dataset(
    {
        "loss": (("momentum", "rho"), [[1.0, 2.0, np.inf], [3.0, np.nan, 4.0]]),
        "loss_low": (("momentum", "rho"), [[0.5, 2.0 + 1e-12, 1.0], [2.0, np.nan, 3.0]]),
        "loss_high": (("momentum", "rho"), [[1.5, 2.5, np.inf], [5.0, np.nan, np.inf]]),
    },
    coords={"momentum": [0.0, 0.9], "rho": [0.1, 0.2, 0.3]},
)


def test_bars_reach_from_end_to_end_and_stand_side_by_side() -> None:
    figure, ax = plt.subplots()
    plot.intervals(DATA, "loss", ax, x="rho", hue="momentum", label="γ = {:g}", aside=0.02, ls="none")
    first, second = ax.containers
    assert [first.get_label(), second.get_label()] == ["γ = 0", "γ = 0.9"]
    np.testing.assert_allclose(first.lines[0].get_xydata(), [[0.09, 1], [0.19, 2]])  # what is not finite is left out
    np.testing.assert_allclose(second.lines[0].get_xydata(), [[0.11, 3], [0.31, 4]])
    ends = [segment[:, 1].tolist() for segment in first.lines[2][0].get_segments()]
    assert ends == [[0.5, 1.5], [2.0, 2.5]]
    ends = [segment[:, 1].tolist() for segment in second.lines[2][0].get_segments()]
    assert ends == [[2.0, 5.0], [3.0, 4.0]]
    assert first.lines[0].get_color() != second.lines[0].get_color()
    plt.close(figure)


@pytest.mark.parametrize(
    ("name", "x", "said"), [("los", "rho", "Did you mean 'loss'"), ("loss", "rh", "Did you mean 'rho'")]
)
def test_what_the_data_lack(name: str, x: str, said: str) -> None:
    with pytest.raises(sd.InputError, match=said):
        plot.intervals(DATA, name, plt.figure().add_subplot(), x=x)
    plt.close()
    with pytest.raises(sd.InputError, match="loss_high"):
        plot.intervals(DATA.drop_vars("loss_high"), "loss", plt.figure().add_subplot(), x="rho", hue="momentum")
    plt.close()


def test_the_panels_of_escapes(saddle: sd.Landscape, origin: CriticalPoint) -> None:
    rates = (0.05, 0.1)
    maps = [sd.Map(saddle, m, lr=e) for e in rates for m in (sd.GD(), sd.USAM(0.3), sd.USAM(0.7), sd.SAM(0.2))]
    results = analysis.escapes(maps, origin, analysis.starts_around(origin, 20, "disc", 0.5), 1.0, 200)
    edges = analysis.capture_boundaries(maps, origin, 1.0, 100)
    figure, ax = plt.subplots()
    plot.trapped_fractions(maps, results, edges, ax, without=["momentum"], predicted=0.5)
    handles = dict(zip(*reversed(ax.get_legend_handles_labels()), strict=True))
    assert set(handles) == {f"{name}, η = {e:g}" for e in rates for name in ("GD", "USAM", "SAM")}
    again, first = (handles[f"USAM, η = {e:g}"].lines[0] for e in reversed(rates))
    assert (first.get_alpha(), again.get_alpha()) == (1.0, 0.7)  # the second is paler and hollow
    assert (again.get_markerfacecolor(), again.get_color()) == ("white", first.get_color())
    np.testing.assert_allclose(first.get_xydata(), [[0.3, 0], [0.5, 0], [0.5, 1], [0.7, 1]], atol=1e-3)  # a step at ½
    figure = plot.survivals(maps, results)
    titles = [panel.get_title() for panel in figure.axes]
    assert titles == [f"{name}, η = {e:g}, γ = 0" for e in rates for name in ("USAM", "SAM")]
    assert [line.get_label() for line in figure.axes[0].lines] == ["0.3", "0.7", "GD"]
    assert all(panel.get_xscale() == "log" for panel in figure.axes)
    with pytest.raises(sd.InputError, match=r"8 map\(s\), and 7 result"):
        plot.survivals(maps, results[:7])
    plt.close("all")
