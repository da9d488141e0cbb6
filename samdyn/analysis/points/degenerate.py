"""Critical points at which the Hessian is singular: isolated ones, and curves and other sets of them."""

from dataclasses import dataclass

import numpy as np

from ...landscapes import Landscape
from ..trees import tree
from .connected import connected, dimensions
from .singular import scaled_gradients, scaled_hessians, strengths

STEP = 0.01  # of the box: between the points of a traced curve
NEAR = 0.03  # of the box: starts that ended this close to what is known already are explained by it
FLAT = 1e-6  # an eigenvalue below this, relative to the Hessian nearby, counts as zero
MOST = 200  # points between which connections are looked for
LONGEST = 4000  # points on one branch of a curve


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


def degenerate_sets(
    landscape: Landscape, ends: np.ndarray, low: np.ndarray, high: np.ndarray
) -> tuple[list[DegeneratePoint], list[CriticalSet]]:
    """Sort singular zeros of the gradient, ``(n, d)``, into isolated points, curves and other sets."""
    extent = high - low
    points: list[DegeneratePoint] = []
    sets: list[CriticalSet] = []
    if not len(ends):
        return points, sets
    chosen = _representatives(landscape, ends, extent)
    dimension = dimensions(landscape, chosen, extent)
    curves: list[np.ndarray] = []
    for seed in chosen[dimension == 1]:
        explained = curves and _distance(seed[None], np.vstack(curves), extent)[0] <= NEAR
        curve = None if explained else _trace(landscape, seed, low, high)
        if curve is not None:
            w, closed = curve
            curves.append(w)
            sets.append(CriticalSet(w, _loss(landscape, w), 1, closed, _kind(landscape, w, extent, 1)))
    if curves:
        ends = ends[_distance(ends, np.vstack(curves), extent) > NEAR]
        away = _distance(chosen, np.vstack(curves), extent) > NEAR
        chosen, dimension = chosen[away], dimension[away]
    if not len(chosen):
        return points, sets
    label = connected(landscape, chosen, low, high)
    near = _nearest(ends, chosen, extent)
    for part in np.unique(label):
        best, members = chosen[label == part][0], ends[label[near] == part]
        k = int(np.median(dimension[label == part]))
        if k == 0:
            eigenvalues = np.linalg.eigvalsh(landscape.hessian(best).numpy())
            points.append(DegeneratePoint(best, float(landscape.value(best)), eigenvalues))
        else:
            sets.append(CriticalSet(members, _loss(landscape, members), k, False, _kind(landscape, members, extent, k)))
    return points, sets


def _representatives(landscape: Landscape, w: np.ndarray, extent: np.ndarray) -> np.ndarray:
    """Return points that stand for all, no two close to each other, those nearest to critical first."""
    order, apart = np.argsort(scaled_gradients(landscape, w, extent), kind="stable"), NEAR
    while True:
        found, free = tree(w / extent), np.ones(len(w), dtype=bool)
        chosen = []
        for i in order:
            if free[i]:
                chosen.append(i)
                free[found.query_ball_point(w[i] / extent, apart)] = False
        if len(chosen) <= MOST:
            return w[chosen]
        apart *= 1.3


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
    on_it = np.linalg.norm(landscape.grad(w).numpy() * extent) <= 1e-7 * strengths(landscape, w[None], extent)[0]
    return w if on_it else np.full_like(w, np.nan)


def _split(landscape: Landscape, w: np.ndarray, extent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    eigenvalues, basis = np.linalg.eigh(np.nan_to_num(scaled_hessians(landscape, w[None], extent)[0]))
    order = np.argsort(np.abs(eigenvalues))
    return eigenvalues[order], basis[:, order]


def _distance(points: np.ndarray, to: np.ndarray, extent: np.ndarray) -> np.ndarray:
    return tree(to / extent).query(points / extent)[0]


def _nearest(points: np.ndarray, of: np.ndarray, extent: np.ndarray) -> np.ndarray:
    return tree(of / extent).query(points / extent)[1]


def _loss(landscape: Landscape, w: np.ndarray) -> float:
    return float(landscape.value(w.T).median())


def _kind(landscape: Landscape, w: np.ndarray, extent: np.ndarray, dimension: int) -> str:
    if dimension == w.shape[1]:
        return "plateau"
    types = set()
    for point in w[:: max(1, len(w) // 20)]:
        others = np.delete(_split(landscape, point, extent)[0], range(dimension))
        flat = (np.abs(others) <= FLAT * strengths(landscape, point[None], extent)[0]).any()
        low, high = others.min() < 0, others.max() > 0
        types.add("of changing type" if flat else "saddles" if low and high else "maxima" if low else "minima")
    return types.pop() if len(types) == 1 else "of changing type"
