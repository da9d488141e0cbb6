"""Maps the basins of attraction over a plane of starts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import NamedTuple

import numpy as np

from ... import checks, html
from ...arguments import checked
from ...dynamics import Flow, Map
from ...landscapes import Box
from ...statistics import wilson
from .attractors import centres
from .search.attractor import COLUMNS, Attractors, cells
from .search.labels import NAMES, UNBOUNDED
from .search.limit_sets import limit_sets

SAME_WAY = 0.3  # angle, in radians, up to which unbounded runs leave in one direction
SAME_PLACE = 1e-3  # in units of the plane's sides; distance from a point at which an attractor counts as being there


@dataclass(frozen=True, eq=False)
class Basins:
    """The attractor of the run from each start on a plane.

    Attributes:
        coordinates: the names of the plane's two coordinates.
        x, y: the starts' values along them, ``(nx,)`` and ``(ny,)``: centres of equal cells.
        label: the index of the attractor in ``attractors``, DIVERGED (-1), UNDECIDED (-2) or UNBOUNDED (-3),
            ``(ny, nx)``.
        attractors: the attractors, by falling share of the starts.
        ways_out: the unit vectors from the box's centre to the places where unbounded runs of a flow left the box
            enlarged tenfold, NaN for other runs, ``(ny, nx, d)``. Such a run may come back, which no end of a run
            excludes.

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.landscapes.double_well(), sd.GD(), lr=0.1)
    >>> basins = sd.basins(map_, resolution=4)
    >>> basins.label[0].tolist(), basins.fraction(0), [round(end, 2) for end in basins.interval(0)]
    ([0, 0, 1, 1], 0.5, [0.28, 0.72])
    """

    coordinates: tuple[str, str]
    x: np.ndarray
    y: np.ndarray
    label: np.ndarray
    attractors: Attractors
    ways_out: np.ndarray | None = None

    @property
    def ends(self) -> np.ndarray:
        """Where the run from each start ended on its attractor, NaN for runs without one: ``(ny, nx, d)``.

        On a curve or a set of minima it is the minimum that the run came to.

        >>> import samdyn as sd
        >>> valley = sd.Map(sd.Landscape("x**2", "x y"), sd.GD(), lr=0.1)
        >>> basins = sd.basins(valley, resolution=2)
        >>> basins.attractors[0].kind, basins.ends[:, 0, 1].tolist()  # y does not change
        ('curve', [-1.5, 1.5])
        """
        d = len(self.attractors[0].w[0]) if self.attractors else len(self.coordinates)
        ends = np.full((*self.label.shape, d), np.nan)
        for i, attractor in enumerate(self.attractors):
            if attractor.ends is not None:
                ends[self.label == i] = attractor.ends
        return ends

    def fraction(self, label: int) -> float:
        """Return the fraction of the starts with this label.

        Raises:
            InputError: the label is not DIVERGED, UNDECIDED, UNBOUNDED or the index of an attractor.
        """
        return float(self._with(label).mean())

    def interval(self, label: int) -> tuple[float, float]:
        """Return Wilson's 95 % interval of ``fraction(label)`` for independent starts; the error of a grid is smaller.

        Raises:
            InputError: the label is not DIVERGED, UNDECIDED, UNBOUNDED or the index of an attractor.
        """
        return wilson(int(self._with(label).sum()), self.label.size)

    @checked
    def fraction_at(self, w: np.ndarray) -> float:
        """Return the fraction of the starts whose runs end at a point, up to a thousandth of the plane's sides.

        Args:
            w: the point, ``(2,)``.

        Raises:
            InputError: the point has another shape.

        >>> import samdyn as sd
        >>> map_ = sd.Map(sd.landscapes.double_well(), sd.GD(), lr=0.1)
        >>> sd.basins(map_, resolution=4).fraction_at((1, 0))
        0.5
        """
        if np.shape(w) != (2,):
            checks.reject("w", np.shape(w), "is the shape of a point of the plane", "Give two numbers, e.g. (1, 0)")
        near = SAME_PLACE * np.array([np.ptp(self.x), np.ptp(self.y)])
        at = [i for i, one in enumerate(self.attractors) if (abs(one.w.mean(0) - w) <= near).all()]
        return float(sum(self.fraction(i) for i in at))

    def directions(self) -> list[tuple[np.ndarray, float]]:
        """Return the directions in which unbounded runs leave, by falling share, each with its share of the starts.

        >>> import samdyn as sd
        >>> flow = sd.Flow(sd.Landscape("x**2 - y**2", "x y"), sd.GD())
        >>> [((way.round(2) + 0.0).tolist(), share) for way, share in sd.basins(flow, resolution=4).directions()]
        [([0.0, -1.0], 0.5), ([0.0, 1.0], 0.5)]
        """
        if self.ways_out is None:
            return []
        ways = self.ways_out[self.label == UNBOUNDED]
        groups: list[tuple[np.ndarray, float]] = []
        while len(ways):
            near = ways @ ways[0] >= np.cos(SAME_WAY)
            mean = ways[near].mean(0)
            groups.append((mean / np.linalg.norm(mean), float(near.sum()) / self.label.size))
            ways = ways[~near]
        return sorted(groups, key=lambda group: -group[1])

    def _with(self, label: int) -> np.ndarray:
        labels = [*NAMES, *range(len(self.attractors))]
        if not isinstance(label, Integral) or label not in labels:
            checks.reject("label", label, f"the labels are {', '.join(map(str, labels))}", "Use e.g. DIVERGED")
        return self.label == label

    def __str__(self) -> str:
        lines = [str(a) for a in self.attractors]
        for way, share in self.directions():
            low, high = (100 * edge for edge in wilson(round(share * self.label.size), self.label.size))
            towards = ", ".join(f"{c:.2g}" for c in np.round(way, 2) + 0.0)
            lines.append(f"{NAMES[UNBOUNDED]} towards ({towards}): {100 * share:.1f} % [{low:.1f}, {high:.1f}]")
        for label, name in NAMES.items():
            if label != UNBOUNDED:
                low, high = (100 * edge for edge in self.interval(label))
                lines.append(f"{name}: {100 * self.fraction(label):.1f} % [{low:.1f}, {high:.1f}]")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = [cells(one) for one in self.attractors]
        blank = (None,) * (len(COLUMNS) - 3)
        rows += [
            (name, *blank, *html.share(self.fraction(i), self.interval(i)))
            for i, name in NAMES.items()
            if i != UNBOUNDED or i in self.label
        ]
        (a, b), (nx, ny) = self.coordinates, (len(self.x), len(self.y))
        return html.block(f"{nx} × {ny} starts in the plane of {a} and {b}", html.table(COLUMNS, rows))


@checked
def basins(
    system: Map | Flow,
    box: Sequence[tuple[float, float]] | None = None,
    *,
    resolution: int | tuple[int, int] = 200,
    fixed: Mapping[str, float] | None = None,
    period: int = 64,
    steps: int = 50_000,
    progress: bool = True,
) -> Basins:
    """Return for every start on a grid in a plane the attractor on which its run ends.

    A certificate assigns a run to an attractor, as in ``attractors``, so that slow passage near a saddle never counts
    as capture. A run of a flow that leaves the box enlarged tenfold is unbounded, with its direction. A run without a
    certificate at its end is undecided.

    Args:
        system: a map or a flow.
        box: one (low, high) pair per coordinate of the landscape, the fixed ones included. Default: the landscape's
            box.
        resolution: the number of starts along x and y: one number for both, or a pair.
        fixed: the values of all but two coordinates by name, if there are more than two. They define the plane of the
            starts; runs may leave it.
        period, steps, progress: as in ``attractors``.

    Raises:
        InputError: the box or the resolution is not valid, the number of coordinates that are not fixed is not two, or
            the system has symbols for parameters.

    >>> import samdyn as sd
    >>> print(sd.basins(sd.Map(sd.landscapes.double_well(), sd.GD(), lr=0.1), resolution=4))
    fixed point at (-1, 0): 50.0 % [28.0, 72.0]
    fixed point at (1, 0): 50.0 % [28.0, 72.0]
    diverged: 0.0 % [0.0, 19.4]
    undecided: 0.0 % [0.0, 19.4]
    """
    checks.numeric(system)
    limits = checks.box(system.landscape.box if box is None else box, system.landscape.dim)
    plane = plane_of_starts(system, limits, resolution, fixed)
    period = checks.count("period", period, "Use e.g. period=64")
    steps = checks.count("steps", steps, "Use e.g. steps=50000")
    points = plane.starts.reshape(-1, len(limits))
    labels, attractors, ways = limit_sets(system, points, limits, period=period, steps=steps, progress=progress)
    shape = plane.starts.shape[:2]
    return Basins(
        plane.coordinates, plane.x, plane.y, labels.reshape(shape), attractors, ways.reshape(plane.starts.shape)
    )


class Plane(NamedTuple):
    """Starts ``(ny, nx, d)`` on a plane, with the names and the values ``(nx,)`` and ``(ny,)`` of its coordinates."""

    coordinates: tuple[str, str]
    x: np.ndarray
    y: np.ndarray
    starts: np.ndarray


def plane_of_starts(
    system: Map | Flow, box: Box, resolution: int | tuple[int, int], fixed: Mapping[str, float] | None
) -> Plane:
    """Return the starts that ``basins`` follows.

    Raises:
        InputError: the resolution is not valid, or the number of coordinates that are not fixed is not two.
    """
    names = [str(s) for s in system.landscape.symbols]
    values = {
        checks.spelled("coordinate", name, names): checks.number(name, v, "must be a finite number", "Use e.g. 0.0")
        for name, v in (fixed or {}).items()
    }
    free = [name for name in names if name not in values]
    if len(free) != 2:
        rule = f"a plane has two free coordinates, these are {len(free)}: {', '.join(free) or 'none'}"
        fix = "Fix all coordinates but two, e.g. fixed={" + ", ".join(f"{n!r}: 0.0" for n in names[2:]) + "}"
        if len(names) < 2:
            fix = "Use attractors: there is no plane in one dimension"
        checks.reject("fixed", dict(fixed or {}), rule, fix)
    pair = (resolution, resolution) if isinstance(resolution, int) else resolution
    if not isinstance(pair, tuple) or len(pair) != 2 or not all(isinstance(n, int) and n >= 2 for n in pair):
        checks.reject("resolution", resolution, "must be an integer >= 2, or a pair of them", "Use e.g. resolution=200")
    x, y = (centres(*box[names.index(name)], count) for name, count in zip(free, pair, strict=True))
    starts = np.empty((len(y), len(x), len(names)))
    for index, name in enumerate(names):
        starts[:, :, index] = x if name == free[0] else y[:, None] if name == free[1] else values[name]
    return Plane((free[0], free[1]), x, y, starts)
