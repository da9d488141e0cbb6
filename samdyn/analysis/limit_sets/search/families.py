"""Groups resting points and cycles into continua, such as the 2-cycles around a round minimum."""

import numpy as np
import torch

from ....ops import jacobian
from ....simulation.settling import FLAT, Function
from ...trees import tree

NEIGHBOURS = 4  # number of neighbouring points, besides those of its own orbit, to which a point may be joined first
PATH_STEPS = 24  # number of steps of a path from member to member
APPROACH_STEPS = 6  # number of further steps of its last approach
NEWTON_STEPS = 2  # number of Newton steps back to the continuum after each step
MAX_PAIRED_FAMILIES = 12  # number of continua up to which paths are tried between all their pairs


def neutral_directions(residual: Function, z: torch.Tensor) -> np.ndarray:
    """Return the dimension of the residual's kernel at zeros ``(D, n)``: the directions along a continuum, ``(n,)``."""
    singular = torch.linalg.svdvals(jacobian(residual, z).movedim(2, 0))
    return (singular <= FLAT * singular[:, :1]).sum(1).numpy()


def families(residual: Function, orbits: torch.Tensor, scale: np.ndarray, same: float) -> np.ndarray:
    """Return which cycles belong to one continuum: a path along the continuum joins them.

    A step of a path goes towards the other member, along the directions in which the residual does not change. Newton's
    method then leads back to a zero of the residual.

    Args:
        residual: the displacement of z by p steps, which is zero on every cycle; or a velocity, with p = 1.
        orbits: the points of n cycles in order, ``(p, D, n)``.
        scale: the unit of distances along each coordinate, ``(D,)``.
        same: the distance, in this unit, at which a path ends at its goal.

    Returns:
        The number of its family for every cycle, ``(n,)``, from 0.
    """
    first, copy = _distinct(orbits.numpy() / scale[:, None], same)
    return _family_numbers(residual, orbits[:, :, first], scale, same)[copy]


def _distinct(places: np.ndarray, same: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices of the distinct cycles among ``(p, D, n)``, and for each cycle the one that it copies."""
    keys = [sorted(map(tuple, cycle)) for cycle in np.round(places / same).transpose(2, 0, 1).tolist()]
    _, first, copy = np.unique(np.array(keys).reshape(len(keys), -1), axis=0, return_index=True, return_inverse=True)
    return first, copy


def _family_numbers(residual: Function, orbits: torch.Tensor, scale: np.ndarray, same: float) -> np.ndarray:
    """Return the number of the family of each of n distinct cycles, ``(n,)``."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components, minimum_spanning_tree

    p, _, n = orbits.shape
    if n == 1:
        return np.zeros(1, dtype=int)
    points = orbits.movedim(1, 0).reshape(len(scale), -1)  # (D, p n); a point's cycle is its index modulo n
    places = points.numpy().T / scale
    distance, neighbour = tree(places).query(places, min(len(places), p + NEIGHBOURS))
    a, b = np.repeat(np.arange(p * n), neighbour.shape[1]), neighbour.reshape(-1)
    # A sparse matrix drops entries of 0, so that a tiny number is added.
    weights = coo_array((distance.reshape(-1) + 1e-300, (a, b)), shape=(p * n, p * n)).tocsr()
    a, b = minimum_spanning_tree(weights).nonzero()
    family = np.arange(n)
    for attempt in range(2):
        distinct = a % n != b % n
        a, b = a[distinct], b[distinct]
        leads = _connects(residual, points[:, a], points[:, b], scale, same)
        pairs = np.stack([family[a[leads] % n], family[b[leads] % n]])
        count = int(family.max()) + 1
        _, merged = connected_components(coo_array((np.ones(pairs.shape[1]), pairs), shape=(count, count)), False)
        family = merged[family]
        if attempt or not 1 < family.max() + 1 <= MAX_PAIRED_FAMILIES:
            break
        a, b = _nearest_pairs(places, np.tile(family, p))
    return family


def _nearest_pairs(places: np.ndarray, family: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return for every two families the indices of their two points, of ``(m, D)``, that are nearest to each other."""
    pairs: list[tuple[int, int]] = []
    for first in range(int(family.max()) + 1):
        indices = np.flatnonzero(family == first)
        neighbours = tree(places[indices])
        for second in range(first):
            other_indices = np.flatnonzero(family == second)
            distance, nearest = neighbours.query(places[other_indices])
            best = int(distance.argmin())
            pairs.append((int(indices[nearest[best]]), int(other_indices[best])))
    a, b = np.array(pairs).T
    return a, b


def _connects(residual: Function, z: torch.Tensor, goal: torch.Tensor, scale: np.ndarray, same: float) -> np.ndarray:
    """Return whether a path along the continuum leads from each point ``(D, m)`` to its goal: ``(m,)`` bool."""
    if not z.shape[1]:
        return np.zeros(0, dtype=bool)
    number = torch.as_tensor(np.minimum(neutral_directions(residual, z), neutral_directions(residual, goal)))
    rank = torch.arange(len(z)) < (len(z) - number)[:, None]  # (m, D), singular values come in falling order
    for step in range(PATH_STEPS + APPROACH_STEPS):
        v = torch.linalg.svd(jacobian(residual, z).movedim(2, 0))[2]
        ahead = (v @ (goal - z).T[..., None])[..., 0]
        along = (v.mT @ torch.where(rank, 0.0, ahead)[..., None])[..., 0].T
        z = z + along / max(PATH_STEPS - step, 1)
        for _ in range(NEWTON_STEPS):
            u, singular, v = torch.linalg.svd(jacobian(residual, z).movedim(2, 0))
            parts = (u.mT @ residual(z).T[..., None])[..., 0] / singular
            z = z - (v.mT @ torch.where(rank, parts, 0.0)[..., None])[..., 0].T
    distance = ((z - goal).abs() / torch.as_tensor(scale)[:, None]).amax(0)
    return (distance <= same).numpy()
