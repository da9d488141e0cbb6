"""Measures where capture by a saddle begins: a radius ρ, or a distance from the saddle."""

from collections.abc import Sequence
from dataclasses import replace

from ...arguments import checked
from ...dynamics import Boundary, Map
from ...methods import Ascent
from ..points.critical_points import CriticalPoint
from .growth import is_linear, trapping_threshold
from .held_set import held_sets


@checked
def capture_boundary(map_: Map, point: CriticalPoint, largest: float, steps: int) -> Boundary:
    """Measure where capture begins: a threshold in ρ if the map is linear near the point, else the trap's half-width.

    The threshold is that of ``trapping_threshold``, the half-width the interval from
    ``inner`` to ``outer`` of ``held_set``, with the
    share that is held if the edge is fractal.

    Args:
        map_: the iterates.
        point: a saddle of their landscape.
        largest: the largest distance of a start from the point, in the units of w; less than the distance to the next
            critical point.
        steps: the number of steps of each run that looks for the trap's edge.

    Raises:
        InputError: ``held_set`` refuses an argument.

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.Landscape("-x**2", "x"), sd.GD(), lr=0.1)
    >>> (point,) = sd.critical_points(map_.landscape)
    >>> boundary = sd.analysis.capture_boundary(map_, point, largest=1.0, steps=200)
    >>> boundary.quantity, boundary.low, str(boundary)
    ('rho', inf, 'never')
    """
    return capture_boundaries([map_], point, largest, steps)[0]


@checked
def capture_boundaries(maps: Sequence[Map], point: CriticalPoint, largest: float, steps: int) -> list[Boundary]:
    """Measure ``capture_boundary`` of many maps ``(m,)``.

    Maps that differ in ρ alone share one measurement of the threshold. One ensemble measures all widths.

    >>> import samdyn as sd
    >>> maps = [sd.Map(sd.Landscape("-x**2", "x"), sd.GD(), lr=lr) for lr in (0.1, 0.2)]
    >>> (point,) = sd.critical_points(maps[0].landscape)
    >>> [str(boundary) for boundary in sd.analysis.capture_boundaries(maps, point, largest=1.0, steps=200)]
    ['never', 'never']
    """
    # A normalised method is linear at ρ = 0 only, so a small radius decides whether there is a threshold.
    small = 1e-3 / float(abs(point.eigenvalues).max())
    thresholds: list[tuple[Map, Boundary | None]] = []  # of maps with that radius; None: no threshold
    boundaries: list[Boundary | None] = []
    for map_ in maps:
        nearly = replace(map_, method=replace(map_.method, rho=small)) if isinstance(map_.method, Ascent) else map_
        same = [boundary for other, boundary in thresholds if other == nearly]
        if not same:
            threshold = trapping_threshold(map_, point) if is_linear(nearly, point) else None
            same = [None if threshold is None else Boundary("rho", threshold, threshold)]
            thresholds.append((nearly, same[0]))
        boundaries += same
    without = [i for i, boundary in enumerate(boundaries) if boundary is None]
    sets = held_sets([maps[i] for i in without], point, largest, steps) if without else []
    for i, held in zip(without, sets, strict=True):
        share = held.share(min(held.outer, largest)).value if held.fractal else None
        boundaries[i] = Boundary("width", held.inner, held.outer, share)
    return [boundary for boundary in boundaries if boundary is not None]
