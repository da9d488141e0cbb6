"""Runs that diverge or leave are not drawn as if they lived."""

from collections.abc import Iterator

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

import samdyn as sd
from samdyn import analysis, plot
from samdyn.plot.portraits.fate import DIVERGED

STEEP = sd.Landscape("x**4 + x**2 - y**2", "x y")


@pytest.fixture
def ax() -> Iterator[Axes]:
    _, axes = plt.subplots()
    yield axes
    plt.close("all")


def crosses(ax: Axes) -> list[tuple[float, float]]:
    marks = [line for line in ax.lines if line.get_marker() == "x" and line.get_color() == DIVERGED["color"]]
    return [tuple(xy) for line in marks for xy in line.get_xydata()]


def diverging() -> tuple[sd.Map, object]:
    """USAM thrown out at its first step, to 4·10³, 10³² and 10²⁸⁹."""
    map_ = sd.Map(STEEP, sd.USAM(0.6), lr=0.01)
    return map_, sd.simulate(map_, [(-2.58, -0.13), (0.1, 0.0)], 50, save_every=1, progress=False)


def test_a_diverged_run_ends_with_a_cross_where_it_was_last(ax: Axes) -> None:
    _, runs = diverging()
    assert runs.status.values[0] == "diverged"
    plot.contours(STEEP, ax)
    plot.path(runs, ax)
    line = ax.lines[0].get_xydata()
    assert len(line) == 2  # the start, and the way out
    assert np.isfinite(line).all()
    assert 3 < abs(line[1, 0]) < 100  # outside, and nowhere that the picture could not draw
    assert len(crosses(ax)) == 1
    assert plot.fate(runs) == f"diverges (×) at step {int(runs.end[0])}"
    assert ax.get_xlim() == (-3, 3)


def test_a_run_that_lives_has_no_cross(ax: Axes) -> None:
    _, runs = diverging()
    plot.contours(STEEP, ax)
    plot.path(runs, ax, run=1)
    assert len(ax.lines[0].get_xydata()) == 51
    assert not crosses(ax)
    assert plot.fate(runs, run=1) == "settles" or plot.fate(runs, run=1) == "stays to the end"


def test_a_run_that_leaves_has_no_end_in_the_picture(ax: Axes, saddle: sd.Landscape) -> None:
    runs = sd.simulate(sd.Map(saddle, sd.GD(), lr=0.1), (1, 0.5), 100, save_every=1, box=saddle.box, progress=False)
    plot.contours(saddle, ax)
    plot.path(runs, ax, marker="D")
    assert plot.fate(runs) == f"leaves at step {int(runs.end[0])}"
    line = ax.lines[0].get_xydata()
    np.testing.assert_array_equal(line, runs.w.values[0, : int(runs.end[0]) + 1])
    assert abs(line[-1, 1]) > 3.5 > abs(line[-2, 1])
    assert not [other for other in ax.lines if other.get_marker() == "D"]


def test_cosines_end_where_a_run_does(ax: Axes) -> None:
    map_, runs = diverging()
    cosines = analysis.cosine(map_, runs).values
    alive = np.arange(51) < int(runs.end[0])
    assert not np.isfinite(cosines[0, ~alive]).any()
    assert np.isfinite(cosines[0, :2]).all()
    assert np.isfinite(cosines[1]).all()
    runs = sd.simulate(map_, (0.1, 0.3), 50, save_every=1, box=[(-3, 3), (-0.2, 0.31)], progress=False)
    left = runs.status.values[0] == "left the box"
    assert np.isfinite(analysis.cosine(map_, runs).values[0]).sum() == (int(runs.end[0]) + 1 if left else 51)


def test_a_mean_over_runs_ends_where_the_first_diverges() -> None:
    _, runs = diverging()
    spread = analysis.msd(runs, np.eye(2))
    assert np.isfinite(spread.msd.values[:2]).all()
    assert np.isnan(spread.msd.values[int(runs.end[0]) :]).all()
    both = analysis.msd(runs.isel(run=[1, 1]), np.eye(2))
    assert np.isfinite(both.msd.values).all()


def test_a_diverged_flow_in_a_portrait(ax: Axes) -> None:
    up = sd.Landscape("-x**4 + y**2", "x y", box=[(-2, 2)] * 2)
    flow = sd.Flow(up, sd.GD())
    runs = sd.integrate(flow, [(0.5, 1.0), (-0.01, 1.0)], np.linspace(0, 1, 51), progress=False)
    assert runs.status.values.tolist()[0] == "diverged"
    plot.phase_portrait(analysis.phase_plane(flow), ax, runs=runs)
    assert len(crosses(ax)) == 1
    assert "diverged" in [text.get_text() for text in ax.figure.legends[0].get_texts()]


def test_surface_paths_end_at_the_frame_too() -> None:
    _, runs = diverging()
    ax = plt.figure().add_subplot(projection="3d")
    plot.surface(STEEP, ax)
    plot.surface_path(runs, ax)
    plot.surface_path(runs, ax, run=1)
    first, second = (
        line for line in ax.lines if line.get_linestyle() == "-" and line.get_marker() in ("", "None", None)
    )
    assert len(first.get_data_3d()[0]) == 1
    assert len(second.get_data_3d()[0]) == 51
    plt.close("all")


def test_a_threshold_is_a_step(ax: Axes, saddle: sd.Landscape, origin: analysis.CriticalPoint) -> None:
    starts = analysis.starts_around(origin, 20, "disc", 0.5, 0)
    radii = (0.6, 0.4)
    found = [analysis.escape(sd.Map(saddle, sd.USAM(rho), lr=0.01), origin, starts, 1.0, 1000) for rho in radii]
    plot.trapped_fraction(radii, found, ax, threshold=0.5, marker="s")
    line = ax.containers[0].lines[0]
    np.testing.assert_allclose(line.get_xydata(), [(0.4, 0), (0.5, 0), (0.5, 1), (0.6, 1)])
    assert line.get_markevery() == [0, 3]
    plot.trapped_fraction(radii, found, ax)
    np.testing.assert_allclose(ax.containers[1].lines[0].get_xydata(), [(0.4, 0), (0.6, 1)])


@pytest.mark.parametrize("run", [2, -3, 10**9])
def test_a_run_that_is_not_there_is_refused(ax: Axes, run: int) -> None:
    map_, runs = diverging()
    for draw in (
        lambda: plot.path(runs, ax, run=run),
        lambda: plot.fate(runs, run=run),
        lambda: plot.perturbed(runs, analysis.perturbed(map_, runs), ax, run=run),
        lambda: plot.cosine(analysis.cosine(map_, runs), ax, run=run),
        lambda: plot.surface_path(runs, plt.subplots(subplot_kw={"projection": "3d"})[1], run=run),
    ):
        with pytest.raises(sd.InputError, match=f"run = {run}: there are 2"):
            draw()


def test_results_without_states_are_refused_before_anything_is_drawn(ax: Axes) -> None:
    map_, _ = diverging()
    means = sd.simulate(map_, [(0.1, 0.0)], 5, statistics="mean", progress=False)
    plane = analysis.phase_plane(sd.Flow(STEEP, sd.GD()))
    for draw in (
        lambda: plot.path(means, ax),
        lambda: plot.fate(means),
        lambda: plot.perturbed(means, means["mean"], ax),
        lambda: analysis.perturbed(map_, means),
        lambda: analysis.cosine(map_, means),
        lambda: analysis.msd(means, np.eye(2)),
        lambda: analysis.msd(sd.integrate(sd.Flow(STEEP, sd.GD()), [(0.1, 0.0)], [1.0], progress=False), np.eye(2)),
        lambda: plot.phase_portrait(plane, ax, runs=means),
    ):
        with pytest.raises(sd.InputError, match="has no "):
            draw()
    line = sd.simulate(sd.Map(sd.Landscape("x**2", "x"), sd.GD(), lr=0.1), [(1.0,)], 5, save_every=1, progress=False)
    for draw in (lambda: plot.path(line, ax), lambda: plot.perturbed(line, line.w, ax)):
        with pytest.raises(sd.InputError, match=r"has 1 coordinate\(s\)"):
            draw()
    with pytest.raises(sd.InputError, match=r"has 1 coordinate\(s\)"):
        analysis.cosine(map_, line)
    assert not ax.lines


def test_surfaces_need_axes_of_three_dimensions(ax: Axes) -> None:
    for given in (ax, None, 3):
        with pytest.raises(sd.InputError, match=r'must be an Axes3D.*"projection": "3d"'):
            plot.surface(STEEP, given)


def test_a_coordinate_that_is_not_there_is_refused(ax: Axes) -> None:
    diagram = analysis.orbit_diagram(sd.Map(STEEP, sd.GD(), lr=0.1), "lr", [0.1], np.eye(2), transient=5, keep=1)
    with pytest.raises(sd.InputError, match="coordinate = 2: there are 2"):
        plot.orbits(diagram, ax, coordinate=2)
