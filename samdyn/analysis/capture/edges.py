"""Searches the edges of a held set along directions from a critical point."""

from collections.abc import Generator
from dataclasses import dataclass, field

import numpy as np

from ...statistics.slopes import exponent
from .outcomes import Outcomes

SMALLEST = 6  # number of halvings from the first start of a regular scan to the smallest
PARTS = 8  # number of parts into which a round divides every bracket of an edge
MANY = 16  # number of edges per direction from which on they are no longer refined one by one
FINE = 4  # number of starts of a finer scan, and of pairs at a distance, over the number of the first scan
ROUNDS = 12  # largest number of scans for lost starts nearer to the point
PAIR_DISTANCES = 10.0 ** -np.arange(1.5, 6.1, 0.5)  # distances of the pairs, in units of the range of the starts
LEAST_HITS = 10  # number of pairs with different outcomes that a distance needs to count

Requests = tuple[np.ndarray, np.ndarray]  # indices of directions and distances from the point, (n,) each


@dataclass
class Ray:
    """The starts along one direction, by ascending distance.

    Attributes:
        distances: ``(n,)``, in the units of w.
        outcome: ``(n,)``: 1 for a held start, −1 for a lost one, 0 for an open one.
    """

    distances: np.ndarray = field(default_factory=lambda: np.empty(0))
    outcome: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=int))

    def add(self, distances: np.ndarray, outcome: np.ndarray) -> None:
        """Insert starts."""
        every = np.concatenate([self.distances, distances])
        order = np.argsort(every, kind="stable")
        self.distances, self.outcome = every[order], np.concatenate([self.outcome, outcome])[order]

    @property
    def brackets(self) -> np.ndarray:
        """The pairs of distances that enclose an edge, ``(m, 2)``; between them lie open starts at most."""
        decided = self.outcome != 0
        at, kind = self.distances[decided], self.outcome[decided]
        (change,) = np.nonzero(np.diff(kind))
        return np.column_stack([at[change], at[change + 1]])

    @property
    def inner(self) -> float:
        """The largest distance of a held start up to which no start was lost; 0 if there is none."""
        nearer = self.distances < np.min(self.distances[self.outcome == -1], initial=np.inf)
        return float(np.max(self.distances[nearer & (self.outcome == 1)], initial=0.0))

    @property
    def outer(self) -> float:
        """The smallest distance of a lost start from which on none was held; 0 if none was held, inf if none lost."""
        if not (self.outcome == 1).any():
            return 0.0
        farther = self.distances > np.max(self.distances[self.outcome == 1])
        return float(np.min(self.distances[farther & (self.outcome == -1)], initial=np.inf))

    @property
    def intervals(self) -> np.ndarray:
        """The held intervals of distances, ``(m, 2)``, whose ends are the middles of the brackets."""
        decided = self.outcome[self.outcome != 0]
        if not len(decided):
            return np.empty((0, 2))
        ends = self.brackets.mean(1)
        ends = np.concatenate(
            [[0.0] if decided[0] == 1 else [], ends, [self.distances[-1]] if decided[-1] == 1 else []]
        )
        return ends.reshape(-1, 2)


@dataclass
class Search:
    """What a search found.

    Attributes:
        rays: the starts along every direction.
        scan: the outcomes of the regular scan, direction by direction, ``(k · starts,)``.
        simple: whether no bracket of an edge had more edges in it.
        exponent, exponent_error: the uncertainty exponent and its standard error.
    """

    rays: list[Ray]
    scan: Outcomes
    simple: bool = True
    exponent: float = 1.0
    exponent_error: float = 0.0


def search(
    directions: int, largest: float, starts: int, rtol: float, seed: int
) -> Generator[Requests, Outcomes, Search]:
    """Yield starts and receive their outcomes, until the edges are as sharp as ``rtol``; return what was found."""
    regular = np.linspace(0, largest, starts + 1)[1:]
    small = regular[0] / 2.0 ** np.arange(SMALLEST, 0, -1)
    every = np.arange(directions)
    scan = yield np.repeat(every, starts), np.tile(regular, directions)
    near = yield np.repeat(every, SMALLEST), np.tile(small, directions)
    rays = [Ray() for _ in every]
    _add(rays, np.repeat(every, starts), np.tile(regular, directions), scan)
    _add(rays, np.repeat(every, SMALLEST), np.tile(small, directions), near)
    result = Search(rays, scan)
    edges = _edges(rays)
    result.simple = edges <= MANY * directions
    while result.simple and len((request := _refinement(rays, rtol, [slice(None)]))[0]):
        before = [ray.brackets for ray in rays]
        _add(rays, *request, (yield request))
        result.simple = _edges(rays) == edges
        if all(np.array_equal(old, ray.brackets) for old, ray in zip(before, rays, strict=True)):
            break  # only open starts lie between the ends of the brackets
    if not result.simple:
        yield from _ends(rays, starts, rtol, small[0])
        result.exponent, result.exponent_error = yield from _exponent(rays, largest, FINE * starts, seed)
    return result


def _edges(rays: list[Ray]) -> int:
    return sum(len(ray.brackets) for ray in rays)


def _add(rays: list[Ray], indices: np.ndarray, distances: np.ndarray, runs: Outcomes) -> None:
    outcome = runs.held.astype(int) - runs.lost
    for index in np.unique(indices):
        rays[index].add(distances[indices == index], outcome[indices == index])


def _refinement(rays: list[Ray], rtol: float, which: list[slice]) -> Requests:
    """Return starts that divide the brackets that are wider than ``rtol`` of their distance."""
    shares = np.arange(1, PARTS) / PARTS
    indices, distances = [np.empty(0, dtype=int)], [np.empty(0)]
    for index, ray in enumerate(rays):
        brackets = ray.brackets
        chosen = np.unique(np.concatenate([np.arange(len(brackets))[part] for part in which]))
        low, high = brackets[chosen].T
        wide = high - low > rtol * high
        new = (low[wide, None] + shares * (high - low)[wide, None]).ravel()
        indices.append(np.full(len(new), index))
        distances.append(new)
    return np.concatenate(indices), np.concatenate(distances)


def _ends(rays: list[Ray], starts: int, rtol: float, small: float) -> Generator[Requests, Outcomes, None]:
    """Look for lost starts nearer to the point, and sharpen the last edge of every direction."""
    for _ in range(ROUNDS):
        inner = [(index, ray.inner) for index, ray in enumerate(rays) if ray.inner > small]
        if not inner:
            break
        request = (
            np.concatenate([np.full(FINE * starts, index) for index, _ in inner]),
            np.concatenate([np.linspace(0, end, FINE * starts + 2)[1:-1] for _, end in inner]),
        )
        _add(rays, *request, (yield request))
        if all(rays[index].inner == end for index, end in inner):
            break
    for _ in range(ROUNDS):
        request = _refinement(rays, rtol, [slice(0, 1), slice(-1, None)])
        if not len(request[0]):
            break
        _add(rays, *request, (yield request))


def _exponent(
    rays: list[Ray], largest: float, pairs: int, seed: int
) -> Generator[Requests, Outcomes, tuple[float, float]]:
    """Measure the slope of log f against log ε; f is the fraction of starts with another outcome a distance ε away."""
    import xarray as xr

    rng = np.random.default_rng(seed)
    reach = min(largest, max(ray.outer for ray in rays))
    distances = reach * PAIR_DISTANCES
    shares = np.full(len(distances), np.nan)
    for i, apart in enumerate(distances):
        near = rng.uniform(0, reach, pairs)
        direction = rng.integers(len(rays), size=pairs)
        runs = yield np.tile(direction, 2), np.concatenate([near, near + apart])
        one, other = runs[:pairs], runs[pairs:]
        differs = (one.held & other.lost) | (one.lost & other.held)
        hits = int(differs.sum())
        if hits < LEAST_HITS:
            break
        shares[i] = hits / pairs
    known = np.isfinite(shares)
    if known.sum() < 3:
        return np.nan, np.nan
    f = xr.DataArray(shares[known], dims="distance", coords={"distance": distances[known]})
    slope, error = exponent(f, "distance", (f * (1 - f) / pairs) ** 0.5)
    return float(slope), float(error)
