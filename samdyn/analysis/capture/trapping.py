"""Measures whether a saddle captures the runs around it, and from what distance."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ... import checks
from ...arguments import checked
from ...dynamics import Map
from ...dynamics.stacking import repeat, stack
from ...simulation import Status, simulate
from ..points.critical_points import CriticalPoint

DIRECTIONS = 64  # number of random directions of the starts on a sphere
HALVINGS = 12  # number of halvings from the largest radius of a sphere to the smallest
PER_HALVING = 4  # number of radii per halving
MAX_END_RATIO = 0.75  # in units of the sphere's radius; distance from the point within which its runs must end
LINE_STARTS = 512  # number of starts on the line of a half-width
REFINEMENT_STARTS = 64  # number of starts in each refinement of that line
DEVICE = "cpu"  # a few hundred runs are too few for a GPU, which waits for its kernel launches


def distances_from(point: CriticalPoint, w: np.ndarray) -> np.ndarray:
    """Return the distances ‖w − point‖ of states ``(N, d)``, inf beyond the floating-point range: ``(N,)``."""
    with np.errstate(over="ignore"):
        return np.linalg.norm(w - point.w, axis=1)


@checked
def trapping_radius(map_: Map, point: CriticalPoint, largest: float, steps: int, seed: int = 0) -> float:
    """Measure the radius of the largest ball around a critical point that runs enter from its surface and stay in.

    Starts lie, at rest, on spheres of radius largest/2ʲ, j = 0, ¼ … 12, in the directions ± every eigenvector of the
    Hessian and in 64 random ones. A sphere is certified if after ``steps`` steps all its runs are within 0.75 of its
    radius from the point. The result belongs to the largest sphere of the longest series of certified spheres. Runs
    from smaller spheres move out to the set on which all end; near its size the phase of a chaotic run decides. Along
    an unstable direction a run moves away, however slowly, so that slow passage gets no certificate. The certificate
    needs no Jacobian. It samples directions, and so is strong evidence of capture but no proof.

    Args:
        map_: the iterates.
        point: a critical point of their landscape.
        largest: the largest radius, in the units of w; less than the distance to the next critical point, or runs that
            move towards that point count too.
        steps: the number of steps of each run.
        seed: the seed of the random directions.

    Returns:
        The largest certified radius, in the units of w; 0 if no sphere is certified.

    Raises:
        InputError: ``largest`` is not finite and > 0, or steps < 1.

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.landscapes.saddle(), sd.SAM(rho=0.5), lr=0.1)
    >>> (point,) = sd.critical_points(map_.landscape)
    >>> round(sd.analysis.trapping_radius(map_, point, largest=1.0, steps=200), 3)  # 2^(−5/4)
    0.42
    """
    return float(trapping_radii([map_], point, largest, steps, seed)[0])


@checked
def trapping_radii(maps: Sequence[Map], point: CriticalPoint, largest: float, steps: int, seed: int = 0) -> np.ndarray:
    """Measure ``trapping_radius`` of many maps ``(m,)``; maps that differ in numbers alone run as one ensemble.

    >>> import samdyn as sd
    >>> maps = [sd.Map(sd.landscapes.saddle(), sd.SAM(rho=rho), lr=0.1) for rho in (0.25, 0.5)]
    >>> (point,) = sd.critical_points(maps[0].landscape)
    >>> sd.analysis.trapping_radii(maps, point, largest=1.0, steps=200).round(2)
    array([0.21, 0.42])
    """
    d = len(point.w)
    random = np.random.default_rng(seed).standard_normal((DIRECTIONS, d))
    directions = np.vstack([point.eigenvectors.T, -point.eigenvectors.T, random])
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    largest = checks.positive("largest", largest, "Use half the distance to the next critical point")
    steps = checks.count("steps", steps, "Use e.g. steps=3000")
    radii = largest / 2.0 ** (np.arange(HALVINGS * PER_HALVING + 1) / PER_HALVING)
    starts = (point.w + radii[:, None, None] * directions).reshape(-1, d)
    measured_radii = np.zeros(len(maps))
    for members, together in stack(maps):
        runs = simulate(
            repeat(together, len(starts)), np.tile(starts, (len(members), 1)), steps, device=DEVICE, progress=False
        )
        distance = distances_from(point, runs.w.values[:, -1]).reshape(len(members), len(radii), -1)
        inside = np.all(distance <= MAX_END_RATIO * radii[:, None], axis=2)
        measured_radii[members] = [_largest_certified(radii, of_one) for of_one in np.atleast_2d(inside)]
    return measured_radii


def _largest_certified(radii: np.ndarray, inside: np.ndarray) -> float:
    """Return the largest radius of the longest series of certified spheres, 0 if there is none; radii descend."""
    ends = np.flatnonzero(np.diff(np.concatenate([[0], inside.astype(int), [0]])))
    firsts, lasts = ends[::2], ends[1::2]
    return float(radii[firsts[(lasts - firsts).argmax()]]) if len(firsts) else 0.0


class TrapWidth(NamedTuple):
    """The distance along its most unstable direction up to which a saddle captures runs.

    Attributes:
        captured: the distance up to which all starts were captured, in the units of w.
        lost: the distance of the nearest start that was lost, in the units of w; inf if no start was lost.
        share: the fraction of the starts from 0 to ``largest`` that were captured. The clean edge of a trap lies at
            share · largest. A trap without a clean edge, as with much momentum, captures starts beyond ``lost`` too,
            and more starts may find a smaller ``lost``. Its size is the share.

    >>> import samdyn as sd
    >>> width = sd.analysis.TrapWidth(captured=0.49, lost=0.5, share=0.495)
    >>> width.lost - width.captured < 0.02
    True
    """

    captured: float
    lost: float
    share: float


@checked
def trap_half_width(map_: Map, point: CriticalPoint, largest: float, steps: int, *, rtol: float = 1e-4) -> TrapWidth:
    """Measure the distance along the most unstable direction up to which a saddle captures, as an interval.

    Starts lie, at rest, on a line from the point along the eigenvector of the lowest eigenvalue. A millionth of their
    distance along the highest one is added, because the line itself is invariant in symmetric landscapes. A start is
    captured if its run settles within ``largest`` of the point, at the saddle or at another resting point of the method
    near it, or if it ends in a ball that ``trapping_radius`` certifies. A start is lost if its run leaves the box of
    half-width 2 · largest; else it is open. Further starts refine the line between ``captured`` and ``lost``, until the
    two are close or only open starts lie between them.

    Args:
        map_: the iterates.
        point: a saddle of their landscape.
        largest: the largest distance, in the units of w; less than the distance to the next critical point.
        steps: the number of steps of each run.
        rtol: the relative width of the interval, in [1e-9, 1).

    Returns:
        The half-width lies between ``captured`` and ``lost``. The interval is wide if the runs were too short to
        decide. It is (0, 0, 0) if no start is captured, down to largest/2¹².

    Raises:
        InputError: ``largest`` is not finite and > 0, steps < 1, or rtol is out of its range.

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.landscapes.saddle(), sd.SAM(rho=0.5), lr=0.1)
    >>> (point,) = sd.critical_points(map_.landscape)
    >>> width = sd.analysis.trap_half_width(map_, point, largest=1.0, steps=200, rtol=0.01)
    >>> round(width.captured, 1), round(width.lost, 1)
    (0.5, 0.5)
    """
    return trap_half_widths([map_], point, largest, steps, rtol=rtol)[0]


@checked
def trap_half_widths(
    maps: Sequence[Map], point: CriticalPoint, largest: float, steps: int, *, rtol: float = 1e-4
) -> list[TrapWidth]:
    """Measure ``trap_half_width`` of many maps ``(m,)``; maps that differ in numbers alone run as one ensemble.

    >>> import samdyn as sd
    >>> maps = [sd.Map(sd.landscapes.saddle(), sd.SAM(rho=rho), lr=0.1) for rho in (0.2, 0.5)]
    >>> (point,) = sd.critical_points(maps[0].landscape)
    >>> widths = sd.analysis.trap_half_widths(maps, point, largest=1.0, steps=200, rtol=0.01)
    >>> [round(width.lost, 1) for width in widths]
    [0.2, 0.5]
    """
    rtol = checks.number("rtol", rtol, "must lie in [1e-9, 1)", "Use e.g. rtol=1e-4", lambda r: 1e-9 <= r < 1)
    trap_radii = trapping_radii(maps, point, largest, steps)
    searches = [_Search(largest, rtol) for _ in maps]
    while running := [i for i, search in enumerate(searches) if search.width is None]:
        lines = np.array([searches[i].distances for i in running])
        captured, lost = _outcomes([maps[i] for i in running], point, lines, trap_radii[running], largest, steps)
        for i, captured_starts, lost_starts in zip(running, captured, lost, strict=True):
            searches[i].narrow(captured_starts, lost_starts)
    return [search.width for search in searches if search.width is not None]


def _outcomes(
    maps: Sequence[Map], point: CriticalPoint, lines: np.ndarray, trap_radii: np.ndarray, largest: float, steps: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return whether each start on the maps' lines ``(m, k)`` is captured, and whether it is lost: ``(m, k)`` bool."""
    along, across = point.eigenvectors[:, 0], 1e-6 * point.eigenvectors[:, -1]
    box = [(c - 2 * largest, c + 2 * largest) for c in point.w]
    captured, lost = np.zeros((2, *lines.shape), dtype=bool)
    for members, together in stack(maps):
        starts = point.w + lines[members].reshape(-1, 1) * (along + across)
        many = repeat(together, lines.shape[1])
        runs = simulate(many, starts, steps, box=box, device=DEVICE, progress=False)
        shape = (len(members), -1)
        end, status = distances_from(point, runs.w.values[:, -1]).reshape(shape), runs.status.values.reshape(shape)
        in_trap = (end <= trap_radii[members, None]) | ((status == Status.SETTLED) & (end <= largest))
        captured[members] = in_trap
        lost[members] = ~in_trap & (status != Status.UNDECIDED) & (status != Status.SETTLED)
    return captured, lost


class _Search:
    """The search for the edge of one map's trap, on a line from the point.

    Attributes:
        distances: the distances of the next starts from the point, ``(k,)``.
        width: the result; None during the search.
    """

    def __init__(self, largest: float, rtol: float) -> None:
        self._largest, self._rtol = largest, rtol
        self._inner, self._outer, self._share = 0.0, np.inf, np.nan
        self.distances = np.linspace(0, largest, LINE_STARTS + 1)[1:]
        self.width: TrapWidth | None = None

    def narrow(self, captured: np.ndarray, lost: np.ndarray) -> None:
        """Choose the next starts, or set the width, from the outcomes of the last starts ``(k,)``."""
        share = float(captured.mean()) if np.isnan(self._share) else self._share
        before = self._inner, self._outer
        first_not = len(captured) if captured.all() else int(captured.argmin())
        inner = float(self.distances[first_not - 1]) if first_not else self._inner
        outer = float(self.distances[lost.argmax()]) if lost.any() else self._outer
        self._inner, self._outer, self._share = inner, outer, share
        unchanged = (inner, outer) == before
        if not inner and (outer < self._largest / 2**HALVINGS or unchanged):
            self.width = TrapWidth(0.0, 0.0, 0.0)
        elif np.isinf(outer) or outer - inner <= self._rtol * outer or unchanged:
            self.width = TrapWidth(inner, outer, share)
        else:
            self.distances = np.linspace(inner, outer, REFINEMENT_STARTS + 2)[1:-1]
