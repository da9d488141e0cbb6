"""Maps the basins of attraction along a parameter."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from .... import checks
from ....arguments import checked
from ....dynamics import Flow, Map
from ....landscapes import Box
from ....simulation.progress import tracked
from ....simulation.starts import check_memory
from ...parameters import with_parameters
from ...points.critical_points import CriticalPoints, critical_points
from ..basins import plane_of_starts
from ..search.attractor import Attractor
from ..search.limit_sets import limit_sets
from .identities import Identities
from .result import BasinsAlong, ContinuedAttractor

SEEDS = 16  # largest number of points of an attractor from which runs start at the next value
BESIDE = 1e-3  # in units of the box; distance from a critical point of the start that tells whether it attracts


@checked
def basins_along(
    system: Map | Flow,
    parameter: str,
    values: Sequence[float] | np.ndarray,
    box: Sequence[tuple[float, float]] | None = None,
    *,
    resolution: int | tuple[int, int] = 50,
    fixed: Mapping[str, float] | None = None,
    starts: int | None = None,
    seed: int = 0,
    period: int = 64,
    steps: int = 50_000,
    progress: bool = True,
) -> BasinsAlong:
    """Return the attractors and their basins along a parameter. An attractor keeps its index as long as it exists.

    At each value runs go from the same starts, as in ``basins``; from up to 16 points of each attractor of the value
    before; and from beside every critical point. The latter two find attractors whose basins are smaller than the
    distance of the starts, and count in no share. This is the idea of [DR23], with other rules. An attractor continues

    1. the attractor of the value before that is nearest to it, in the Hausdorff distance of their points in units of
       the box, if this is at most 0.1, and every other attractor is more than twice as far from either;
    2. otherwise the attractor most of whose basin it takes over: two thirds of it, and of all that it takes over from
       attractors that have no other continuation. The own points count as part of a basin if there is no momentum;
    3. otherwise an attractor that ended earlier within 0.01 of its place, with the same doubling of distances.

    All others are new: so a fixed point that splits into two of equal rank ends, and two emerge. Closer values make
    doubtful cases rarer.

    Args:
        system: a map or a flow; its own value of the parameter is not used.
        parameter: the name of the parameter, one of ``analysis.parameters(system)``, those of the landscape included.
        values: its values, two or more, ascending.
        box: one (low, high) pair per coordinate. Default: the landscape's box, for all values.
        resolution, fixed: the plane of the starts, as in ``basins``.
        starts: the number of random starts in the box, which replace the plane, in any dimension. They are uniform and
            independent.
        seed: the seed of the random starts, an integer in [0, 2³²).
        period, steps: as in ``attractors``.
        progress: show the number of values that are done.

    Raises:
        InputError: the values are not ascending finite numbers, or one is out of the parameter's range; the system does
            not have the parameter, or has noise; or as ``basins``.

    >>> import samdyn as sd
    >>> saddle = sd.Landscape("x**2 - y**2 + y**4", "x y", box=[(-1, 1), (-1, 1)])
    >>> flow = sd.Flow(saddle, sd.USAM(0.1))
    >>> along = sd.analysis.basins_along(flow, "rho", [0.4, 0.6, 0.8], resolution=10)
    >>> along.share(0), along.share(1)  # the minima
    (array([0.5, 0.4, 0.3]), array([0.5, 0.4, 0.3]))
    >>> print(along.attractors[2])  # the saddle attracts from ρ = 1/2 on
    fixed point, 0.6 to 0.8: at (0, 0) to (0, 0), 20.0 % to 40.0 %
    """
    grid = _ascending(values)
    settings = [
        with_parameters(system, {parameter: int(v) if parameter == "ascent_steps" and v == int(v) else float(v)})
        for v in grid
    ]
    for setting in settings:
        checks.numeric(setting)
        if isinstance(setting, Map):
            setting.refuse_noise()
    limits = checks.box(system.landscape.box if box is None else box, system.landscape.dim)
    period = checks.count("period", period, "Use e.g. period=64")
    steps = checks.count("steps", steps, "Use e.g. steps=50000")
    if starts is None:
        plane = plane_of_starts(system, limits, resolution, fixed)
        points, shape = plane.starts.reshape(-1, len(limits)), plane.starts.shape[:2]
    elif fixed:
        checks.reject("fixed", dict(fixed), "random starts lie in the whole box", "Leave out starts or fixed")
    else:
        points = _random(limits, starts, seed)
        shape = (len(points),)

    extent = np.ptp(limits, axis=1)
    beside = BESIDE * extent / np.sqrt(np.arange(1, len(extent) + 1))  # on no line of symmetry, such as the diagonal
    identities = Identities(extent)
    labels = np.empty((len(grid), len(points)), dtype=int)
    sets: list[dict[int, Attractor]] = []  # the attractors at each value, by their number
    critical: CriticalPoints | None = None
    for k, setting in enumerate(tracked(f"values of {parameter}", settings, progress)):
        if critical is None or parameter in system.landscape.parameters:
            critical = critical_points(setting.landscape, limits)
        present = np.array(identities.present, dtype=int)
        own = [_some(identities.last[number]) for number in present]
        owner = np.repeat(present, np.array([len(w) for w in own], dtype=int))
        runs = np.concatenate([points, *own, *(point.w[None] + beside for point in critical)])
        ends, attractors, _ = limit_sets(
            setting, runs, limits, period=period, steps=steps, progress=False, critical=critical
        )
        ends, ends_of_own = ends[: len(points)], ends[len(points) : len(points) + len(owner)]
        before, after = (labels[k - 1], ends) if k else (ends[:0], ends[:0])
        if not isinstance(setting, Map) or not setting.momentum:  # a start at rest may be in the basin of another
            before, after = np.append(before, owner), np.append(after, ends_of_own)
        basins = [after[before == number] for number in present]
        moves = [[int((basin == j).sum()) for j in range(len(attractors))] for basin in basins]
        numbers = identities.assign(
            [attractor.w for attractor in attractors],
            np.array(moves, dtype=int).reshape(len(present), len(attractors)),
            np.array([len(basin) for basin in basins], dtype=int),
        )
        labels[k] = ends
        for j, number in enumerate(numbers):
            labels[k, ends == j] = number
        counts = [int((ends == j).sum()) for j in range(len(attractors))]
        sets.append(
            {
                number: replace(attractor, runs=count, of=len(points))
                for number, attractor, count in zip(numbers, attractors, counts, strict=True)
            }
        )
    continued = tuple(
        ContinuedAttractor(grid, tuple(at.get(number) for at in sets), (labels == number).mean(1))
        for number in identities.last
    )
    symbols = tuple(str(symbol) for symbol in system.landscape.symbols)
    labels = labels.reshape(len(grid), *shape)
    if starts is None:
        return BasinsAlong(parameter, grid, labels, continued, symbols, plane=plane.coordinates, x=plane.x, y=plane.y)
    return BasinsAlong(parameter, grid, labels, continued, symbols, starts=points)


def _ascending(values: Sequence[float] | np.ndarray) -> np.ndarray:
    """Return the values of the parameter, ``(m,)``.

    Raises:
        InputError: fewer than two values, or they are not finite, or not ascending.
    """
    grid = np.asarray(values, dtype=float)
    fix = "Use e.g. numpy.linspace(0.1, 1, 10)"
    if grid.ndim != 1 or len(grid) < 2:
        checks.reject("values", grid.tolist(), "must be two or more numbers", fix)
    if not np.isfinite(grid).all():
        checks.reject("values", grid.tolist(), "must be finite", fix)
    if (np.diff(grid) <= 0).any():
        checks.reject("values", grid.tolist(), "must ascend, each once", "Use numpy.unique(values)")
    return grid


def _random(box: Box, number: int, seed: int) -> np.ndarray:
    """Return independent uniform starts in a box: ``(number, d)``."""
    number = checks.count("starts", number, "Use e.g. starts=2500")
    check_memory("starts", number, 4, len(box), number)  # a step holds a few copies of the starts
    generator = np.random.default_rng(checks.word("seed", seed, "Use e.g. seed=0"))
    low, high = np.array(box).T
    return generator.uniform(low, high, (number, len(box)))


def _some(w: np.ndarray) -> np.ndarray:
    """Return up to SEEDS of points ``(m, d)``, in even steps."""
    return w[np.linspace(0, len(w) - 1, min(len(w), SEEDS)).round().astype(int)]
