"""Measures how long a run takes between two distances from a saddle."""

import math

import numpy as np

from ... import checks
from ...arguments import checked, for_any_map
from ...dynamics import Map
from ...simulation import simulate
from ..points.critical_points import CriticalPoint

BESIDE = 1e-6  # part of the lower distance that a start is off the escape direction, which symmetry may make invariant


@checked
@for_any_map
def passage_time(map_: Map, point: CriticalPoint, low: float, high: float, steps: int) -> float:
    """Measure the time t = kη in which a run moves from a distance to a larger one along the escape direction.

    The run starts at rest at the lower distance, a millionth of it off the direction. Between steps its distance is
    interpolated in the logarithm, as of a run that leaves at a constant rate.

    Args:
        map_: the iterates of any method and base optimizer.
        point: a saddle of their landscape; of several escape directions the steepest counts.
        low, high: 0 < low < high, in the units of w.
        steps: the largest number of steps.

    Returns:
        t; inf if the run does not arrive.

    Raises:
        InputError: the point has no escape direction, or distances that are not 0 < low < high.

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.landscapes.saddle(), sd.GD(), lr=0.001)
    >>> (point,) = sd.critical_points(map_.landscape)
    >>> round(sd.analysis.passage_time(map_, point, 1.0, 2.0, steps=1000), 3)  # ln 2/|λ| = 0.347
    0.347
    """
    if not point.index:
        rule = f"is a {point.kind}: its Hessian has no negative eigenvalue, so that no direction leads away"
        checks.reject("point", point.w.tolist(), rule, "Give a saddle")
    low = checks.positive("low", low, "Use e.g. low=1.0")
    fix = "Use e.g. twice as much"
    high = checks.number("high", high, f"must be a finite number above {low:g}", fix, lambda x: low < x < math.inf)
    along = point.eigenvectors[:, 0]
    w0 = point.w + low * along + BESIDE * low * point.eigenvectors[:, -1]
    runs = simulate(map_, w0, checks.count("steps", steps, "Use e.g. steps=1000"), save_every=1, progress=False)
    with np.errstate(invalid="ignore", over="ignore"):
        distance = np.abs((runs.w.values[0] - point.w) @ along)
    distance = np.maximum.accumulate(np.where(np.isfinite(distance), distance, np.inf))
    after = int(np.argmax(distance >= high))
    if not after:
        return math.inf
    before, there = np.log(distance[after - 1 : after + 1])
    part = (math.log(high) - before) / (there - before) if np.isfinite(there) else 0.0
    return float((after - 1 + part) * map_.lr)
