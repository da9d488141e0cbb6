"""Runs a system and finds the attractors on which the runs end. Each attractor has a certificate."""

from dataclasses import replace

import numpy as np

from ....dynamics import Flow, Map
from ....landscapes import Box
from ....simulation.progress import progress_bar
from ....simulation.units import unit_of
from ...points.critical_points import CriticalPoints, critical_points
from .attractor import Attractors
from .census import Census
from .flows import of_flow
from .labels import NAMES, UNBOUNDED, UNDECIDED
from .maps import of_map

# In units of the box; a map's run that leaves the box enlarged by this factor has diverged, a flow's run is unbounded.
MAX_BOX_FACTOR = 10.0


def limit_sets(
    system: Map | Flow,
    starts: np.ndarray,
    box: Box,
    *,
    period: int,
    steps: int,
    progress: bool,
    critical: CriticalPoints | None = None,
) -> tuple[np.ndarray, Attractors, np.ndarray]:
    """Run a map or a flow from starts ``(N, d)`` and return the label of each run ``(N,)``, and the attractors.

    The third result is the unit vector from the box's centre to the place where an unbounded run left, ``(N, d)``, and
    NaN for the others. ``critical`` are the landscape's critical points in the box, which are computed if not given.

    A label is the index of an attractor, DIVERGED, UNDECIDED or UNBOUNDED. A run belongs to a fixed point, curve or
    cycle if ``simulation.settling`` certifies by multipliers that it rests there, so that slow passage does not count.
    Any other run of a map wanders over a set if it covers the same box, to a quarter of its size, in two windows of 512
    steps, halfway and at the end. The windows cannot distinguish a run that drifts more slowly from one that stays. The
    largest Lyapunov exponent says what kind of set that is. Periods of more than eight steps are searched in these
    windows alone.
    """
    low, high = np.array(box).T
    middle, half = (high + low) / 2, (high - low) / 2
    far = tuple(zip(middle - MAX_BOX_FACTOR * half, middle + MAX_BOX_FACTOR * half, strict=True))
    points = critical_points(system.landscape, box) if critical is None else critical
    census = Census(system, high - low, points, unit_of(box), starts)
    ways_out = np.full(starts.shape, np.nan)
    if isinstance(system, Map):
        with progress_bar(f"{system.method}", steps, progress) as show:
            labels, ends = of_map(system, starts, far, census, period, steps, show)
    else:
        labels, ends = of_flow(system, starts, far, census, progress)
        leave = labels == UNBOUNDED
        away = ends[leave] - middle
        ways_out[leave] = away / np.linalg.norm(away, axis=1, keepdims=True)
    census.enter_continua(labels)
    # The attractor with the most runs comes first.
    counts = [int((labels == i).sum()) for i in range(len(census.attractors))]
    order = np.argsort(-np.array(counts, dtype=int), kind="stable")
    attractors = Attractors(
        replace(census.attractors[i], runs=counts[i], of=len(starts), ends=ends[labels == i])
        for i in order
        if counts[i]
    )
    new = np.full(len(order) + len(NAMES), UNDECIDED)
    new[order] = np.arange(len(order))
    for label in NAMES:
        new[label] = label
    return new[labels], attractors, ways_out
