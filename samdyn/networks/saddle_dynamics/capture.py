"""From how far along the most unstable direction runs return to a saddle."""

import math
from typing import TYPE_CHECKING

import numpy as np
import torch

from ... import checks
from ...analysis import CriticalPoint, with_parameters
from ...arguments import checked
from ...dynamics import Map
from ...landscapes import Landscape
from ...methods import SAM
from ..training import train

if TYPE_CHECKING:
    import xarray

RETURNED = 1 / 8  # distance in units of ρ within which a run that returned ends; SAM's 2-cycle, ηρ|λ|/2, is smaller
OFF_THE_LINE = 1e-6  # distance of the starts from the line in units of ρ; in symmetric landscapes it is invariant
LONGEST, POINTS = 20.0, 2001  # how far along a line the loss is computed, in the units of w, and at how many points


@checked
def first_rise(landscape: Landscape, point: CriticalPoint) -> float:
    """Return the distance from a saddle, along the eigenvector of λ_min, at which the loss begins to rise.

    The resolution is 0.01 in the units of w.

    Raises:
        InputError: it rises nowhere up to a distance of 20.

    >>> import samdyn as sd
    >>> scene = sd.Landscape("x**2 - y**2 + y**4 / 2", "x y")  # minima at y = ±1
    >>> (saddle,) = (p for p in sd.critical_points(scene) if p.kind == "saddle")
    >>> first_rise(scene, saddle)
    1.0
    """
    x = np.linspace(0, LONGEST, POINTS)
    values = landscape.value(torch.as_tensor(point.w[:, None] + point.eigenvectors[:, :1] * x)).numpy()
    rises = np.diff(values) > 0
    if not rises.any():
        rule = f"the loss rises nowhere up to a distance of {LONGEST:g} along the eigenvector of λ_min"
        checks.reject("landscape", landscape, rule, "Use one with a minimum along that line")
    return float(x[np.argmax(rises)])


@checked
def capture_widths(
    map_: Map,
    point: CriticalPoint,
    steps: int,
    *,
    limits: tuple[float, float] = (0.25, 4.0),
    cuts: int = 12,
    rounds: int = 3,
    seed: int = 0,
    device: str = "auto",
) -> tuple[np.ndarray, np.ndarray]:
    """Measure, for every radius of a map, how far along the eigenvector of λ_min runs return to a saddle.

    Each round has ``cuts`` + 1 starts per radius between the limits, and the next one lies between the last start that
    returns and the first that does not. A run returned if it ends within ρ/8 along the line.
    ``analysis.held_set`` covers all escape directions, which for a network are many.

    Args:
        map_: the iterates. Its radius is a tensor ``(n,)``; its lr and momentum are numbers.
        point: a saddle of its landscape.
        steps: the number of steps of each run.
        limits: the smallest and the largest half-width in which to search, in units of ρ.
        cuts: the number of intervals into which a round divides the line.
        rounds: the number of rounds. The width is certain to (range of the limits) / cutsʳᵒᵘⁿᵈˢ.
        seed: the seed of the direction in which starts are off the line.
        device: the device of the computation.

    Returns:
        The farthest start up to which all runs return, and the nearest whose run does not, ``(n,)`` each, in units of
        ρ. The former is 0 if none returns, and the latter inf if all do.

    Raises:
        InputError: limits that do not ascend from above 0; fewer than 2 cuts or 1 round; a map with noise.

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.landscapes.saddle(), sd.SAM(torch.tensor([0.1, 0.5])), lr=0.01)
    >>> (point,) = sd.critical_points(map_.landscape)
    >>> captured, lost = capture_widths(map_, point, steps=300, rounds=2)
    >>> captured.round(2), lost.round(2)
    (array([0.98, 0.98]), array([1.01, 1.01]))
    """
    if not 0 < limits[0] < limits[1] < np.inf:
        checks.reject("limits", limits, "must be two ascending numbers > 0", "Use e.g. limits=(0.25, 4.0)")
    if checks.count("cuts", cuts, "Use e.g. cuts=12") < 2:
        checks.reject("cuts", cuts, "must be at least 2", "Use e.g. cuts=12")
    checks.count("rounds", rounds, "Use e.g. rounds=3")
    map_.refuse_noise()
    center, v = torch.as_tensor(point.w), torch.as_tensor(point.eigenvectors[:, 0])
    off = torch.as_tensor(np.random.default_rng(seed).standard_normal(len(v)))
    rho = np.atleast_1d(np.asarray(map_.method.radius, dtype=float))
    low, high = np.full(len(rho), limits[0]), np.full(len(rho), limits[1])
    captured, lost = np.zeros(len(rho)), np.full(len(rho), np.inf)
    radii = torch.as_tensor(np.repeat(rho, cuts + 1))
    many = with_parameters(map_, {"rho": radii})
    for _ in range(rounds):
        ratios = np.linspace(low, high, cuts + 1, axis=1)
        along = torch.as_tensor(ratios.ravel()) * radii
        starts = center + along[:, None] * v + OFF_THE_LINE * radii[:, None] * off
        ((_, w),) = train(many, starts, steps, dtype=torch.float64, device=device)
        end = (v @ (w.cpu() - center[:, None])).numpy().reshape(ratios.shape)
        returned = abs(end) < RETURNED * rho[:, None]
        for i, row in enumerate(returned):
            returning = len(row) if row.all() else int(row.argmin())
            captured[i] = ratios[i, returning - 1] if returning else captured[i]
            lost[i] = ratios[i, returning] if returning < len(row) else lost[i]
            if 0 < returning < len(row):
                low[i], high[i] = captured[i], lost[i]
    return captured, lost


@checked
def relative_widths(
    landscape: Landscape,
    point: CriticalPoint,
    share: np.ndarray,
    *,
    time: float = 12.0,
    step: float = 0.1,
    seed: int = 0,
    device: str = "auto",
) -> "xarray.Dataset":
    """Measure SAM's ``capture_widths`` at radii that are shares of the distance of the minimum, ``first_rise``.

    Args:
        landscape: the landscape.
        point: a saddle of it.
        share: the radii in units of that distance, ``(n,)``.
        time: the time of the runs, in 1/|λ_min|.
        step: the learning rate in 1/max|λ|. If it is small, stiff directions do not bounce.
        seed, device: as for ``capture_widths``.

    Returns:
        Over "share": "captured" and "lost", in units of ρ, and the distance, "minimum", in the units of w.

    Raises:
        InputError: as for ``first_rise`` and ``capture_widths``.

    >>> import samdyn as sd
    >>> scene = sd.Landscape("x**2 - y**2 + y**4 / 2", "x y")  # minima at y = ±1
    >>> (saddle,) = (p for p in sd.critical_points(scene) if p.kind == "saddle")
    >>> widths = relative_widths(scene, saddle, np.array([0.1]))
    >>> widths.captured.values.round(2), widths.lost.values.round(2), widths.minimum.values
    (array([1.]), array([1.]), array([1.]))
    """
    import xarray

    step = checks.positive("step", step, "Use e.g. step=0.1")
    minimum, lr = first_rise(landscape, point), step / abs(point.eigenvalues).max()
    steps = math.ceil(-checks.positive("time", time, "Use e.g. time=12.0") / point.eigenvalues[0] / lr)
    map_ = Map(landscape, SAM(torch.as_tensor(share * minimum)), lr=lr)
    captured, lost = capture_widths(map_, point, steps, seed=seed, device=device)
    widths = {"captured": captured, "lost": lost, "minimum": np.full(len(share), minimum)}
    return xarray.Dataset({name: ("share", values) for name, values in widths.items()})
