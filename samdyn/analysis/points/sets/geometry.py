"""The geometry of a set of critical points: tangents, charts, nearest points, even samples and extremes along it.

Across the set the Hessian must be regular, so that its kernel is the tangent space (a Morse–Bott set). Lengths are in
the units of w unless the text says otherwise.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from .... import checks
from ....landscapes import Landscape
from ..singular import scaled_gradients, strengths

CORRECTIONS = 12  # number of Newton steps across the set
ZERO_GRADIENT = 1e-7  # relative to the Hessian nearby times the box; a smaller ‖∇L‖ makes a point critical
CHART_STEPS = 16  # number of steps from the origin of a chart to a point of it
APPROACHES = 100  # number of steps along the set towards the nearest point
MIN_DECREASE = 0.25  # decrease of the squared distance over that which the slope predicts; less is overshooting
WALKS = 5  # number of rounds of random steps that spread a sample
WALKERS = 256  # number of points that take a step in a round
WALK_LENGTH = 0.05  # in units of the box; length of such a step
FIRST_STEP, LAST_STEP = 0.1, 1e-7  # in units of the box; first and last step of the search for an extreme
RANDOM_DIRECTIONS = 8  # number of random directions in which a round of it looks, besides the axes of the tangent space
SEARCHES = 2  # number of points of the sample from which an extreme is searched


@dataclass(frozen=True, eq=False)
class Chart:
    """Coordinates on a set of critical points: w(t) is the point of the set above t in a tangent space.

    Attributes:
        origin: the point of the set at t = 0, ``(d,)``.
        tangents: k unit vectors that span the tangent space there, in the columns, ``(d, k)``.

    >>> import samdyn as sd
    >>> (circle,) = sd.critical_points(sd.Landscape("(x**2 + y**2 - 1)**2", "x y")).sets
    >>> chart = circle.chart((1, 0))
    >>> chart([0.6]).round(6).tolist(), chart.tangents.T @ (chart([0.6]) - chart.origin)
    ([0.8, -0.6], array([0.6]))
    """

    origin: np.ndarray
    tangents: np.ndarray
    _landscape: Landscape
    _extent: np.ndarray

    def __call__(self, t: object) -> np.ndarray:
        """Return the points w(t), with tangentsᵀ(w(t) − origin) = t: ``(…, k) -> (…, d)``, NaN where there is none.

        The set is followed from the origin in straight steps of t, with Newton's method across.

        Raises:
            InputError: the last axis of t has another length than the set has dimensions.
        """
        given = np.asarray(t, dtype=float)
        d, k = self.tangents.shape
        if given.shape[-1:] != (k,):
            checks.reject("t", given.shape, f"must be (…, {k}): the set has dimension {k}", f"Give {k} coordinate(s)")
        flat = given.reshape(-1, k)
        tangents = np.broadcast_to(self.tangents, (len(flat), d, k))
        w = np.broadcast_to(self.origin, (len(flat), d))
        ahead = flat @ self.tangents.T / CHART_STEPS
        for _ in range(CHART_STEPS):
            w = across(self._landscape, w + ahead, tangents)
        on_set = critical(self._landscape, w, self._extent)
        return np.where(on_set[:, None], w, np.nan).reshape(*given.shape[:-1], d)


def hessians(landscape: Landscape, w: np.ndarray) -> np.ndarray:
    """Return the Hessians at points ``(n, d)``, 0 where they are not finite: ``(n, d, d)``."""
    return np.nan_to_num(np.moveaxis(landscape.hessian(w.T).numpy(), -1, 0), nan=0, posinf=0, neginf=0)


def critical(landscape: Landscape, w: np.ndarray, extent: np.ndarray) -> np.ndarray:
    """Return which points ``(n, d)`` are critical: ``(n,)`` bool."""
    finite = np.isfinite(w).all(axis=1)
    result = np.zeros(len(w), dtype=bool)
    if finite.any():
        some = w[finite]
        limit = ZERO_GRADIENT * strengths(landscape, some, extent)
        result[finite] = scaled_gradients(landscape, some, extent) <= limit
    return result


def tangents_at(landscape: Landscape, w: np.ndarray, dimension: int) -> np.ndarray:
    """Return unit vectors that span the tangent space at points ``(n, d)`` of a set: ``(n, d, k)``."""
    eigenvalues, vectors = np.linalg.eigh(hessians(landscape, w))
    flattest = np.argsort(np.abs(eigenvalues), axis=1)[:, None, :dimension]
    return np.take_along_axis(vectors, np.broadcast_to(flattest, (len(w), w.shape[1], dimension)), axis=2)


def across(landscape: Landscape, w: np.ndarray, tangents: np.ndarray) -> np.ndarray:
    """Bring points ``(n, d)`` onto the set by Newton's method across tangent spaces ``(n, d, k)``: ``(n, d)``."""
    normals = np.linalg.svd(tangents)[0][:, :, tangents.shape[2] :]
    for _ in range(CORRECTIONS):
        slope = np.einsum("nij,in->nj", normals, landscape.grad(torch.as_tensor(w.T.copy())).numpy())
        curvature = np.einsum("nij,nik,nkl->njl", normals, hessians(landscape, w), normals)
        # A singular matrix gives a step that is not finite; the point is then not critical.
        step = torch.linalg.solve_ex(torch.as_tensor(curvature), torch.as_tensor(slope))[0].numpy()
        w = w - np.einsum("nij,nj->ni", normals, step)
        lengths = np.abs(step)
        if not (lengths[np.isfinite(lengths)] > 1e-15 * np.abs(w[np.isfinite(w)]).max(initial=1)).any():
            break
    return w


def nearest(
    landscape: Landscape, points: np.ndarray, sample: np.ndarray, dimension: int, extent: np.ndarray
) -> np.ndarray:
    """Return the points of a set that are nearest to others ``(n, d)``, from the nearest ones of a sample: ``(n, d)``.

    Each step goes along the tangent space towards the foot of the perpendicular, and back onto the set. A step that
    leads little nearer is halved, and after one that does the next is doubled, as the set may bend towards the point.
    """
    away = np.linalg.norm(points[:, None] - sample, axis=2)
    w, distance = sample[away.argmin(axis=1)], away.min(axis=1)
    share = np.ones(len(points))
    for _ in range(APPROACHES):
        tangents = tangents_at(landscape, w, dimension)
        slope = np.einsum("nij,nkj,nk->ni", tangents, tangents, points - w)
        step = slope * share[:, None]
        length, longest = np.linalg.norm(step, axis=1), WALK_LENGTH * extent.min()
        if length.max(initial=0) <= 1e-14 * extent.max():
            break
        is_short = length < longest
        step *= np.minimum(1, longest / np.maximum(length, 1e-300))[:, None]
        new = across(landscape, w + step, tangents)
        new_distance = np.linalg.norm(points - new, axis=1)
        enough = MIN_DECREASE * 2 * (step * slope).sum(axis=1)
        nearer = critical(landscape, new, extent) & (distance**2 - new_distance**2 >= enough)
        w, distance = np.where(nearer[:, None], new, w), np.where(nearer, new_distance, distance)
        share = np.where(nearer & is_short, 2 * share, np.where(nearer, share, share / 2))
    return w


def spread(
    landscape: Landscape, points: np.ndarray, dimension: int, low: np.ndarray, high: np.ndarray, count: int
) -> np.ndarray:
    """Return ``count`` points spread evenly over a set in a box, by random walks on it from some points ``(n, d)``.

    Of all points that the walks met, the one farthest from those chosen so far is chosen next.
    """
    rng, extent, pool = np.random.default_rng(0), high - low, points
    for _ in range(WALKS):
        w = pool[rng.choice(len(pool), min(WALKERS, len(pool)), replace=False)]
        step = WALK_LENGTH * random_tangents(rng, tangents_at(landscape, w, dimension), extent)
        new = across(landscape, w + step, tangents_at(landscape, w, dimension))
        near = np.linalg.norm((new - w - step) / extent, axis=1) <= WALK_LENGTH / 2
        inside = ((new >= low) & (new <= high)).all(axis=1)
        pool = np.concatenate([pool, new[near & inside & critical(landscape, new, extent)]])
    chosen = [0]
    distance = np.linalg.norm((pool - pool[0]) / extent, axis=1)
    while len(chosen) < min(count, len(pool)):
        chosen.append(int(distance.argmax()))
        distance = np.minimum(distance, np.linalg.norm((pool - pool[chosen[-1]]) / extent, axis=1))
    return pool[chosen]


def random_tangents(rng: np.random.Generator, tangents: np.ndarray, extent: np.ndarray) -> np.ndarray:
    """Return a random tangent vector of length 1, in units of the box, for each tangent space ``(n, d, k)``."""
    step = np.einsum("nij,nj->ni", tangents, rng.standard_normal((len(tangents), tangents.shape[2])))
    return step / np.linalg.norm(step / extent, axis=1, keepdims=True)


def least(
    function: Callable[[np.ndarray], np.ndarray],
    landscape: Landscape,
    sample: np.ndarray,
    dimension: int,
    low: np.ndarray,
    high: np.ndarray,
) -> np.ndarray:
    """Return the point of a set in a box at which a function ``(n, d) -> (n,)`` is least, as far as a search finds it.

    From the best points of a sample the search looks along the axes of the tangent space and in random directions, and
    halves its step where none is better.
    """
    rng, extent = np.random.default_rng(0), high - low
    starts = sample[np.argsort(function(sample))[:SEARCHES]]
    best, value = starts[0], np.inf
    for start in starts:
        w, here, step = start, float(function(start[None])[0]), FIRST_STEP
        while step > LAST_STEP:
            tangents = tangents_at(landscape, w[None], dimension)
            axes = np.concatenate([tangents[0].T, -tangents[0].T]) * extent.min()
            some = random_tangents(rng, np.repeat(tangents, RANDOM_DIRECTIONS, 0), extent)
            ahead = w + step * np.concatenate([axes, some])
            new = across(landscape, ahead, np.repeat(tangents, len(ahead), 0))
            good = critical(landscape, new, extent) & ((new >= low) & (new <= high)).all(axis=1)
            values = np.where(good, function(np.where(good[:, None], new, w)), np.inf)
            first = int(values.argmin())
            if values[first] < here:
                w, here = new[first], float(values[first])
            else:
                step /= 2
        if here < value:
            best, value = w, here
    return best
