"""Which resting points and cycles belong to one continuum, as the 2-cycles about a round minimum do."""

import numpy as np
import torch

from ...ops import jacobian
from ...simulation.settling import FLAT, Function
from ..trees import tree

NEIGHBOURS = 4  # points of other members from which a walk to a member is tried first
WALK, ARRIVALS = 24, 6  # steps of a walk from member to member, and of its last approach
REPEATS = 2  # Newton's steps back to the continuum after each
FEW = 12  # continua, up to so many, between all pairs of which a walk is tried


def neutral_directions(residual: Function, z: torch.Tensor) -> np.ndarray:
    """Return along how many directions a zero of the residual is one of a continuum, for points ``(D, n)``: (n,)."""
    singular = torch.linalg.svdvals(jacobian(residual, z).movedim(2, 0))
    return (singular <= FLAT * singular[:, :1]).sum(1).numpy()


def families(residual: Function, orbits: torch.Tensor, scale: np.ndarray, same: float) -> np.ndarray:
    """Say which cycles are members of one continuum: those between which a walk along it leads.

    A walk goes in the directions in which the residual does not change, as far towards the other member as those lead,
    and back to a zero of the residual by Newton's method.

    Args:
        residual: p steps from z, less z; zero on every cycle. Or a velocity, with p = 1.
        orbits: the points of n cycles in order, ``(p, D, n)``.
        scale: what distances are relative to, along each coordinate ``(D,)``.
        same: the distance, so measured, at which a walk has arrived.

    Returns:
        The number of its family for every cycle, ``(n,)``, from 0.
    """
    first, copy = _distinct(orbits.numpy() / scale[:, None], same)
    return _joined(residual, orbits[:, :, first], scale, same)[copy]


def _distinct(places: np.ndarray, same: float) -> tuple[np.ndarray, np.ndarray]:
    """Return which of the cycles ``(p, D, n)`` are different, and which of those each is a copy of."""
    keys = [sorted(map(tuple, cycle)) for cycle in np.round(places / same).transpose(2, 0, 1).tolist()]
    _, first, copy = np.unique(np.array(keys).reshape(len(keys), -1), axis=0, return_index=True, return_inverse=True)
    return first, copy


def _joined(residual: Function, orbits: torch.Tensor, scale: np.ndarray, same: float) -> np.ndarray:
    """Return the family of every one of different cycles."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components, minimum_spanning_tree

    p, _, n = orbits.shape
    if n == 1:
        return np.zeros(1, dtype=int)
    points = orbits.movedim(1, 0).reshape(len(scale), -1)  # (D, p n), the owner of a point is its index modulo n
    places = points.numpy().T / scale
    distance, neighbour = tree(places).query(places, min(len(places), p + NEIGHBOURS))
    a, b = np.repeat(np.arange(p * n), neighbour.shape[1]), neighbour.reshape(-1)
    # Distances of 0 would not count as edges.
    weights = coo_array((distance.reshape(-1) + 1e-300, (a, b)), shape=(p * n, p * n)).tocsr()
    a, b = minimum_spanning_tree(weights).nonzero()
    family = np.arange(n)
    for attempt in range(2):
        apart = a % n != b % n
        a, b = a[apart], b[apart]
        leads = _walks(residual, points[:, a], points[:, b], scale, same)
        pairs = np.stack([family[a[leads] % n], family[b[leads] % n]])
        count = int(family.max()) + 1
        _, joined = connected_components(coo_array((np.ones(pairs.shape[1]), pairs), shape=(count, count)), False)
        family = joined[family]
        if attempt or not 1 < family.max() + 1 <= FEW:
            break
        a, b = _nearest_pairs(places, np.tile(family, p))
    return family


def _nearest_pairs(places: np.ndarray, family: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return, for every two families, which of their points ``(m, D)`` are nearest to each other."""
    pairs: list[tuple[int, int]] = []
    for first in range(int(family.max()) + 1):
        mine = np.flatnonzero(family == first)
        found = tree(places[mine])
        for second in range(first):
            others = np.flatnonzero(family == second)
            distance, nearest = found.query(places[others])
            best = int(distance.argmin())
            pairs.append((int(mine[nearest[best]]), int(others[best])))
    a, b = np.array(pairs).T
    return a, b


def _walks(residual: Function, z: torch.Tensor, goal: torch.Tensor, scale: np.ndarray, same: float) -> np.ndarray:
    """Say from which points ``(D, m)`` a walk along the continuum leads to their goals: (m,)."""
    if not z.shape[1]:
        return np.zeros(0, dtype=bool)
    number = torch.as_tensor(np.minimum(neutral_directions(residual, z), neutral_directions(residual, goal)))
    rank = torch.arange(len(z)) < (len(z) - number)[:, None]  # (m, D), singular values come in falling order
    for step in range(WALK + ARRIVALS):
        v = torch.linalg.svd(jacobian(residual, z).movedim(2, 0))[2]
        ahead = (v @ (goal - z).T[..., None])[..., 0]
        along = (v.mT @ torch.where(rank, 0.0, ahead)[..., None])[..., 0].T
        z = z + along / max(WALK - step, 1)
        for _ in range(REPEATS):
            u, singular, v = torch.linalg.svd(jacobian(residual, z).movedim(2, 0))
            parts = (u.mT @ residual(z).T[..., None])[..., 0] / singular
            z = z - (v.mT @ torch.where(rank, parts, 0.0)[..., None])[..., 0].T
    apart = ((z - goal).abs() / torch.as_tensor(scale)[:, None]).amax(0)
    return (apart <= same).numpy()
