"""Does a saddle hold the runs around it, and from how far?"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ... import checks
from ...arguments import checked
from ...dynamics import Map
from ...dynamics.stacking import repeat, stack
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

    ``trapping_radii`` measures those of many maps at once.

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
    return float(trapping_radii([map_], point, largest, steps, seed)[0])


@checked
def trapping_radii(maps: Sequence[Map], point: CriticalPoint, largest: float, steps: int, seed: int = 0) -> np.ndarray:
    """Measure ``trapping_radius`` of many maps, ``(m,)``: those that differ in numbers alone run as one ensemble."""
    d = len(point.w)
    random = np.random.default_rng(seed).standard_normal((DIRECTIONS, d))
    directions = np.vstack([point.eigenvectors.T, -point.eigenvectors.T, random])
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    largest = checks.positive("largest", largest, "Use half the distance to the next critical point")
    steps = checks.count("steps", steps, "Use e.g. steps=3000")
    radii = largest / 2.0 ** (np.arange(HALVINGS * PER_HALVING + 1) / PER_HALVING)
    starts = (point.w + radii[:, None, None] * directions).reshape(-1, d)
    found = np.zeros(len(maps))
    for members, together in stack(maps):
        runs = simulate(
            repeat(together, len(starts)), np.tile(starts, (len(members), 1)), steps, device=DEVICE, progress=False
        )
        distance = distances_from(point, runs.w.values[:, -1]).reshape(len(members), len(radii), -1)
        inside = np.all(distance <= INSIDE * radii[:, None], axis=2)
        found[members] = [_largest_certified(radii, of_one) for of_one in np.atleast_2d(inside)]
    return found


def _largest_certified(radii: np.ndarray, inside: np.ndarray) -> float:
    """Return the radius up to which spheres are certified, from the smallest that is; radii descend."""
    if not inside.any():
        return 0.0
    smallest = len(radii) - 1 - int(inside[::-1].argmax())
    larger = inside[: smallest + 1][::-1]
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
    return trap_half_widths([map_], point, largest, steps, rtol=rtol)[0]


@checked
def trap_half_widths(
    maps: Sequence[Map], point: CriticalPoint, largest: float, steps: int, *, rtol: float = 1e-4
) -> list[TrapWidth]:
    """Measure ``trap_half_width`` of many maps: those that differ in numbers alone run as one ensemble."""
    rtol = checks.number("rtol", rtol, "must lie in [1e-9, 1)", "Use e.g. rtol=1e-4", lambda r: 1e-9 <= r < 1)
    certified = trapping_radii(maps, point, largest, steps)
    searches = [_Search(largest, rtol) for _ in maps]
    while running := [i for i, search in enumerate(searches) if search.width is None]:
        lines = np.array([searches[i].distances for i in running])
        captured, lost = _outcomes([maps[i] for i in running], point, lines, certified[running], largest, steps)
        for i, ours, theirs in zip(running, captured, lost, strict=True):
            searches[i].narrow(ours, theirs)
    return [search.width for search in searches if search.width is not None]


def _outcomes(
    maps: Sequence[Map], point: CriticalPoint, lines: np.ndarray, certified: np.ndarray, largest: float, steps: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return which starts on the maps' lines ``(m, k)`` are captured, and which are lost, ``(m, k)`` bool each."""
    along, across = point.eigenvectors[:, 0], 1e-6 * point.eigenvectors[:, -1]
    box = [(c - 2 * largest, c + 2 * largest) for c in point.w]
    captured, lost = np.zeros((2, *lines.shape), dtype=bool)
    for members, together in stack(maps):
        starts = point.w + lines[members].reshape(-1, 1) * (along + across)
        many = repeat(together, lines.shape[1])
        runs = simulate(many, starts, steps, box=box, device=DEVICE, progress=False)
        shape = (len(members), -1)
        end, status = distances_from(point, runs.w.values[:, -1]).reshape(shape), runs.status.values.reshape(shape)
        held = (end <= certified[members, None]) | ((status == Status.SETTLED) & (end <= largest))
        captured[members] = held
        lost[members] = ~held & (status != Status.UNDECIDED) & (status != Status.SETTLED)
    return captured, lost


class _Search:
    """The search for the edge of one map's trap, on a line from the point.

    Attributes:
        distances: where the next starts lie, ``(k,)``.
        width: the answer; None while the search goes on.
    """

    def __init__(self, largest: float, rtol: float) -> None:
        self._largest, self._rtol = largest, rtol
        self._inner, self._outer, self._share = 0.0, np.inf, np.nan
        self.distances = np.linspace(0, largest, STARTS + 1)[1:]
        self.width: TrapWidth | None = None

    def narrow(self, captured: np.ndarray, lost: np.ndarray) -> None:
        """Go on with what became of the starts: choose the next ones, or answer."""
        share = float(captured.mean()) if np.isnan(self._share) else self._share
        before = self._inner, self._outer
        first_not = len(captured) if captured.all() else int(captured.argmin())
        inner = float(self.distances[first_not - 1]) if first_not else self._inner
        outer = float(self.distances[lost.argmax()]) if lost.any() else self._outer
        self._inner, self._outer, self._share = inner, outer, share
        stuck = (inner, outer) == before
        if not inner and (outer < self._largest / 2**HALVINGS or stuck):
            self.width = TrapWidth(0.0, 0.0, 0.0)
        elif np.isinf(outer) or outer - inner <= self._rtol * outer or stuck:
            self.width = TrapWidth(inner, outer, share)
        else:
            self.distances = np.linspace(inner, outer, AGAIN + 2)[1:-1]
