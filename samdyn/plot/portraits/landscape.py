"""Pictures of a landscape as contours and as a surface, and of runs on it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ... import checks
from ...arguments import checked
from ...dynamics import Map
from ...landscapes import Box, Landscape
from ...simulation import Status
from ..styles.legends import make_room_for_legends
from ..styles.names import label, latex
from ..styles.style import line
from .fate import DIVERGED, alive, check_run, fate, is_inside, within_view

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from mpl_toolkits.mplot3d import Axes3D

RESOLUTION = 201  # number of grid points along each axis


@checked
def contours(landscape: Landscape, ax: "Axes", *, box: Box | None = None, bar: bool = True) -> "Axes":
    """Draw bands of the loss in the plane, the lowest darkest, with a colour bar. All bands cover the same area.

    Args:
        landscape: a landscape of two coordinates.
        ax: the Axes to draw on.
        box: the part of the plane to show, one (low, high) pair per coordinate. Default: the box of the landscape.
        bar: whether to draw the colour bar. Panels of the same landscape need only one.

    Raises:
        InputError: a landscape that is not of the plane.

    >>> import samdyn as sd
    >>> from matplotlib import pyplot as plt
    >>> figure, ax = plt.subplots()
    >>> ax = sd.plot.contours(sd.landscapes.beale(), ax, box=((-1, 4), (-1, 2)))
    >>> [float(end) for end in ax.get_xlim()], ax.get_ylabel()
    ([-1.0, 4.0], '$y$')
    """
    from matplotlib.colors import BoundaryNorm

    x, y, loss = _grid(landscape, box)
    finite = loss[np.isfinite(loss)]
    levels = np.unique(np.quantile(finite, np.linspace(0, 1, 15))) if finite.size else finite
    if len(levels) > 1:  # a landscape that is constant in the box, or nowhere finite, has no bands
        bands = ax.contourf(x, y, loss, levels=levels, cmap="Greys_r", norm=BoundaryNorm(levels, 256), alpha=0.55)
        ax.contour(x, y, loss, levels=levels, colors="white", linewidths=0.5, linestyles="solid")
        if bar:
            scale = ax.figure.colorbar(bands, ax=ax, label="loss $L$", shrink=0.85, ticks=levels[::2])
            scale.ax.yaxis.set_major_formatter(lambda value, _: f"{value:.3g}".replace("-", "\N{MINUS SIGN}"))
    ax.set(xlim=(x.min(), x.max()), ylim=(y.min(), y.max()), xlabel=_label(landscape, 0), ylabel=_label(landscape, 1))
    return ax


@checked
def path(runs: "xarray.Dataset", ax: "Axes", *, run: int = 0, **style: Any) -> "Axes":
    """Draw one run over contours: a ring where it starts, a filled marker where it ends.

    The line of a run that diverges ends with a × at its last finite state. The line of a run that leaves the axes ends
    at their frame.

    Args:
        runs: the result of ``simulate`` or ``integrate`` with more than one saved state, in the plane.
        ax: the Axes to draw on.
        run: the index of the run.
        style: keywords of ``ax.plot`` for the line; ``marker`` is the marker at the end.

    Raises:
        InputError: results without states, runs that are not of the plane, or no run of this index.

    >>> import samdyn as sd
    >>> from matplotlib import pyplot as plt
    >>> map_ = sd.Map(sd.landscapes.saddle(), sd.SAM(rho=0.5), lr=0.01)
    >>> figure, ax = plt.subplots()
    >>> ax = sd.plot.path(sd.simulate(map_, (-3, -0.01), steps=100, save_every=1), ax, color="black")
    """
    check_run(runs, run, "w", "status", "end")
    check_plane(runs)
    w = runs.w.values[run][alive(runs, run)]
    w = within_view(w, ax)
    marker = style.pop("marker", "o")
    (drawn,) = ax.plot(*w.T, **style, zorder=3)
    ax.plot(*w[:1].T, marker="o", color=drawn.get_color(), mfc="white", ms=6, zorder=4)
    if runs.status.values[run] == Status.DIVERGED:
        ax.plot(*w[-1:].T, **DIVERGED)
    elif ax.get_autoscale_on() or is_inside(w[-1], ax):
        ax.plot(*w[-1:].T, marker=marker, color=drawn.get_color(), mec="white", ms=8, zorder=5)
    return ax


@checked
def surface(landscape: Landscape, ax: "Axes3D", *, box: Box | None = None) -> "Axes3D":
    """Draw the loss as a surface.

    Args:
        landscape: a landscape of two coordinates.
        ax: an Axes with ``projection="3d"``.
        box: the part of the plane to show, one (low, high) pair per coordinate. Default: the box of the landscape.

    Raises:
        InputError: a landscape that is not of the plane.

    >>> import samdyn as sd
    >>> from matplotlib import pyplot as plt
    >>> figure, ax = plt.subplots(subplot_kw={"projection": "3d"})
    >>> sd.plot.surface(sd.landscapes.saddle(), ax).get_zlabel()
    'loss $L$'
    """
    x, y, loss = _grid(landscape, box)
    ax.plot_surface(x, y, loss, cmap="Greys_r", alpha=0.55, linewidth=0, rcount=60, ccount=60)
    ax.set(xlabel=_label(landscape, 0), ylabel=_label(landscape, 1), zlabel="loss $L$")
    # By default, matplotlib draws whole objects in order of their distance, which hides paths behind the surface.
    ax.computed_zorder = False
    return ax


@checked
def surface_path(runs: "xarray.Dataset", ax: "Axes3D", *, run: int = 0, **style: Any) -> "Axes3D":
    """Draw one run on a surface, at the height of its loss.

    Args:
        runs: the result of ``simulate`` or ``integrate`` with more than one saved state, in the plane.
        ax: an Axes with ``projection="3d"``, usually the one of ``surface``.
        run: the index of the run.
        style: keywords of ``ax.plot`` for the line; ``marker`` is the marker at the end.

    Raises:
        InputError: results without states, runs that are not of the plane, or no run of this index.

    >>> import samdyn as sd
    >>> from matplotlib import pyplot as plt
    >>> map_ = sd.Map(sd.landscapes.saddle(), sd.GD(), lr=0.01)
    >>> figure, ax = plt.subplots(subplot_kw={"projection": "3d"})
    >>> ax = sd.plot.surface_path(sd.simulate(map_, (-3, -0.01), steps=100, save_every=1), ax)
    """
    check_run(runs, run, "w", "loss", "status", "end")
    check_plane(runs)
    states = alive(runs, run)
    w, loss = runs.w.values[run][states], runs.loss.values[run][states]
    (low, high) = np.sort([ax.get_xlim(), ax.get_ylim()]).T
    inside = ((w >= low) & (w <= high)).all(1)
    w, loss = (v[: len(w) if inside.all() else int(np.argmin(inside))] for v in (w, loss))  # 3-D axes do not clip
    marker = style.pop("marker", "o")
    (drawn,) = ax.plot(*w.T, loss, **style, zorder=3)
    if runs.status.values[run] == Status.DIVERGED:
        ax.plot(*w[-1:].T, loss[-1:], **DIVERGED)
    elif inside.all():
        ax.plot(*w[-1:].T, loss[-1:], marker=marker, color=drawn.get_color(), mec="white", ms=8, zorder=5)
    return ax


@checked
def paths(maps: Sequence[Map], runs: Sequence["xarray.Dataset"], *, box: Box | None = None) -> "Figure":
    """Draw a run of each of several maps on one landscape, over contours and on the surface, with how it ends.

    Args:
        maps: the maps.
        runs: a result of ``simulate`` for each, as for ``path``; the first run is drawn.
        box: the part of the plane to show, one (low, high) pair per coordinate. Default: the box of the landscape.

    Returns:
        A new figure.

    Raises:
        InputError: not one result for each map, or what ``path`` refuses.

    >>> import samdyn as sd
    >>> maps = [sd.Map(sd.landscapes.saddle(), method, lr=0.1) for method in (sd.GD(), sd.USAM(rho=1.0))]
    >>> runs = [sd.simulate(map_, (1, 0.1), steps=20, save_every=1) for map_ in maps]
    >>> figure = sd.plot.paths(maps, runs)
    >>> [text.get_text() for text in figure.legends[0].get_texts()]
    ['GD: stays to the end', 'USAM, ρ = 1: stays to the end']
    """
    from matplotlib import pyplot as plt

    if not maps or len(maps) != len(runs):
        rule = f"there are {len(maps)} map(s) and {len(runs)} result(s)"
        checks.reject("runs", len(runs), rule, "Give one result for each map, and at least one")
    figure = plt.figure(figsize=(11, 4.6))
    flat, relief = figure.add_subplot(1, 2, 1), figure.add_subplot(1, 2, 2, projection="3d")
    contours(maps[0].landscape, flat, box=box)
    surface(maps[0].landscape, relief, box=box)
    for map_, one in zip(maps, runs, strict=True):
        path(one, flat, label=f"{label(map_.method)}: {fate(one)}", **line(map_.method))
        surface_path(one, relief, **line(map_.method))
    make_room_for_legends(flat)
    figure.legend(*flat.get_legend_handles_labels(), loc="outside lower center", ncols=len(maps))
    return figure


def check_plane(runs: "xarray.Dataset") -> None:
    """Refuse runs on a landscape that does not have two coordinates.

    Raises:
        InputError: the same.
    """
    if runs.sizes["coord"] != 2:
        fix = "Draw runs of a slice, e.g. of landscape.restrict({'z': 0.0})"
        checks.reject("runs", dict(runs.sizes), f"has {runs.sizes['coord']} coordinate(s); a plane has two", fix)


def _grid(landscape: Landscape, box: Box | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if landscape.dim != 2:
        fix = "Fix the others to see a slice, e.g. landscape.restrict({'z': 0.0})"
        checks.reject("landscape", landscape, f"has {landscape.dim} coordinates; a plane has two", fix)
    limits = landscape.box if box is None else checks.box(box, 2)
    x, y = np.meshgrid(*(np.linspace(low, high, RESOLUTION) for low, high in limits))
    return x, y, landscape.value(torch.as_tensor(np.stack([x, y]))).numpy()


def _label(landscape: Landscape, index: int) -> str:
    return f"${latex(str(landscape.symbols[index]))}$"
