"""Where capture by a saddle begins."""

import math
from dataclasses import dataclass, replace
from typing import Literal

from ...arguments import checked
from ...dynamics import Map
from ...methods import Ascent
from ..points.critical_points import CriticalPoint
from .growth import is_linear, trapping_threshold
from .trapping import trap_half_width


@dataclass(frozen=True)
class Boundary:
    """Where capture begins: above a radius ρ, or within a distance of the saddle along its escaping direction.

    Attributes:
        quantity: "rho", a threshold in ρ, or "width", a distance w in the units of w.
        low, high: the interval it lies in. A threshold of inf: at no radius. A width of (0, 0): no trap was found; with
            high = inf it is at least low, and nothing was lost from as far out as was looked.
    """

    quantity: Literal["rho", "width"]
    low: float
    high: float

    def __str__(self) -> str:
        middle = (self.low + self.high) / 2
        if self.quantity == "rho":
            return f"ρ>{middle:.4g}" if math.isfinite(middle) else "never"
        if not self.high:
            return "none found"
        if math.isinf(self.high):
            return f"w≥{self.low:.4g}"
        sharp = self.high - self.low <= 0.01 * self.high
        return f"w<{middle:.4g}" if sharp else f"w<{self.low:.3g}…{self.high:.3g}"


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
