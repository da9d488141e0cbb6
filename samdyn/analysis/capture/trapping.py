"""Does a saddle hold the runs around it, and from how far?"""

from typing import NamedTuple

import numpy as np

from ... import checks
from ...arguments import checked
from ...dynamics import Map
from ...simulation import Status, simulate
from ..points.critical_points import CriticalPoint

DIRECTIONS = 64
HALVINGS, PER_HALVING = 12, 4  # radii of spheres from the largest down
INSIDE = 0.75  # of its radius: how far into a sphere its runs must come
STARTS, AGAIN = 512, 64  # on the line of a half-width, first and where it is refined
DEVICE = "cpu"  # some hundred runs: a GPU would only wait for its launches


def distances_from(point: CriticalPoint, w: np.ndarray) -> np.ndarray:
    """Return the distances ‖w − point‖ of states ``(N, d)``, inf where they are beyond the floating-point range."""
    with np.errstate(over="ignore"):
        return np.linalg.norm(w - point.w, axis=1)


@checked
def trapping_radius(map_: Map, point: CriticalPoint, largest: float, steps: int, seed: int = 0) -> float:
    """Measure the radius of a ball around a critical point into which runs come in from its surface.

    Starts lie, at rest, on spheres of radius largest/2ʲ, j = 0, ¼ … HALVINGS, in the directions ± every eigenvector
    of the Hessian and 64 random ones. A sphere is certified if every one of its runs is within INSIDE of its radius
    after ``steps`` steps, and so is every smaller sphere down to what the runs end in. Along a direction of escape,
    however slow, a run grows instead, so slow passage gets no certificate; fields without a Jacobian can. Directions
    are sampled: this is strong evidence of capture, not a proof.

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
    largest = checks.positive("largest", largest, "Use half the distance to the next critical point")
    steps = checks.count("steps", steps, "Use e.g. steps=3000")
    radii = largest / 2.0 ** (np.arange(HALVINGS * PER_HALVING + 1) / PER_HALVING)
    starts = point.w + radii[:, None, None] * directions
    runs = simulate(map_, starts.reshape(-1, d), steps, device=DEVICE, progress=False)
    distance = distances_from(point, runs.w.values[:, -1]).reshape(len(radii), -1)
    certified = np.asarray(np.all(distance <= INSIDE * radii[:, None], axis=1))
    if not certified.any():
        return 0.0
    # From the smallest certified sphere up to the first that is not.
    smallest = len(radii) - 1 - int(certified[::-1].argmax())
    larger = certified[: smallest + 1][::-1]
    return float(radii[smallest + 1 - (len(larger) if larger.all() else int(larger.argmin()))])


class TrapWidth(NamedTuple):
    """How far along its most unstable direction a saddle captures runs.

    Attributes:
        captured: the farthest start up to which all were captured, in the units of w.
        lost: the nearest start that was lost; inf if none was.
        share: the share of the starts from 0 to ``largest`` that were captured. Where the trap has a clean edge it is
            at share · largest. Where it has not, as with much momentum, starts beyond ``lost`` are captured too, and
            ``lost`` is the first that was met: more starts may find a nearer one. The share is then the answer.
    """

    captured: float
    lost: float
    share: float


@checked
def trap_half_width(map_: Map, point: CriticalPoint, largest: float, steps: int, *, rtol: float = 1e-4) -> TrapWidth:
    """Measure how far along the most unstable direction a saddle still captures, as an interval.

    Starts lie, at rest, on a line from the point along the eigenvector of the lowest eigenvalue, with a millionth of
    their distance added along the highest, because the line itself is invariant in symmetric landscapes. A start is
    captured if its run settles within ``largest`` of the point, at the saddle or at another resting point that the
    method has near it, or ends in a ball certified by ``trapping_radius``. It is lost if it leaves the box of
    half-width 2 · largest; else it is open. The line is refined between the farthest start up to which all are
    captured and the nearest that is lost, until the two are close or only open starts lie between them.

    Args:
        map_: the iterates.
        point: a saddle of their landscape.
        largest: the largest distance to try, in the units of w; less than that of the next critical point.
        steps: how many steps each run has.
        rtol: how closely to bracket the half-width, in [1e-9, 1).

    Returns:
        The half-width lies between ``captured`` and ``lost``. The interval is wide where the runs were too short to
        tell. (0, 0, 0) if no start is captured, down to largest/2¹².

    Raises:
        InputError: a largest distance that is not finite and > 0, steps < 1, rtol outside of its range.
    """
    rtol = checks.number("rtol", rtol, "must lie in [1e-9, 1)", "Use e.g. rtol=1e-4", lambda r: 1e-9 <= r < 1)
    certified = trapping_radius(map_, point, largest, steps)
    along, across = point.eigenvectors[:, 0], 1e-6 * point.eigenvectors[:, -1]
    box = [(c - 2 * largest, c + 2 * largest) for c in point.w]

    def outcomes(distances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return which starts are captured, and which are lost."""
        starts = point.w + distances[:, None] * (along + across)
        runs = simulate(map_, starts, steps, box=box, device=DEVICE, progress=False)
        end, status = distances_from(point, runs.w.values[:, -1]), runs.status.values
        captured = (end <= certified) | ((status == Status.SETTLED) & (end <= largest))
        return captured, ~captured & (status != Status.UNDECIDED) & (status != Status.SETTLED)

    inner, outer, share = 0.0, np.inf, None
    distances = np.linspace(0, largest, STARTS + 1)[1:]
    while True:
        captured, lost = outcomes(distances)
        share = float(captured.mean()) if share is None else share
        before = inner, outer
        first_not = len(captured) if captured.all() else int(captured.argmin())
        inner = float(distances[first_not - 1]) if first_not else inner
        outer = float(distances[lost.argmax()]) if lost.any() else outer
        if not inner and (outer < largest / 2**HALVINGS or (inner, outer) == before):
            return TrapWidth(0.0, 0.0, 0.0)
        if np.isinf(outer) or outer - inner <= rtol * outer or (inner, outer) == before:
            return TrapWidth(inner, outer, share)
        distances = np.linspace(inner, outer, AGAIN + 2)[1:-1]
