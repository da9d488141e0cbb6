"""Measures the set of starts around a saddle that it holds, along its escape directions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch

from ... import checks
from ...arguments import checked, for_any_map
from ...dynamics import Flow, Map
from ...dynamics.settings import per_run
from ...dynamics.stacking import stack
from ...methods import Method
from ..points.critical_points import CriticalPoint
from .edges import search
from .outcomes import Outcomes, outcomes

DIRECTIONS = 32  # number of directions if there are two escape directions or more
LEAST_STEPS = 8  # smallest number of steps of a run: its last two quarters are compared
SAME_REST = 0.02  # distance of two ends, in units of the largest start, up to which they count as one rest
SIGNIFICANT = 3.0  # number of standard errors below 1 from which on an exponent shows a fractal edge


class Share(NamedTuple):
    """A share with its standard error.

    >>> import samdyn as sd
    >>> sd.analysis.Share(0.94, 0.01).value
    0.94
    """

    value: float
    standard_error: float


@dataclass(frozen=True, eq=False)
class HeldSet:
    """The starts around a saddle whose runs it holds, along directions in the plane of its escape directions.

    A held run stays near for ever: at the saddle, or at another point within ``largest`` at which the method rests.

    Attributes:
        largest: the largest distance of a start, in the units of w.
        directions: unit vectors, ``(k, d)``: the two senses of a single escape direction, else directions all round.
        intervals: for every direction the intervals of distances that are held, ``(m, 2)``, in the units of w. Where
            the edge is fractal, finer intervals lie between them.
        brackets: for every direction the pairs of a held and a lost start that enclose an edge, ``(m, 2)``.
        inners: for every direction the largest distance of a held start up to which none was lost, ``(k,)``, in the
            units of w; 0 if there is none. With a fractal edge it is an upper bound: finer scans find nearer lost ones.
        outers: for every direction the smallest distance of a lost start from which on none was held, ``(k,)``, in the
            units of w; 0 if no start was held, inf if none was lost.
        exponent: the uncertainty exponent α. The share of starts that have another outcome at a distance ε grows as
            ε^α. It is 1 for edges that are points, also for several. Below 1 the edge is fractal: a start known to ten
            times more digits leaves only 10^−α times fewer starts uncertain. It is nan if too few starts are uncertain.
        exponent_error: its standard error; 0 if every edge is a single one down to the tolerance.
        rests: the points around which held runs are at their end, by falling share, ``(r, d)``, in the units of w. Runs
            that still converge are on their way.
        rest_shares: the shares of the held starts that end there, ``(r,)``.
        open: the share of the starts whose runs were too short to decide.
        radius: the method's ρ, in the units of w; 0 if it has none.
        spacing: the distance of neighbouring starts of the scan, in the units of w.

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.landscapes.saddle(), sd.SAM(rho=0.5, ascent_steps=2), lr=0.005)
    >>> (point,) = sd.critical_points(map_.landscape)
    >>> held = sd.analysis.held_set(map_, point, largest=1.0, duration=1000, starts=64)
    >>> round(held.inner, 3), round(held.outer, 3), held.fractal, round(held.share().value, 3)
    (0.5, 0.5, False, 1.0)
    >>> held.rests[:, 1].round(2).tolist()  # beside the saddle
    [0.25, -0.25]
    """

    largest: float
    directions: np.ndarray
    intervals: tuple[np.ndarray, ...]
    brackets: tuple[np.ndarray, ...]
    inners: np.ndarray
    outers: np.ndarray
    exponent: float
    exponent_error: float
    rests: np.ndarray
    rest_shares: np.ndarray
    open: float
    radius: float
    spacing: float

    @property
    def inner(self) -> float:
        """The least of ``inners``: the distance up to which no start was lost, in any direction."""
        return float(self.inners.min())

    @property
    def outer(self) -> float:
        """The largest of ``outers``: the distance beyond which no start was held, in any direction."""
        return float(self.outers.max())

    @property
    def fractal(self) -> bool:
        """Whether the uncertainty exponent is below 1, by three standard errors."""
        return bool(self.exponent + SIGNIFICANT * self.exponent_error < 1)

    def share(self, within: float | None = None) -> Share:
        """Return the share of the starts within a distance that is held: of a line, a disc or a ball.

        The standard error is that of the edges' brackets, or of a binomial if they are fractal, and for several escape
        directions that of the choice of the directions.

        Args:
            within: the distance, in the units of w, at most ``largest``. Default: the method's radius ρ.

        Raises:
            InputError: the distance is not in (0, largest], or there is none and the method has no radius.
        """
        if within is None and not 0 < self.radius <= self.largest:
            rule = f"the method's radius is {self.radius:g}, which is not in (0, {self.largest:g}]"
            checks.reject("within", within, rule, "Give a distance, e.g. within=0.1")
        limit = self.radius if within is None else within
        rule, fix = f"must lie in (0, {self.largest:g}], the range of the starts", "Use a larger ``largest``"
        limit = checks.number("within", limit, rule, fix, lambda r: 0 < r <= self.largest)
        power = int(np.linalg.matrix_rank(self.directions))  # number of escape directions
        shares = np.array([np.ptp(np.minimum(of_one / limit, 1) ** power, axis=1).sum() for of_one in self.intervals])
        value = float(shares.mean())
        brackets = np.concatenate(self.brackets)
        low, high = np.minimum(brackets / limit, 1).T ** power
        variance = float(((high - low) ** 2).sum()) / 12 / len(shares) ** 2  # an edge lies anywhere in its bracket
        if self.exponent_error != 0:  # nan too
            # The two senses of one direction may mirror each other, and count as one.
            variance += value * (1 - value) / max(1.0, limit / self.spacing * len(shares) / 2)
        if power == 2:  # directions at equal angles: every second one alone, against the others
            variance += (shares[::2].mean() - shares[1::2].mean()) ** 2 / 4
        elif power > 2:
            variance += shares.var(ddof=1) / len(shares)
        return Share(value, float(np.sqrt(variance)))

    def __str__(self) -> str:
        text = f"held within {self.inner:.4g}, none beyond {self.outer:.4g}"
        if self.open:
            text += f" ({100 * self.open:.2g} % open)"
        if self.fractal:
            text += f", fractal edge (exponent {self.exponent:.2f} ± {self.exponent_error:.2f})"
        if 0 < self.radius <= self.largest:
            text += f"; {100 * self.share().value:.1f} % within ρ"
        return text


@checked
@for_any_map
def held_set(
    system: Map | Flow,
    point: CriticalPoint,
    largest: float,
    duration: float,
    *,
    starts: int = 512,
    rtol: float = 1e-4,
    seed: int = 0,
) -> HeldSet:
    """Measure the set of starts around a saddle that it holds.

    Starts lie, at rest, along the two senses of the escape direction, or in 32 directions of the plane or space of
    several. A millionth of their distance along the highest eigenvector is added, because the escape directions are
    invariant in symmetric landscapes.

    A run is lost if it leaves the box of half-width 2 · largest, or ends farther than ``largest``. It is held if it
    stays nearer in the second half of its time and does not drift outward there. Slow passage drifts, at any speed. A
    run of a map that drifts runs longer, up to 8 times as long, and is then open.

    Every edge between held and lost starts is refined. If there are more edges in it, the nearest lost start and the
    farthest held one are refined instead, and the uncertainty exponent is measured from pairs of starts at distances
    from 1/30 to 10⁻⁶ of the range.

    Args:
        system: the iterates, or the flow, of any method.
        point: a saddle or a maximum of their landscape.
        largest: the largest distance of a start, in the units of w; less than the distance to the next critical point,
            or runs that end there count as held.
        duration: the number of steps of a map's runs, or the time t = kη of a flow's.
        starts: the number of starts along every direction in the first scan. An edge pair closer than
            largest/starts may be missed. A flow that slides takes seconds: give it few.
        rtol: the relative width of an edge, in [1e-9, 1).
        seed: the seed of random directions and pairs.

    Returns:
        The held set. It is empty for a method that holds nothing, as gradient descent.

    Raises:
        InputError: the point has no escape direction, the map has noise or settings per run, or a number is out of its
            range.

    Source: the uncertainty exponent is that of [GM83].

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.landscapes.saddle(), sd.SAM(rho=0.5), lr=0.1)
    >>> (point,) = sd.critical_points(map_.landscape)
    >>> print(sd.analysis.held_set(map_, point, largest=1.0, duration=200, starts=64))
    held within 0.5, none beyond 0.5; 100.0 % within ρ
    """
    return held_sets([system], point, largest, duration, starts=starts, rtol=rtol, seed=seed)[0]


@checked
@for_any_map
def held_sets(
    systems: Sequence[Map | Flow],
    point: CriticalPoint,
    largest: float,
    duration: float,
    *,
    starts: int = 512,
    rtol: float = 1e-4,
    seed: int = 0,
) -> list[HeldSet]:
    """Measure ``held_set`` of many maps or flows ``(m,)``; maps that differ in numbers alone run as one ensemble.

    >>> import samdyn as sd
    >>> maps = [sd.Map(sd.landscapes.saddle(), sd.SAM(rho=rho), lr=0.1) for rho in (0.2, 0.5)]
    >>> (point,) = sd.critical_points(maps[0].landscape)
    >>> [round(held.outer, 3) for held in sd.analysis.held_sets(maps, point, largest=1.0, duration=200, starts=64)]
    [0.2, 0.5]
    """
    if not point.index:
        rule = f"is a {point.kind}: its Hessian has no negative eigenvalue, so that no direction leads away"
        checks.reject("point", point.w.tolist(), rule, "Give a saddle")
    largest = checks.positive("largest", largest, "Use half the distance to the next critical point")
    duration = checks.positive("duration", duration, "Use e.g. duration=3000")
    starts = checks.count("starts", starts, "Use e.g. starts=512")
    rtol = checks.number("rtol", rtol, "must lie in [1e-9, 1)", "Use e.g. rtol=1e-4", lambda r: 1e-9 <= r < 1)
    for system in systems:
        checks.no_formula(system, "a simulation needs a number")
        if several := per_run(system):
            name = next(iter(several))[-1]
            checks.reject(name, several, "has one value per run", "Use held_sets with one map per value")
        if isinstance(system, Map):
            system.refuse_noise()
            if system.is_random:
                rule = "its steps draw random numbers, and what is held differs from run to run"
                checks.reject("method", system.method, rule, "Use one that draws none")
            if duration < LEAST_STEPS or duration % 1:
                rule = f"a map's runs take a whole number of steps, at least {LEAST_STEPS}"
                checks.reject("duration", duration, rule, "Use e.g. duration=3000")
    directions = _directions(point, seed)
    searches = [search(len(directions), largest, starts, rtol, seed) for _ in systems]
    requests: dict[int, Any] = {i: next(one) for i, one in enumerate(searches)}
    found: dict[int, HeldSet] = {}
    while requests:
        answers = _answers(systems, requests, point, directions, largest, duration)
        requests = {}
        for i, runs in answers.items():
            try:
                requests[i] = searches[i].send(runs)
            except StopIteration as end:
                found[i] = _held_set(systems[i], point, largest, directions, starts, end.value)
    return [found[i] for i in range(len(systems))]


def _directions(point: CriticalPoint, seed: int) -> np.ndarray:
    """Return unit vectors ``(k, d)`` in the space of the escape directions."""
    space = point.eigenvectors[:, : point.index].T
    if point.index == 1:
        return np.vstack([space, -space])
    if point.index == 2:  # none along an eigenvector, which is invariant in symmetric landscapes
        angle = 2 * np.pi * (np.arange(DIRECTIONS) + 0.5) / DIRECTIONS
        return np.column_stack([np.cos(angle), np.sin(angle)]) @ space
    random = np.random.default_rng(seed).standard_normal((DIRECTIONS, point.index))
    return random / np.linalg.norm(random, axis=1, keepdims=True) @ space


def _answers(
    systems: Sequence[Map | Flow],
    requests: dict[int, Any],
    point: CriticalPoint,
    directions: np.ndarray,
    largest: float,
    duration: float,
) -> dict[int, Outcomes]:
    """Run the starts that the searches ask for, of maps that differ in numbers alone at once."""
    groups: list[tuple[list[int], Map | Flow]] = [([i], systems[i]) for i in requests if isinstance(systems[i], Flow)]
    numbered = [(i, one) for i, one in enumerate(systems) if i in requests and isinstance(one, Map)]
    groups += [([numbered[m][0] for m in members], both) for members, both in stack([map_ for _, map_ in numbered])]
    answers: dict[int, Outcomes] = {}
    for members, together in groups:
        counts = [len(requests[i][0]) for i in members]
        offsets = np.concatenate([directions[requests[i][0]] * requests[i][1][:, None] for i in members])
        setting = torch.arange(len(members)).repeat_interleave(torch.tensor(counts))
        runs = outcomes(together, setting, point, offsets, largest, duration)
        ends = np.cumsum([0, *counts])
        answers |= {i: runs[low:high] for i, low, high in zip(members, ends[:-1], ends[1:], strict=True)}
    return answers


def _held_set(
    system: Map | Flow, point: CriticalPoint, largest: float, directions: np.ndarray, starts: int, found: Any
) -> HeldSet:
    scan, method = found.scan, system.method
    centers, shares = _rests(scan, SAME_REST * largest)
    return HeldSet(
        largest=largest,
        directions=directions,
        intervals=tuple(ray.intervals for ray in found.rays),
        brackets=tuple(ray.brackets for ray in found.rays),
        inners=np.array([ray.inner for ray in found.rays]),
        outers=np.array([ray.outer for ray in found.rays]),
        exponent=found.exponent,
        exponent_error=found.exponent_error,
        rests=centers,
        rest_shares=shares,
        open=float((~scan.held & ~scan.lost).mean()),
        radius=float(method.radius) if isinstance(method, Method) else 0.0,
        spacing=largest / starts,
    )


def _rests(runs: Outcomes, same: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the points around which held runs stay, ``(r, d)``, and the shares of the runs, ``(r,)``, falling."""
    center, extent = runs.center[runs.held], runs.extent[runs.held]
    centers, shares = [np.empty((0, center.shape[1]))], []
    left = np.ones(len(center), dtype=bool)
    while left.any():
        first = int(np.argmax(left))
        near = left & (np.linalg.norm(center - center[first], axis=1) <= np.maximum(same, extent[first]))
        centers.append(center[near].mean(0)[None])
        shares.append(near.sum() / len(center))
        left &= ~near
    order = np.argsort(-np.array(shares), kind="stable")
    return np.concatenate(centers)[order], np.array(shares)[order]
