"""Measures the least radius with which a saddle holds runs near it, for methods that are linear there or not."""

import math
from dataclasses import replace

import numpy as np

from ... import checks
from ...arguments import checked, for_any_map
from ...dynamics import Map
from ..points.critical_points import CriticalPoint
from .held_set import held_sets

AT_ONCE = 17  # number of radii that one ensemble measures
STARTS = 4  # number of starts in each sense of a direction


@checked
@for_any_map
def least_radius(
    map_: Map, point: CriticalPoint, limits: tuple[float, float], near: float, steps: int, *, rtol: float = 1e-3
) -> float:
    """Measure the least radius with which a saddle holds starts near it, between two radii.

    Radii are scanned and the interval in front of the first that holds is scanned again, until it is short enough. It
    needs neither a Jacobian nor a method without memory. ``trapping_threshold`` is exact where there is a Jacobian.

    Args:
        map_: the iterates, of a method with a field ``rho``, which this function fills.
        point: a saddle of their landscape.
        limits: the lowest and the highest radius, in the units of the method's radius.
        near: the largest distance of a start from the saddle, in the units of w: small beside the distance over which
            the method is near its linear part.
        steps: the number of steps of each run.
        rtol: the relative width of the interval.

    Returns:
        The middle of the interval, in the units of the radius; the lowest radius if it holds, and inf if none does.

    Raises:
        InputError: the method has no radius, limits that are not 0 < low < high, rtol is not in (1e-9, 1), or
            ``held_set`` refuses an argument.

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.landscapes.saddle(), sd.USAM(0.1), lr=0.1)
    >>> (point,) = sd.critical_points(map_.landscape)
    >>> round(sd.analysis.least_radius(map_, point, (0.3, 0.8), near=0.01, steps=50, rtol=0.01), 2)  # 1/|λ|
    0.5
    """
    if not hasattr(map_.method, "rho"):
        checks.reject("method", map_.method, "has no radius", "Give a method with a field rho, e.g. SAM(0.1)")
    low = checks.positive("limits[0]", limits[0], "Use e.g. limits=(0.1, 4.0)")
    rule, fix = f"must be a finite number above {low:g}", "Use e.g. limits=(0.1, 4.0)"
    high = checks.number("limits[1]", limits[1], rule, fix, lambda r: low < r < math.inf)
    checks.number("rtol", rtol, "must lie in (1e-9, 1)", "Use e.g. rtol=1e-3", lambda r: 1e-9 < r < 1)
    found = math.inf
    while high / low > 1 + rtol:
        radii = np.geomspace(low, high, AT_ONCE)
        maps = [replace(map_, method=replace(map_.method, rho=float(r))) for r in radii]  # type: ignore[call-arg]
        holds = [held.inner > 0 for held in held_sets(maps, point, near, steps, starts=STARTS, rtol=0.5)]
        if holds[0] or not any(holds):
            return low if holds[0] else found
        first = holds.index(True)
        low, high = radii[first - 1], radii[first]
        found = math.sqrt(low * high)
    return found
