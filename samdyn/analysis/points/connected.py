"""Which singular zeros of a gradient hang together: those between which one can walk along critical points."""

import itertools

import numpy as np
import torch

from ...landscapes import Landscape
from ..trees import tree
from .singular import descend_gradient, scaled_gradients, strengths

STRIDE = 0.02  # of the box: the length of one step of a walk
NEIGHBOURS = 8  # of a point, to which walks are tried first
BRIDGES = 3  # closest pairs between two parts, which are tried last
CORRECTIONS = 30  # iterations that bring a step back onto the set
ON_IT = 1e-7  # a point is critical if ‖∇L‖ is below this, relative to the Hessian nearby times the box


def connected(landscape: Landscape, points: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return for each critical point ``(n, d)`` the number of the connected set of critical points it belongs to: (n,).

    Each point is joined to its nearest neighbours, as long as they are not in one part yet, and at last parts are
    joined at their closest points.
    """
    from scipy.spatial.distance import cdist

    extent, n = high - low, len(points)
    loss = landscape.value(points.T).numpy()
    # Along a walk the loss is constant.
    level = 1e-6 * np.abs(loss).max() + 1e-9 * float(strengths(landscape, points, extent).max())
    links: list[tuple[int, int]] = []
    tried: set[tuple[int, int]] = set()

    def join(pairs: list[tuple[int, int]]) -> None:
        new = [p for p in dict.fromkeys(pairs) if p not in tried and abs(loss[p[0]] - loss[p[1]]) <= level]
        tried.update(new)
        if new:
            start, end = np.array(new).T
            arrived = reachable(landscape, points[start], points[end], low, high)
            links.extend(itertools.compress(new, arrived))

    _, near = tree(points / extent).query(points / extent, min(NEIGHBOURS + 1, n))
    for column in range(1, min(NEIGHBOURS + 1, n)):
        label = _parts(links, n)
        join([(i, j) for i, j in enumerate(near[:, column].tolist()) if label[i] != label[j]])
    distance = cdist(points / extent, points / extent)
    before = -1
    while len(links) != before:
        before, label = len(links), _parts(links, n)
        pairs = []
        for a, b in itertools.combinations(np.unique(label), 2):
            first, second = (label == a).nonzero()[0], (label == b).nonzero()[0]
            closest = np.argsort(distance[np.ix_(first, second)], axis=None)[:BRIDGES]
            i, j = np.unravel_index(closest, (len(first), len(second)))
            pairs += list(zip(first[i].tolist(), second[j].tolist(), strict=True))
        join(pairs)
    return _parts(links, n)


def dimensions(landscape: Landscape, points: np.ndarray, extent: np.ndarray) -> np.ndarray:
    """Return the dimension of the set of critical points around each of some ``(n, d)``, 0 if it is isolated: (n,).

    Displacements both ways along each axis are brought back to the set, which leaves of them what is along the set.
    """
    n, d = points.shape
    axes = np.concatenate([np.eye(d), -np.eye(d)])
    displaced = points[:, None] + STRIDE * extent * axes
    back, critical = _onto(landscape, displaced.reshape(-1, d), extent)
    moved = (back.reshape(n, 2 * d, d) - points[:, None]) / (STRIDE * extent)
    near = critical.reshape(n, 2 * d, 1) & (np.linalg.norm(moved, axis=2, keepdims=True) <= 2)
    sizes = np.linalg.svd(np.where(near, moved, 0), compute_uv=False)
    return (sizes > 0.5).sum(axis=1)


def reachable(
    landscape: Landscape, start: np.ndarray, goal: np.ndarray, low: np.ndarray, high: np.ndarray
) -> np.ndarray:
    """Say from which critical points one can walk to within a step of a goal, along critical points in the box: (n,).

    Every step goes towards the goal, and then back onto the set. A step that is thrown far, as onto another set, or
    comes no nearer, ends the walk.
    """
    extent = high - low
    w, goal = start / extent, goal / extent
    arrived = np.zeros(len(w), dtype=bool)
    walking = np.arange(len(w))
    while len(walking):
        away = goal[walking] - w[walking]
        length = np.linalg.norm(away, axis=1, keepdims=True)
        arrived[walking[length[:, 0] <= STRIDE]] = True
        going = length[:, 0] > STRIDE
        walking, away, length = walking[going], away[going], length[going]
        if not len(walking):
            break
        ahead = (w[walking] + STRIDE * away / length) * extent
        new, critical = _onto(landscape, ahead, extent)
        moved = np.linalg.norm(new / extent - w[walking], axis=1)
        nearer = length[:, 0] - np.linalg.norm(goal[walking] - new / extent, axis=1)
        inside = ((new >= low - STRIDE * extent) & (new <= high + STRIDE * extent)).all(axis=1)
        good = critical & inside & (moved <= 2 * STRIDE) & (nearer >= 0.2 * STRIDE)
        walking = walking[good]
        w[walking] = new[good] / extent
    return arrived


def _parts(links: list[tuple[int, int]], n: int) -> np.ndarray:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    ends = np.array(links, dtype=int).reshape(-1, 2).T
    label: np.ndarray = connected_components(coo_array((np.ones(len(links)), ends), shape=(n, n)), directed=False)[1]
    return label


def _onto(landscape: Landscape, w: np.ndarray, extent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bring points ``(n, d)`` onto a set nearby; say which then are critical."""
    w = descend_gradient(landscape, torch.as_tensor(w.T), torch.as_tensor(extent), CORRECTIONS).T.numpy()
    return w, scaled_gradients(landscape, w, extent) <= ON_IT * strengths(landscape, w, extent)
