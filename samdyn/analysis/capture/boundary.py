"""Where capture by a saddle begins."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ...arguments import checked
from ...dynamics import Map
from ...methods import Ascent
from ..points.critical_points import CriticalPoint
from .growth import is_linear, trapping_threshold
from .trapping import trap_half_widths


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
    return capture_boundaries([map_], point, largest, steps)[0]


@checked
def capture_boundaries(maps: Sequence[Map], point: CriticalPoint, largest: float, steps: int) -> list[Boundary]:
    """Measure ``capture_boundary`` of many maps.

    A threshold in ρ is measured once for maps that differ in ρ alone; widths are measured of all maps at once.
    """
    # Normalised methods with ρ = 0 are linear, but at no other radius: they have no threshold.
    small = 1e-3 / float(abs(point.eigenvalues).max())
    measured: list[tuple[Map, Boundary | None]] = []  # of maps of that small radius; None for those without threshold
    boundaries: list[Boundary | None] = []
    for map_ in maps:
        nearly = replace(map_, method=replace(map_.method, rho=small)) if isinstance(map_.method, Ascent) else map_
        same = [boundary for other, boundary in measured if other == nearly]
        if not same:
            threshold = trapping_threshold(map_, point) if is_linear(nearly, point) else None
            same = [None if threshold is None else Boundary("rho", threshold, threshold)]
            measured.append((nearly, same[0]))
        boundaries += same
    without = [i for i, boundary in enumerate(boundaries) if boundary is None]
    widths = trap_half_widths([maps[i] for i in without], point, largest, steps)
    for i, (captured, lost, _) in zip(without, widths, strict=True):
        boundaries[i] = Boundary("width", captured, lost)
    return [boundary for boundary in boundaries if boundary is not None]
