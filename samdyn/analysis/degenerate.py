"""Critical points at which the Hessian is singular: isolated ones, and curves and other sets of them."""

from dataclasses import dataclass

import numpy as np
import torch

from ..landscapes import Landscape

STEP = 0.01  # of the box: between the points of a traced curve
NEAR = 0.03  # of the box: starts that ended this close to what is known already are explained by it
FLAT = 1e-6  # an eigenvalue below this, relative to the Hessian nearby, counts as zero
LONGEST = 4000  # points on one branch of a curve
ITERATIONS = 100


@dataclass(frozen=True, eq=False)
class DegeneratePoint:
    """An isolated critical point with a singular Hessian; its type is not decided by second derivatives.

    Attributes:
        w: where, ``(d,)``. Zeros of higher order are known to about the root of rounding error.
        loss: L there.
        eigenvalues: of the Hessian, ascending, ``(d,)``.
    """

    w: np.ndarray
    loss: float
    eigenvalues: np.ndarray


@dataclass(frozen=True, eq=False)
class CriticalSet:
    """A curve of critical points, or a set of higher dimension, on which the loss is constant.

    Attributes:
        w: points on it, ``(m, d)``: of a curve in order, two hundredths of the box apart or less; of other sets a
            sample.
        loss: L there.
        dimension: 1 for curves.
        closed: whether a curve closes within the box.
        kind: "minima", "maxima" or "saddles" if the Hessian's other eigenvalues are all positive, all negative or of
            both signs along it; "of changing type" otherwise.
    """

    w: np.ndarray
    loss: float
    dimension: int
    closed: bool
    kind: str


def descend_gradient(landscape: Landscape, w: torch.Tensor, extent: torch.Tensor) -> torch.Tensor:
    """Bring points to zeros of the gradient, singular or not: ``(d, n) -> (d, n)``.

    Levenberg and Marquardt's method with a damping proportional to ‖∇L‖, which converges quadratically to a nearby
    point also where zeros form curves [Yamashita & Fukushima 2001]. Coordinates are measured in units of the box.
    """
    scale = extent[:, None]
    damping = torch.ones_like(w[0])

    def scaled(p: torch.Tensor) -> torch.Tensor:
        return torch.nan_to_num(landscape.grad(p) * scale, nan=torch.inf, posinf=torch.inf, neginf=torch.inf)

    g = scaled(w)
    for _ in range(ITERATIONS):
        h = (landscape.hessian(w) * scale[None] * scale[:, None]).movedim(-1, 0)
        good = torch.isfinite(h).flatten(1).all(1)
        eigenvalues, basis = torch.linalg.eigh(torch.where(good[:, None, None], h, 0))
        # ‖∇L‖ carries the units of H times a length of 1 (the box): its product with ‖H‖ those of H².
        mu = damping * g.norm(dim=0) * eigenvalues.abs().amax(1)
        inverse = eigenvalues / (eigenvalues**2 + mu[:, None]).clamp(min=torch.finfo(w.dtype).tiny)
        step = -(basis @ (inverse[:, :, None] * (basis.mT @ g.T[:, :, None]))).squeeze(2).T
        new = w + step * scale
        new_g = scaled(new)
        better = (new_g.norm(dim=0) < g.norm(dim=0)) & good
        w, g = torch.where(better, new, w), torch.where(better, new_g, g)
        damping = torch.where(better, damping / 4, damping * 4).clamp(1e-12, 1e12)
    return w


def degenerate_sets(
    landscape: Landscape, ends: np.ndarray, low: np.ndarray, high: np.ndarray
) -> tuple[list[DegeneratePoint], list[CriticalSet]]:
    """Sort singular zeros of the gradient, ``(n, d)``, into isolated points, curves and other sets."""
    extent = high - low
    points: list[DegeneratePoint] = []
    sets: list[CriticalSet] = []
    left = ends
    while len(left):
        seed = left[0]
        curve = _trace(landscape, seed, low, high) if _nullity(landscape, seed, extent) == 1 else None
        if curve is not None:
            w, closed = curve
            sets.append(CriticalSet(w, _loss(landscape, w), 1, closed, _kind(landscape, w, extent, 1)))
            left = left[_distance(left, w, extent) > NEAR]
            continue
        together = _component(left, extent)
        members, left = left[together], left[~together]
        if (np.ptp(members, axis=0) <= NEAR * extent).all():
            best = members[np.argmin(np.linalg.norm(landscape.grad(members.T).numpy(), axis=0))]
            eigenvalues = np.linalg.eigvalsh(landscape.hessian(best).numpy())
            points.append(DegeneratePoint(best, float(landscape.value(best)), eigenvalues))
        else:
            k = int(np.median([_nullity(landscape, w, extent) for w in members]))
            sets.append(CriticalSet(members, _loss(landscape, members), k, False, _kind(landscape, members, extent, k)))
    return points, sets


def scaled_hessian(landscape: Landscape, w: np.ndarray, extent: np.ndarray) -> np.ndarray:
    """Return the Hessian in coordinates measured in units of the box."""
    return landscape.hessian(w).numpy() * extent * extent[:, None]


def strength_nearby(landscape: Landscape, w: np.ndarray, extent: np.ndarray) -> float:
    """Return the Hessian's norm a thousandth of the box away, the scale on which its eigenvalues are judged."""
    signs = np.random.default_rng(0).choice([-1.0, 1.0], len(w))  # one direction nearby, of no symmetry
    both = [scaled_hessian(landscape, w + side * 1e-3 * extent * signs, extent) for side in (1, -1)]
    return float(np.linalg.norm(both, 2, axis=(1, 2)).max())


def _nullity(landscape: Landscape, w: np.ndarray, extent: np.ndarray) -> int:
    eigenvalues = np.linalg.eigvalsh(scaled_hessian(landscape, w, extent))
    # Zeros of higher order are reached to a distance of 1e-4 or so, where eigenvalues have not quite vanished.
    return int((np.abs(eigenvalues) <= 1e-3 * strength_nearby(landscape, w, extent)).sum())


def _trace(landscape: Landscape, seed: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, bool] | None:
    """Follow a curve of critical points both ways; None if there is none through the seed."""
    extent = high - low
    _, basis = _split(landscape, seed, extent)
    forward, closed = _follow(landscape, seed, basis[:, 0], low, high)
    backward = np.empty((0, len(seed))) if closed else _follow(landscape, seed, -basis[:, 0], low, high)[0]
    w = np.vstack([backward[::-1], seed, forward])
    return (w, closed) if len(w) > 3 else None


def _follow(
    landscape: Landscape, seed: np.ndarray, direction: np.ndarray, low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, bool]:
    extent = high - low
    found: list[np.ndarray] = []
    w = seed
    for _ in range(LONGEST):
        new = _corrected(landscape, w + STEP * direction * extent, extent)
        moved = (new - w) / extent
        if not 0.3 * STEP <= np.linalg.norm(moved) <= 2 * STEP or not ((new >= low) & (new <= high)).all():
            break
        if len(found) > 2 and np.linalg.norm((new - seed) / extent) < 0.7 * STEP:
            return np.array(found), True
        found.append(new)
        direction, w = moved / np.linalg.norm(moved), new
    return np.array(found).reshape(-1, len(seed)), False


def _corrected(landscape: Landscape, w: np.ndarray, extent: np.ndarray) -> np.ndarray:
    """Bring a point near the curve onto it, across the direction in which the Hessian is flattest."""
    for _ in range(10):
        eigenvalues, basis = _split(landscape, w, extent)
        across = basis[:, 1:].T @ (landscape.grad(w).numpy() * extent)
        strong = np.abs(eigenvalues[1:]) > 0
        step = basis[:, 1:][:, strong] @ (across[strong] / eigenvalues[1:][strong])
        w = w - step * extent
        if not np.isfinite(w).all() or np.linalg.norm(step) < 1e-14:
            break
    on_it = np.linalg.norm(landscape.grad(w).numpy() * extent) <= 1e-7 * strength_nearby(landscape, w, extent)
    return w if on_it else np.full_like(w, np.nan)


def _split(landscape: Landscape, w: np.ndarray, extent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    eigenvalues, basis = np.linalg.eigh(np.nan_to_num(scaled_hessian(landscape, w, extent)))
    order = np.argsort(np.abs(eigenvalues))
    return eigenvalues[order], basis[:, order]


def _distance(points: np.ndarray, to: np.ndarray, extent: np.ndarray) -> np.ndarray:
    from scipy.spatial import cKDTree

    return cKDTree(to / extent).query(points / extent)[0]


def _component(points: np.ndarray, extent: np.ndarray) -> np.ndarray:
    """Say which points hang together with the first one, each within NEAR of another."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    pairs = cKDTree(points / extent).query_pairs(2 * NEAR, output_type="ndarray")
    graph = coo_array((np.ones(len(pairs)), pairs.T), shape=(len(points), len(points)))
    _, label = connected_components(graph, directed=False)
    return label == label[0]


def _loss(landscape: Landscape, w: np.ndarray) -> float:
    return float(landscape.value(w.T).median())


def _kind(landscape: Landscape, w: np.ndarray, extent: np.ndarray, dimension: int) -> str:
    if dimension == w.shape[1]:
        return "plateau"
    types = set()
    for point in w[:: max(1, len(w) // 20)]:
        others = np.delete(_split(landscape, point, extent)[0], range(dimension))
        flat = (np.abs(others) <= FLAT * strength_nearby(landscape, point, extent)).any()
        low, high = others.min() < 0, others.max() > 0
        types.add("of changing type" if flat else "saddles" if low and high else "maxima" if low else "minima")
    return types.pop() if len(types) == 1 else "of changing type"
