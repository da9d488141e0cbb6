"""Does a saddle hold the runs around it, and from how far?"""

import numpy as np

from ..dynamics import Map
from ..simulate import simulate
from .critical_points import CriticalPoint

DIRECTIONS = 64
HALVINGS = 12
DEVICE = "cpu"  # some hundred runs: a GPU would only wait for its launches


def distances_from(point: CriticalPoint, w: np.ndarray) -> np.ndarray:
    """Return the distances ‖w − point‖ of states ``(N, d)``, inf where they are beyond the floating-point range."""
    with np.errstate(over="ignore"):
        return np.linalg.norm(w - point.w, axis=1)


def trapping_radius(map_: Map, point: CriticalPoint, largest: float, steps: int, seed: int = 0) -> float:
    """Measure the radius of a ball around a critical point into which runs come in from its surface.

    Starts lie, at rest, on spheres of radius largest/2ʲ, j = 0 … HALVINGS, in the directions ± every eigenvector of the
    Hessian and 64 random ones. A sphere is certified if every one of its runs is within half its radius after ``steps``
    steps. Along a direction of escape, however slow, a run grows instead, so slow passage gets no certificate; fields
    without a Jacobian can. Directions are sampled: this is strong evidence of capture, not a proof.

    Args:
        map_: the iterates.
        point: a critical point of their landscape.
        largest: the largest radius to try, in the units of w; less than the distance to the next critical point, or
            runs that come in towards that one count too.
        steps: how many steps the runs have.
        seed: of the random directions.

    Returns:
        The largest certified radius; 0 if none is.
    """
    d = len(point.w)
    random = np.random.default_rng(seed).standard_normal((DIRECTIONS, d))
    directions = np.vstack([point.eigenvectors.T, -point.eigenvectors.T, random])
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    radii = largest / 2.0 ** np.arange(HALVINGS + 1)
    starts = point.w + radii[:, None, None] * directions
    runs = simulate(map_, starts.reshape(-1, d), steps, device=DEVICE, progress=False)
    distance = distances_from(point, runs.w.values[:, -1]).reshape(len(radii), -1)
    certified = radii[(distance <= radii[:, None] / 2).all(axis=1)]
    return float(certified.max(initial=0.0))


def trap_half_width(
    map_: Map, point: CriticalPoint, largest: float, steps: int, *, rtol: float = 1e-4
) -> tuple[float, float]:
    """Measure how far along the most unstable direction a saddle still captures, as an interval.

    Starts lie, at rest, on a line from the point along the eigenvector of the lowest eigenvalue, with a millionth of
    their distance added along the highest, because the line itself is invariant in symmetric landscapes. A start is
    captured if its run ends in a ball certified by ``trapping_radius``, and lost if it leaves the box of half-width
    2 · largest; else it is open. The line is refined between the farthest start up to which all are captured and the
    nearest that is lost, until the two are close or only open starts lie between them.

    Args:
        map_: the iterates.
        point: a saddle of their landscape.
        largest: the largest distance to try, in the units of w; less than that of the next critical point.
        steps: how many steps each run has.
        rtol: how closely to bracket the half-width.

    Returns:
        (captured, lost): the half-width lies between. The interval is wide where the runs were too short to tell; lost
        is inf if no start was. (0, 0) if no ball is certified, so that nothing can be told.
    """
    certified = trapping_radius(map_, point, largest, steps)
    if not certified:
        return 0.0, 0.0
    along, across = point.eigenvectors[:, 0], 1e-6 * point.eigenvectors[:, -1]
    box = [(c - 2 * largest, c + 2 * largest) for c in point.w]
    inner, outer = 0.0, np.inf
    distances = np.linspace(0, largest, 65)[1:]
    while True:
        starts = point.w + distances[:, None] * (along + across)
        runs = simulate(map_, starts, steps, box=box, device=DEVICE, progress=False)
        captured = distances_from(point, runs.w.values[:, -1]) <= certified
        lost = (~captured) & (runs.status.values != "undecided") & (runs.status.values != "settled")
        kept = len(captured) if captured.all() else int(captured.argmin())
        before = inner, outer
        inner = float(distances[kept - 1]) if kept else inner
        outer = float(distances[lost.argmax()]) if lost.any() else outer
        if np.isinf(outer) or outer - inner <= rtol * outer or (inner, outer) == before:
            return inner, outer
        distances = np.linspace(inner, outer, 66)[1:-1]
