"""Where capture by a saddle begins."""

from dataclasses import replace

from ..arguments import checked
from ..dynamics import Boundary, Map
from ..methods import Ascent
from .critical_points import CriticalPoint
from .growth import is_linear, trapping_threshold
from .trapping import trap_half_width


@checked
def capture_boundary(map_: Map, point: CriticalPoint, largest: float, steps: int) -> Boundary:
    """Measure where capture begins: a threshold in ρ if the map is linear near the point, else the trap's half-width.

    Args:
        map_: the iterates.
        point: a saddle of their landscape.
        largest: how far out to look for a trap's edge, in the units of w; less than to the next critical point.
        steps: how many steps the runs have that look for it.
    """
    # Normalised methods with ρ = 0 are linear, but at no other radius: they have no threshold.
    somewhat = 1e-3 / float(abs(point.eigenvalues).max())
    others = replace(map_, method=replace(map_.method, rho=somewhat)) if isinstance(map_.method, Ascent) else map_
    if is_linear(others, point):
        threshold = trapping_threshold(map_, point)
        return Boundary("rho", threshold, threshold)
    captured, lost, _ = trap_half_width(map_, point, largest, steps)
    return Boundary("width", captured, lost)
