"""Pictures of escape and capture."""

from collections import Counter
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ... import checks
from ...analysis import Escape
from ...arguments import checked
from ...dynamics import Boundary, Map
from ...methods import Ascent
from ...statistics import Survival
from ..portraits.fate import check_index, fate
from ..styles.names import label
from ..styles.style import line

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@checked
def survival(curve: Survival, ax: "Axes", *, band: bool = True, **style: Any) -> "Axes":
    """Draw a Kaplan–Meier curve with its 95 % band: the share of runs still near the saddle, against t = kη.

    Args:
        curve: the result of ``analysis.Escape.survival``, or of ``statistics.survival``.
        ax: the Axes to draw on.
        band: whether to draw the band.
        style: keywords of ``ax.step``.

    >>> import samdyn as sd
    >>> from matplotlib import pyplot as plt
    >>> curve = sd.statistics.survival([1.0, 2.0, 4.0, 4.0], [True, True, True, False])
    >>> figure, ax = plt.subplots()
    >>> sd.plot.survival(curve, ax).get_ylabel()
    'share not yet escaped'
    """
    style.pop("marker", None)

    def to_the_end(values: np.ndarray) -> np.ndarray:
        return np.append(values, values[-1])

    t = np.append(curve.t, max(curve.last, curve.t[-1]))
    (drawn,) = ax.step(t, to_the_end(curve.surviving), where="post", **style)
    if band:
        edges = to_the_end(curve.low), to_the_end(curve.high)
        ax.fill_between(t, *edges, step="post", color=drawn.get_color(), alpha=0.2, lw=0)
    ax.set(xlabel=r"time $t = k\eta$", ylabel="share not yet escaped", ylim=(-0.02, 1.02))
    return ax


@checked
def trapped_fraction(
    rho: Sequence[float], results: Sequence[Escape], ax: "Axes", *, threshold: float | None = None, **style: Any
) -> "Axes":
    """Draw the fraction of trapped runs against ρ, with Wilson's 95 % intervals.

    Args:
        rho: the radii.
        results: the results of ``analysis.escape``, one per radius.
        ax: the Axes to draw on.
        threshold: the radius at which the fraction jumps. The line has a vertical step there instead of a slope.
        style: keywords of ``ax.errorbar``.

    Raises:
        InputError: no radius, or not one result per radius.

    >>> import samdyn as sd
    >>> from matplotlib import pyplot as plt
    >>> saddle, radii = sd.landscapes.saddle(), [0.3, 0.7]
    >>> (origin,) = sd.critical_points(saddle)
    >>> starts = sd.analysis.starts_around(origin, 20, "disc", 0.5, 0)
    >>> maps = [sd.Map(saddle, sd.USAM(rho), lr=0.1) for rho in radii]
    >>> results = [sd.analysis.escape(map_, origin, starts, 1.0, 200) for map_ in maps]
    >>> [result.fraction("trapped") for result in results]
    [0.0, 1.0]
    >>> figure, ax = plt.subplots()
    >>> ax = sd.plot.trapped_fraction(radii, results, ax, threshold=0.5)
    """
    if not len(rho) or len(rho) != len(results):
        rule = f"has {len(rho)} radii for {len(results)} result(s)"
        checks.reject("rho", list(rho), rule, "Give one result per radius, and at least one")
    order = np.argsort(rho, kind="stable")
    radii = np.asarray(rho, dtype=float)[order]
    share = np.array([results[i].fraction("trapped") for i in order])
    low, high = np.array([results[i].interval("trapped") for i in order]).T
    # Wilson's interval contains the share, but rounding may make the length of an error bar negative.
    bars = np.maximum([share - low, high - share], 0)
    measured = list(range(len(radii)))
    jump = 0 if threshold is None else int(np.searchsorted(radii, threshold))
    if threshold is not None and 0 < jump < len(radii):
        share = np.insert(share, [jump, jump], share[jump - 1 : jump + 1])
        radii, bars = np.insert(radii, [jump, jump], threshold), np.insert(bars, [jump, jump], np.nan, axis=1)
        measured = [i for i in range(len(radii)) if i not in (jump, jump + 1)]
    ax.errorbar(radii, share, yerr=bars, capsize=2, ms=5, markevery=measured, **style)
    ax.set(xlabel=r"radius $\rho$", ylabel="share of runs trapped", ylim=(-0.03, 1.03))
    return ax


@checked
def trapped_fractions(
    maps: Sequence[Map],
    results: Sequence[Escape],
    boundaries: Sequence[Boundary],
    ax: "Axes",
    *,
    without: Collection[str] = (),
    predicted: float = np.inf,
) -> "Axes":
    """Draw the fraction of trapped runs against ρ, a line for each method, learning rate and momentum.

    Further learning rates and momenta of a method are paler and hollow. A method without a radius is a level line.

    Args:
        maps: the maps.
        results: their results of ``analysis.escapes``.
        boundaries: their results of ``analysis.capture_boundaries``. A line has a step at a threshold in ρ.
        ax: the Axes to draw on.
        without: the parameters that labels leave out, of "lr" and "momentum".
        predicted: USAM's threshold 1/|λ| in closed form, if the point has one; a vertical line marks it.

    Raises:
        InputError: not one result for each map.

    >>> import samdyn as sd
    >>> from matplotlib import pyplot as plt
    >>> maps = [sd.Map(sd.landscapes.saddle(), method, lr=0.1) for method in (sd.GD(), sd.USAM(0.3), sd.USAM(0.7))]
    >>> (origin,) = sd.critical_points(maps[0].landscape)
    >>> results = sd.analysis.escapes(maps, origin, sd.analysis.starts_around(origin, 20, "disc", 0.5), 1.0, 200)
    >>> boundaries = sd.analysis.capture_boundaries(maps, origin, 1.0, 200)
    >>> figure, ax = plt.subplots()
    >>> ax = sd.plot.trapped_fractions(maps, results, boundaries, ax, without=["momentum"])
    >>> sorted(ax.get_legend_handles_labels()[1])
    ['GD, η = 0.1', 'USAM, η = 0.1']
    """
    _check_results(maps, results, boundaries)
    lines: Counter[type] = Counter()
    for members in _lines(maps).values():
        method = maps[members[0]].method
        look = line(method)
        again = lines[type(method)]
        lines[type(method)] += 1
        look |= {"alpha": 0.7**again, "markerfacecolor": "white" if again else look["color"]}
        text = label(maps[members[0]], without=("rho", *without))
        if isinstance(method, Ascent):
            chosen = [results[i] for i in members]
            edge = boundaries[members[0]]
            threshold = (edge.low + edge.high) / 2 if edge.quantity == "rho" and np.isfinite(edge.high) else None
            trapped_fraction(
                [maps[i].method.radius for i in members], chosen, ax, threshold=threshold, label=text, **look
            )
        else:
            ax.axhline(results[members[0]].fraction("trapped"), label=text, **{**look, "marker": ""})
    if np.isfinite(predicted):
        ax.axvline(predicted, color="0.5", lw=1, zorder=0)
        ax.annotate(r"$\rho = 1/|\lambda|$", (predicted, 0.08), xytext=(4, 0), textcoords="offset points", color="0.35")
    ax.set(xlabel=r"radius $\rho$", ylabel="share of runs trapped", ylim=(-0.03, 1.03))
    return ax


@checked
def survivals(maps: Sequence[Map], results: Sequence[Escape]) -> "Figure":
    """Draw escape-time curves: a panel for each method, learning rate and momentum, and a shade for each radius.

    Methods without a radius are dotted lines in every panel of their learning rate and momentum.

    Args:
        maps: the maps.
        results: their results of ``analysis.escapes``.

    Returns:
        A new figure.

    Raises:
        InputError: not one result for each map.

    >>> import samdyn as sd
    >>> maps = [sd.Map(sd.landscapes.saddle(), method, lr=0.1) for method in (sd.GD(), sd.USAM(0.3), sd.SAM(0.3))]
    >>> (origin,) = sd.critical_points(maps[0].landscape)
    >>> results = sd.analysis.escapes(maps, origin, sd.analysis.starts_around(origin, 20, "disc", 0.5), 1.0, 200)
    >>> [ax.get_title() for ax in sd.plot.survivals(maps, results).axes]
    ['USAM, η = 0.1, γ = 0', 'SAM, η = 0.1, γ = 0']
    """
    from matplotlib import pyplot as plt

    _check_results(maps, results)
    lines = _lines(maps)
    ascending = {key: members for key, members in lines.items() if issubclass(key[0], Ascent)}
    panels = ascending or lines
    figure, grid = plt.subplots(1, len(panels), figsize=(4.2 * len(panels) + 1, 3.8), sharey=True, squeeze=False)
    axes = grid[0]
    curves = [result.survival() for result in results]
    for ax, (key, members) in zip(axes, panels.items(), strict=True):
        for number, i in enumerate(members):
            shade = plt.colormaps["viridis"](0.9 * number / max(1, len(members) - 1))
            survival(curves[i], ax, color=shade, label=f"{maps[i].radius:g}")
        for other, rest in lines.items() if ascending else ():
            for i in rest if other[1:] == key[1:] and other not in ascending else ():
                survival(curves[i], ax, color="black", linestyle=":", label=other[0].__name__)
        ax.set_title(label(maps[members[0]], without=["rho"]))
    axes[-1].legend(title=r"$\rho$", loc="center left", bbox_to_anchor=(1.0, 0.5))
    first, last = min(curve.t[1:].min(initial=np.inf) for curve in curves), max(curve.last for curve in curves)
    for ax in axes:
        ax.set_xlim(0.8 * min(first, last), last)  # set before the scale, since a logarithmic one has no t = 0
        ax.set_xscale("log")
    for ax in axes[1:]:
        ax.set_ylabel("")
    return figure


def _lines(maps: Sequence[Map]) -> dict[tuple[type, Any, Any], list[int]]:
    """Return the indices of the maps that differ in ρ alone, for each method, learning rate and momentum."""
    lines: dict[tuple[type, Any, Any], list[int]] = {}
    for i, map_ in enumerate(maps):
        lines.setdefault((type(map_.method), map_.lr, map_.momentum), []).append(i)
    return lines


def _check_results(maps: Sequence[Map], *results: Sequence[Any]) -> None:
    """Refuse results of which there is not one for each map."""
    if not maps or any(len(one) != len(maps) for one in results):
        rule = f"there are {len(maps)} map(s), and {' and '.join(str(len(one)) for one in results)} result(s)"
        checks.reject("maps", len(maps), rule, "Give one result for each map, and at least one")


@checked
def cosine(cosines: "xarray.DataArray", ax: "Axes", *, run: int = 0, **style: Any) -> "Axes":
    """Draw cos(∇L(w), ∇L(wᵖ)) along one run against the step. It draws dots, because the cosine jumps.

    Args:
        cosines: the result of ``analysis.cosine``.
        ax: the Axes to draw on.
        run: the index of the run.
        style: keywords of ``ax.plot``.

    Raises:
        InputError: no run of this index.

    >>> import samdyn as sd
    >>> from matplotlib import pyplot as plt
    >>> map_ = sd.Map(sd.landscapes.saddle(), sd.SAM(rho=0.5), lr=0.1)
    >>> cosines = sd.analysis.cosine(map_, sd.simulate(map_, (1, 0.01), steps=50, save_every=1))
    >>> figure, ax = plt.subplots()
    >>> ax = sd.plot.cosine(cosines, ax, marker=".")
    """
    check_index("run", run, cosines.sizes.get("run", 0))
    style.pop("linestyle", None)
    ax.plot(cosines.step, cosines.values[run], linestyle="none", ms=3, alpha=0.8, **style)
    ax.set(
        xlabel="step $k$",
        ylabel=r"$\cos\,(\nabla L(w_k),\ \nabla L(w_k^p))$",
        ylim=(-1.1, 1.1),
        yticks=[-1, -0.5, 0, 0.5, 1],
    )
    return ax


@checked
def cosines(
    maps: Sequence[Map],
    results: Sequence["xarray.DataArray"],
    runs: Sequence["xarray.Dataset"],
    *,
    center: np.ndarray | None = None,
    boundaries: Sequence[Boundary | None] = (),
) -> "Figure":
    """Draw cos(∇L(w), ∇L(wᵖ)) along one run of each of several maps, with how the run ends, one below the other.

    Maps whose method has no ascent are left out, since their cosine is 1, unless all are such.

    Args:
        maps: the maps.
        results: a result of ``analysis.cosine`` for each; the first run is drawn.
        runs: the runs, a result of ``simulate`` for each.
        center: the saddle, ``(d,)``.
        boundaries: for each map the boundary of capture, as ``symbolic.predicted_boundary`` returns it, or None. If it
            is the width of a trap, the steps at which a run is that near to the saddle are grey.

    Returns:
        A new figure.

    Raises:
        InputError: not one result for each map.

    >>> import samdyn as sd
    >>> maps = [sd.Map(sd.landscapes.saddle(), sd.SAM(rho=0.5), lr=0.1)]
    >>> runs = [sd.simulate(map_, (1, 0.01), steps=50, save_every=1) for map_ in maps]
    >>> figure = sd.plot.cosines(maps, [sd.analysis.cosine(maps[0], runs[0])], runs)
    >>> figure.axes[0].get_title()
    'SAM, ρ = 0.5: stays to the end'
    """
    from matplotlib import pyplot as plt

    _check_results(maps, results, runs)
    together = [*zip(maps, results, runs, boundaries or [None] * len(maps), strict=True)]
    drawn = [one for one in together if isinstance(one[0].method, Ascent)] or together
    figure, axes = plt.subplots(len(drawn), 1, figsize=(7, 2.2 * len(drawn)), sharex=True, squeeze=False)
    for ax, (map_, values, run, edge) in zip(axes[:, 0], drawn, strict=True):
        cosine(values, ax, **line(map_.method))
        note = ""
        if center is not None and edge and edge.quantity == "width":
            near = np.linalg.norm(run.w.values[0] - center, axis=1) < edge.low
            ax.fill_between(run.step, 0, 1, where=near, transform=ax.get_xaxis_transform(), color="0.9", lw=0)
            note = " (grey: within ρ of the saddle)"
        ax.set(xlim=(0, run.step.values[-1]), title=f"{label(map_.method)}: {fate(run)}{note}")
    for ax in axes[:-1, 0]:
        ax.set_xlabel("")
    return figure
