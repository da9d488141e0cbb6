"""Every attractor that a grid of starts reaches."""

from collections.abc import Sequence

import numpy as np

from ... import checks
from ...arguments import checked
from ...dynamics import Flow, Map
from .search import Attractor, limit_sets

STARTS = 2500


@checked
def attractors(
    system: Map | Flow,
    box: Sequence[tuple[float, float]] | None = None,
    *,
    period: int = 8,
    steps: int = 50_000,
    starts: int = STARTS,
) -> list[Attractor]:
    """Return the attractors that a grid of starts over a box reaches, by falling share of the starts.

    Fixed points, cycles, curves of fixed points, sets on which a discontinuous flow slides to rest, and sets that a map
    wanders over: see ``Attractor`` for what is known of each and ``limit_sets`` for how runs are given to them. With
    momentum runs start at rest. A run that leaves the box enlarged tenfold has diverged; runs that diverged or that
    have not settled are what the shares leave to 1.

    Args:
        system: a map or a flow.
        box: where the starts are, one (low, high) pair per coordinate; the landscape's own where not given.
        period: the longest cycle to look for, in steps.
        steps: how many steps a map's runs have; flows have as much time as they need, within limits.
        starts: about how many starts; the grid has the same number along every coordinate.

    Raises:
        InputError: a bad box; period, steps or starts < 1; a system with symbols for parameters.
    """
    checks.numeric(system)
    limits = checks.box(system.landscape.box if box is None else box, system.landscape.dim)
    period = checks.count("period", period, "Use e.g. period=8")
    steps = checks.count("steps", steps, "Use e.g. steps=50000")
    per_axis = max(1, round(checks.count("starts", starts, "Use e.g. starts=2500") ** (1 / len(limits))))
    axes = [centres(low, high, per_axis) for low, high in limits]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(limits))
    return limit_sets(system, grid, limits, period=period, steps=steps)[1]


def centres(low: float, high: float, count: int) -> np.ndarray:
    """Return the centres of ``count`` equal cells between low and high."""
    return low + (high - low) * (np.arange(count) + 0.5) / count
