"""Measures whether a saddle captures the runs around it, and from what distance."""

from collections.abc import Sequence

import numpy as np

from ... import checks
from ...arguments import checked
from ...dynamics import Map
from ...dynamics.stacking import repeat, stack
from ...simulation import simulate
from ..points.critical_points import CriticalPoint

DIRECTIONS = 64  # number of random directions of the starts on a sphere
HALVINGS = 12  # number of halvings from the largest radius of a sphere to the smallest
PER_HALVING = 4  # number of radii per halving
MAX_END_RATIO = 0.75  # in units of the sphere's radius; distance from the point within which its runs must end
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
