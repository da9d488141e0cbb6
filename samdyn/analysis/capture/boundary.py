"""Where capture by a saddle begins."""

from collections.abc import Sequence
from dataclasses import replace

from ...arguments import checked
from ...dynamics import Boundary, Map
from ...methods import Ascent
from ..points.critical_points import CriticalPoint
from .growth import is_linear, trapping_threshold
from .trapping import trap_half_widths


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
