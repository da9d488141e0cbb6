"""Joins singular zeros of a gradient into connected sets, by paths that stay on critical points."""

import itertools

import numpy as np
import torch

from ....landscapes import Landscape
from ...trees import tree
from ..singular import descend_gradient, scaled_gradients, strengths

STEP_LENGTH = 0.02  # in units of the box; length of one step of a path
NEIGHBOURS = 8  # number of nearest neighbours of a point, to which the first paths go
CLOSEST_PAIRS = 3  # number of closest pairs of points between two parts, from which the last paths start
CORRECTIONS = 30  # number of iterations that bring a step back onto the set
ZERO_GRADIENT = 1e-7  # relative to the Hessian nearby times the box; a smaller ‖∇L‖ makes a point critical


def connected(landscape: Landscape, points: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return for each critical point ``(n, d)`` the number of the connected set that it lies on: ``(n,)``.

    Paths first join each point to those of its nearest neighbours that are in another part. Paths between the closest
    points of every two parts then join the parts.
    """
    from scipy.spatial.distance import cdist

    extent, n = high - low, len(points)
    loss = landscape.value(points.T).numpy()
    # The loss is constant along a path.
    level = 1e-6 * np.abs(loss).max() + 1e-9 * float(strengths(landscape, points, extent).max())
    links: list[tuple[int, int]] = []
    attempts: set[tuple[int, int]] = set()

    def join(pairs: list[tuple[int, int]]) -> None:
        new = [p for p in dict.fromkeys(pairs) if p not in attempts and abs(loss[p[0]] - loss[p[1]]) <= level]
        attempts.update(new)
        if new:
            start, end = np.array(new).T
            reaches_goal = reachable(landscape, points[start], points[end], low, high)
            links.extend(itertools.compress(new, reaches_goal))

    _, neighbours = tree(points / extent).query(points / extent, min(NEIGHBOURS + 1, n))
    for column in range(1, min(NEIGHBOURS + 1, n)):
        label = _parts(links, n)
        join([(i, j) for i, j in enumerate(neighbours[:, column].tolist()) if label[i] != label[j]])
    distance = cdist(points / extent, points / extent)
    before = -1
    while len(links) != before:
        before, label = len(links), _parts(links, n)
        pairs = []
        for a, b in itertools.combinations(np.unique(label), 2):
            first, second = (label == a).nonzero()[0], (label == b).nonzero()[0]
            closest = np.argsort(distance[np.ix_(first, second)], axis=None)[:CLOSEST_PAIRS]
            i, j = np.unravel_index(closest, (len(first), len(second)))
            pairs += list(zip(first[i].tolist(), second[j].tolist(), strict=True))
        join(pairs)
    return _parts(links, n)


def dimensions(landscape: Landscape, points: np.ndarray, extent: np.ndarray) -> np.ndarray:
    """Return the dimension of the set of critical points around each point ``(n, d)``, 0 for isolated points: ``(n,)``.

    The function displaces each point both ways along each axis and brings it back to the set. What remains of the
    displacements lies along the set; their rank is its dimension.
    """
    n, d = points.shape
    axes = np.concatenate([np.eye(d), -np.eye(d)])
    displaced = points[:, None] + STEP_LENGTH * extent * axes
    back, critical = _onto(landscape, displaced.reshape(-1, d), extent)
    displacement = (back.reshape(n, 2 * d, d) - points[:, None]) / (STEP_LENGTH * extent)
    near = critical.reshape(n, 2 * d, 1) & (np.linalg.norm(displacement, axis=2, keepdims=True) <= 2)
    sizes = np.linalg.svd(np.where(near, displacement, 0), compute_uv=False)
    return (sizes > 0.5).sum(axis=1)


def reachable(
    landscape: Landscape, start: np.ndarray, goal: np.ndarray, low: np.ndarray, high: np.ndarray
) -> np.ndarray:
    """Return whether a path from each critical point comes within a step of its goal: ``(n,)`` bool.

    A path stays on critical points in the box. Every step goes towards the goal, and then back onto the set. A step
    that lands far away, as on another set, or that comes no nearer, ends the path.
    """
    extent = high - low
    w, goal = start / extent, goal / extent
    at_goal = np.zeros(len(w), dtype=bool)
    running = np.arange(len(w))
    while len(running):
        away = goal[running] - w[running]
        length = np.linalg.norm(away, axis=1, keepdims=True)
        at_goal[running[length[:, 0] <= STEP_LENGTH]] = True
        distant = length[:, 0] > STEP_LENGTH
        running, away, length = running[distant], away[distant], length[distant]
        if not len(running):
            break
        ahead = (w[running] + STEP_LENGTH * away / length) * extent
        new, critical = _onto(landscape, ahead, extent)
        stride = np.linalg.norm(new / extent - w[running], axis=1)
        nearer = length[:, 0] - np.linalg.norm(goal[running] - new / extent, axis=1)
        inside = ((new >= low - STEP_LENGTH * extent) & (new <= high + STEP_LENGTH * extent)).all(axis=1)
        good = critical & inside & (stride <= 2 * STEP_LENGTH) & (nearer >= 0.2 * STEP_LENGTH)
        running = running[good]
        w[running] = new[good] / extent
    return at_goal


def _parts(links: list[tuple[int, int]], n: int) -> np.ndarray:
    """Return the number of the connected part of each of n points, from the links between them: ``(n,)``."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    ends = np.array(links, dtype=int).reshape(-1, 2).T
    label: np.ndarray = connected_components(coo_array((np.ones(len(links)), ends), shape=(n, n)), directed=False)[1]
    return label


def _onto(landscape: Landscape, w: np.ndarray, extent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bring points ``(n, d)`` onto a set of critical points nearby; return them and whether each is critical."""
    w = descend_gradient(landscape, torch.as_tensor(w.T), torch.as_tensor(extent), CORRECTIONS).T.numpy()
    return w, scaled_gradients(landscape, w, extent) <= ZERO_GRADIENT * strengths(landscape, w, extent)
