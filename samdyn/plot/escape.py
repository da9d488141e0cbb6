"""Pictures of escape and capture."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import checks
from ..analysis import Escape
from ..arguments import checked
from ..statistics import Survival
from .fate import check_index

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes


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
