"""Finds the attractors that runs from a grid of starts reach."""

from collections.abc import Sequence

import numpy as np

from ... import checks
from ...arguments import checked
from ...dynamics import Flow, Map
from .search.attractor import Attractors
from .search.limit_sets import limit_sets

STARTS = 2500  # number of starts


@checked
def attractors(
    system: Map | Flow,
    box: Sequence[tuple[float, float]] | None = None,
    *,
    period: int = 64,
    steps: int = 50_000,
    starts: int = STARTS,
    progress: bool = True,
) -> Attractors:
    """Return the attractors that runs from a grid of starts reach, by falling share of the starts.

    Attractors are fixed points, cycles, curves of fixed points, limit cycles of flows, sets on which a discontinuous
    flow slides to rest, and sets on which the motion is quasi-periodic, as on a flow's torus, or chaotic, by its
    Lyapunov exponents (``Attractor``). A run belongs to a fixed point or cycle if a certificate shows that it rests
    there. With momentum runs start at rest. A map's run that leaves the box enlarged tenfold has diverged; a flow's run
    is unbounded. The shares add up to less than 1 by the share of these runs, and of those that did not settle.

    Args:
        system: a map or a flow.
        box: the box of the starts, one (low, high) pair per coordinate. Default: the box of the landscape.
        period: the longest period of a cycle, in steps. Cycles of more than eight steps must have been reached to
            within 1e-4 of their extent after half of ``steps``.
        steps: the number of steps of a map's runs. Runs of flows end by themselves.
        starts: the approximate number of starts; the grid has the same number along every coordinate.
        progress: show a progress bar if standard error is a terminal, and elsewhere a line a minute if the work is
            long.

    Raises:
        InputError: the box is not valid, period, steps or starts < 1, or the system has symbols for parameters.

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.Landscape("(x**2 - 1)**2/4", "x"), sd.GD(), lr=0.1)
    >>> print(sd.attractors(map_, starts=10))
    fixed point at (-1): 50.0 % [23.7, 76.3]
    fixed point at (1): 50.0 % [23.7, 76.3]
    """
    checks.numeric(system)
    limits = checks.box(system.landscape.box if box is None else box, system.landscape.dim)
    period = checks.count("period", period, "Use e.g. period=64")
    steps = checks.count("steps", steps, "Use e.g. steps=50000")
    per_axis = max(1, round(checks.count("starts", starts, "Use e.g. starts=2500") ** (1 / len(limits))))
    axes = [centres(low, high, per_axis) for low, high in limits]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(limits))
    return limit_sets(system, grid, limits, period=period, steps=steps, progress=progress)[1]


def centres(low: float, high: float, count: int) -> np.ndarray:
    """Return the centres of ``count`` equal cells between low and high: ``(count,)``."""
    return low + (high - low) * (np.arange(count) + 0.5) / count
