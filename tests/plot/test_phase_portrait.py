"""Phase portraits: what is drawn is where the dynamics have it."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.contour import QuadContourSet
from matplotlib.lines import Line2D

import samdyn as sd
from samdyn import analysis, plot
from samdyn.methods import Method

from ..analysis.orbits.fields import FLAT, Bautin


def portrait(landscape: sd.Landscape, method: Method, box: Any = None, **options: Any) -> Axes:
    plane = analysis.phase_plane(sd.Flow(landscape, method), box)
    traps = [sd.stability(plane.flow, point).region for point in plane.held]
    with plt.rc_context(plot.STYLE):
        _, ax = plt.subplots()
        return plot.phase_portrait(plane, ax, traps=traps, **options)


def lines(ax: Axes, label: str) -> list[Line2D]:
    return [line for line in ax.lines if line.get_label() == label and len(line.get_xdata())]


def marked(ax: Axes, label: str) -> list[tuple[float, float]]:
    """Return where the markers of a type are, sorted."""
    points = [(float(x), float(y)) for line in lines(ax, label) for x, y in line.get_xydata()]
    return sorted((round(x, 6) + 0.0, round(y, 6) + 0.0) for x, y in points)


def zero_lines(ax: Axes, style: str) -> np.ndarray:
    """Return the points of the contours of this line style, ``(n, 2)``."""
    sets = [c for c in ax.collections if isinstance(c, QuadContourSet) and not c.filled and list(c.levels) == [0.0]]
    (chosen,) = (c for c in sets if c.linestyles == style)
    return np.concatenate([p.vertices for p in chosen.get_paths()])


@pytest.fixture(autouse=True)
def _close() -> Any:
    yield
    plt.close("all")


def test_the_portrait_of_gd_on_the_double_well() -> None:
    """Minima, the saddle, its manifolds x = 0 and y = 0, and the nullclines x(x² − 1) = 0 and y = 0."""
    ax = portrait(sd.landscapes.double_well(), sd.GD())
    assert marked(ax, "attractor") == [(-1, 0), (1, 0)]
    assert marked(ax, "saddle") == [(0, 0)]
    stable, unstable = lines(ax, "stable manifold"), lines(ax, "unstable manifold")
    assert (len(stable), len(unstable)) == (2, 2)
    assert max(np.abs(line.get_xdata()).max() for line in stable) < 1e-9
    assert sorted(round(float(line.get_xdata()[-1])) for line in unstable) == [-1, 1]
    x, y = zero_lines(ax, "dotted").T
    assert np.abs(x * (x**2 - 1)).max() < 2e-3  # the grid's cells are 0.02 wide
    assert set(x.round(1) + 0.0) == {-1.0, 0.0, 1.0}
    assert np.ptp(y) == pytest.approx(3, abs=0.1)
    assert np.abs(zero_lines(ax, "dashdot")[:, 1]).max() < 1e-9
    assert ax.get_xlim() == (-2, 2)
    assert ax.get_ylim() == (-1.5, 1.5)


def test_beyond_its_threshold_usam_has_an_attractor_that_is_no_minimum() -> None:
    for rho, there in ((0.9, False), (1.3, True)):
        ax = portrait(sd.landscapes.double_well(), sd.USAM(rho))
        assert marked(ax, "attractor") == [(-1, 0), (1, 0)]
        assert marked(ax, "attractor, no minimum") == ([(0, 0)] if there else [])
        edge = round(float(np.sqrt(1 - 1 / rho)), 6) if there else 0
        assert marked(ax, "saddle") == ([(-edge, 0), (edge, 0)] if there else [(0, 0)])


def test_the_trap_of_sam(saddle: sd.Landscape) -> None:
    """The shaded region is the disc ‖2w‖ < 2ρ; the separatrices through (0, ±ρ) lie outside it."""
    ax = portrait(saddle, sd.SAM(0.8))
    assert marked(ax, "no Jacobian, held") == [(0, 0)]
    assert marked(ax, "saddle") == [(0, -0.8), (0, 0.8)]
    filled = [c for c in ax.collections if isinstance(c, QuadContourSet) and c.filled and len(c.levels) == 2]
    (trap,) = filled
    edge = np.concatenate([p.vertices for p in trap.get_paths()])
    np.testing.assert_allclose(np.hypot(*edge.T), 0.8, atol=2e-3)
    for line in lines(ax, "stable manifold"):
        assert np.hypot(*line.get_xydata().T).min() > 0.8 - 1e-3
    assert not any(
        isinstance(c, QuadContourSet) and c.filled and len(c.levels) == 2 for c in portrait(saddle, sd.GD()).collections
    )


def test_minima_that_are_not_held_are_open_and_have_no_trap() -> None:
    ax = portrait(sd.landscapes.double_well(), sd.SAM(1.2))
    assert marked(ax, "no Jacobian") == [(-1, 0), (0, 0), (1, 0)]
    assert marked(ax, "no Jacobian, held") == []
    assert marked(ax, "attractor, no minimum") == [(-0.2, 0), (0.2, 0)]
    assert not any("lambda" in str(text) for text in legend_texts(ax))


def legend_texts(ax: Axes) -> list[str]:
    (legend,) = ax.figure.legends
    return [text.get_text() for text in legend.get_texts()]


def test_types_are_told_apart_without_colour() -> None:
    looks = {(m["marker"], m["mfc"], m.get("fillstyle")) for m in plot.MARKERS.values()}
    assert len(looks) == len(plot.MARKERS)
    styles = {
        (m["linestyle"], m["marker"]) if isinstance(m["linestyle"], str) else m["marker"] for m in plot.LINES.values()
    }
    assert len(styles) == len(plot.LINES)


def test_the_legend_names_everything_once_and_covers_nothing(saddle: sd.Landscape) -> None:
    with plt.rc_context(plot.STYLE):
        figure, axes = plt.subplots(1, 2, figsize=(9, 4.5))
        for ax, method in zip(axes, (sd.GD(), sd.SAM(0.5)), strict=True):
            plot.phase_portrait(analysis.phase_plane(sd.Flow(saddle, method)), ax, bar=ax is axes[1])
        figure.canvas.draw()
    texts = legend_texts(axes[0])
    assert len(set(texts)) == len(texts)
    assert {"stable manifold", "unstable manifold", "saddle", "no Jacobian, held", r"$\dot{x} = 0$"} <= set(texts)
    below = figure.legends[0].get_window_extent()
    for ax in axes:
        assert not ax.get_legend()
        assert below.y1 <= ax.get_tightbbox().y0 + 1
    assert below.x0 >= 0
    assert below.x1 <= figure.bbox.x1
    assert len(figure.axes) == 3  # one colour bar


def test_runs_are_drawn_from_their_starts(saddle: sd.Landscape) -> None:
    flow = sd.Flow(saddle, sd.GD())
    runs = sd.integrate(flow, [(1, 0.1), (-2, -0.3)], np.linspace(0, 0.5, 11), progress=False)
    ax = portrait(saddle, sd.GD(), runs=runs)
    (first,) = lines(ax, "run, from +")
    np.testing.assert_allclose(first.get_xydata(), runs.w.values[0])
    starts = [tuple(line.get_xydata()[0]) for line in ax.lines if line.get_marker() == "+"]
    assert starts == [(1, 0.1), (-2, -0.3)]


def test_a_part_of_the_landscape_with_other_coordinates() -> None:
    ax = portrait(sd.landscapes.product(), sd.GD(), box=((-0.5, 1.5), (-0.5, 1.5)))
    assert ax.get_xlim() == (-0.5, 1.5)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("$w_{1}$", "$w_{2}$")
    assert r"$\dot{w_{1}} = 0$" in legend_texts(ax)


def test_bad_input(saddle: sd.Landscape) -> None:
    space = sd.Landscape("x**2 - y**2 + z**2", "x y z")
    with pytest.raises(sd.InputError, match=r"has 3 coordinates; a plane has two.*landscape\.restrict"):
        analysis.phase_plane(sd.Flow(space, sd.GD()))
    with pytest.raises(sd.InputError, match="low < high"):
        analysis.phase_plane(sd.Flow(saddle, sd.GD()), ((1, 0), (0, 1)))
    _, ax = plt.subplots()
    with pytest.raises(sd.InputError, match=r"must be a PhasePlane.*samdyn\.analysis\.phase_plane\(flow\)"):
        plot.phase_portrait(sd.Flow(saddle, sd.GD()), ax)
    assert not ax.lines  # refused before anything was drawn


def test_limit_cycles_are_drawn() -> None:
    flow = sd.Flow(FLAT, Bautin(-0.2))
    cycles = [sd.analysis.cycle(flow, (r, 0)) for r in (0.53, 1.2)]
    plane = sd.analysis.phase_plane(sd.Flow(FLAT, Bautin(-0.2)))
    _, ax = plt.subplots()
    plot.phase_portrait(plane, ax, cycles=cycles)
    lines = {line.get_label(): line for line in ax.lines}
    for name, one in zip(("unstable limit cycle", "stable limit cycle"), cycles, strict=True):
        drawn = np.stack(lines[name].get_data(), 1)
        assert (drawn[:-1] == one.w).all()
        assert (drawn[-1] == drawn[0]).all()
    assert lines["stable limit cycle"].get_linestyle() == "-"
    assert lines["unstable limit cycle"].get_linestyle() != "-"
    space = replace(cycles[0], w=np.zeros((4, 3)))
    with pytest.raises(sd.InputError, match="has 3 coordinates, and a plane has two"):
        plot.phase_portrait(plane, ax, cycles=[space])
