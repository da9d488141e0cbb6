"""The drift along a manifold of minima that a method's own bounce across it makes, at one point."""

from dataclasses import dataclass, fields, is_dataclass, replace
from typing import NoReturn

import numpy as np
import torch

from .. import checks
from ..dynamics import Map
from ..dynamics.map import State
from ..landscapes import Sampled
from ..noise import FiniteSum
from ..simulation import simulate
from .manifold import CRITICAL, tangent, top_pairs

RADIUS = 1e-4  # radius of the bounce in units of max(1, rms w); a smaller one would lose digits to rounding
NEAR_EDGE = 0.02  # least factor by which the radius is reduced, where the bounce becomes long
FIRST, MAX_STEPS = 8, 8192  # steps of a mean of a bounce without noise, and steps in all
SAME = 3e-5  # relative difference of two means of the drift up to which a bounce counts as settled
KICK = 1e-3  # random part of the start of a bounce, which leaves unstable cycles
SETTLING, MEAN = 800, 400  # steps of a bounce with noise before the mean of its drift is taken, and of the mean
GROUPS = 16  # count of groups of runs from whose means the standard error is computed
RESTING = 1e-3  # length of a bounce relative to its start below which it counts as dead
DEGENERATE = 1e-3  # relative difference of the two largest eigenvalues up to which they count as equal
SMALL = (0.01, 0.005)  # ηλ_max at which the limit η → 0 is extrapolated, with an error of their product
SMALL_NOISY = 1e-3  # ηλ_max that stands for the limit if there is noise


@dataclass(frozen=True)
class Drift:
    """The mean velocity dz/ds along the manifold in the time s = ηρ²k, ``(d,)``, and where it is.

    Attributes:
        velocity: dz/ds, in the units of the loss per w³.
        error: the length of its standard error; 0 without noise.
        eigenvalues: the two largest eigenvalues of the Hessian, the largest first.
        vector: the eigenvector of the largest.
    """

    velocity: np.ndarray
    error: float
    eigenvalues: np.ndarray
    vector: np.ndarray


def drift(map_: Map, w: np.ndarray, *, limit: bool, runs: int, seed: int) -> Drift:
    """Return the drift at a minimum w, from runs of the map itself at a small radius.

    Args:
        map_: the iterates.
        w: a point of the manifold.
        limit: whether to take the limit η → 0 in place of the map's learning rate.
        runs: the number of runs, if steps draw random numbers.
        seed: the seed of the starts and of the noise.

    Raises:
        InputError: w is no minimum of a manifold; with batches, a sample whose gradient is not 0 there; the method
            comes to rest, or its bounce grows or does not settle.
    """
    values, vectors = top_pairs(map_.landscape, w)
    if map_.noise is not None:
        _check_interpolation(map_, w, float(values[0]))
    rates = [map_.lr]
    if limit:
        rates = [h / values[0] for h in ((SMALL_NOISY,) if map_.is_random else SMALL)]
    means = [_mean(replace(map_, lr=float(lr)), w, values, vectors, runs, seed) for lr in rates]
    velocity = 2 * means[1][0] - means[0][0] if len(means) == 2 else means[0][0]
    return Drift(velocity, means[0][1], values, vectors[:, 0])


def _mean(
    map_: Map, w: np.ndarray, values: np.ndarray, vectors: np.ndarray, runs: int, seed: int
) -> tuple[np.ndarray, float]:
    """Return the mean velocity and its standard error."""
    below_edge = 1 - map_.lr * values[0] / (2 * (1 + map_.momentum))  # the bounce of SAM is ρ over this long
    radius = RADIUS * max(1.0, float(np.sqrt(np.mean(w**2)))) * max(below_edge, NEAR_EDGE)
    rho = min(float(map_.radius), radius)
    map_ = replace(map_, method=replace(map_.method, rho=rho))  # type: ignore[call-arg]  # check_map has seen the field
    # Random directions of which the Hessian has removed the part along the manifold.
    random = torch.as_tensor(np.random.default_rng(seed).standard_normal((len(w), runs if map_.is_random else 1)))
    across = map_.landscape.grad.hvp(torch.as_tensor(w)[:, None].expand(-1, random.shape[1]), random).T.numpy()
    length = map_.lr * rho * values[0]
    if map_.is_random:
        return _of_runs(map_, w, length / values[0] * across, seed)
    start = length * (vectors[:, 0] + KICK * across[0] / np.linalg.norm(across[0]))
    return _of_cycle(map_, w, start, values, vectors), 0.0


def _of_cycle(map_: Map, w: np.ndarray, start: np.ndarray, values: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Return the mean velocity of a bounce without noise, over ever more steps until it does not change."""
    state, measured, steps, total = map_.start(torch.as_tensor(w + start)), FIRST * map_.period, 0, 0
    earlier, size = np.full_like(w, np.inf), np.inf
    while True:
        for first in range(total, total + steps, measured):
            state = _back(map_, w, _run(map_, state, first, measured))
        end, total = _run(map_, state, total + steps, measured), total + steps + measured
        distance = end[0].numpy() - w
        _check_growth(map_, distance)
        later = _velocity(map_, w, (end[0] - state[0]).numpy(), measured)
        was, size = size, float(np.linalg.norm(distance) / np.linalg.norm(start))
        if max(was, size) <= RESTING:
            _refuse_rest(map_)
        if np.linalg.norm(later - earlier) <= SAME * np.linalg.norm(later) and size > RESTING:
            _check_simple(distance, values, vectors)
            return later
        state, steps, earlier = _back(map_, w, end), total, later  # as many steps again as were taken so far
        if total > MAX_STEPS * map_.period:
            _refuse_unsettled(map_)


def _back(map_: Map, w: np.ndarray, state: State) -> State:
    """Return the state without what it moved along the manifold: the drift at w is asked for."""
    away = state[0].numpy() - w
    _check_growth(map_, away)
    return (state[0] - torch.as_tensor(tangent(map_.landscape, w, away)), *state[1:])


def _run(map_: Map, state: State, first: int, steps: int) -> State:
    """Return the state after some more steps."""
    for number in range(first + 1, first + steps + 1):
        state = map_.step(state, None, number)
    return state


def _of_runs(map_: Map, w: np.ndarray, start: np.ndarray, seed: int) -> tuple[np.ndarray, float]:
    """Return the mean velocity of many bounces with noise, and its standard error."""
    saved = simulate(map_, w + start, SETTLING + MEAN, save_every=MEAN, seed=seed, progress=False).w.values
    _check_growth(map_, saved[:, -1] - w)
    if np.linalg.norm(saved[:, -1] - w) <= RESTING * np.linalg.norm(start):
        _refuse_rest(map_)
    moved = np.array_split(saved[:, -1] - saved[:, -2], GROUPS)
    means = np.stack([_velocity(map_, w, group.mean(0), MEAN) for group in moved])
    error = means.std(0, ddof=1) / np.sqrt(GROUPS)
    return means.mean(0), float(np.linalg.norm(error))


def _velocity(map_: Map, w: np.ndarray, moved: np.ndarray, steps: int) -> np.ndarray:
    return tangent(map_.landscape, w, moved) / (steps * map_.lr * map_.radius**2)


def _check_interpolation(map_: Map, w: np.ndarray, scale: float) -> None:
    """Refuse a point at which some sample has a gradient: its batches would not rest there without the bounce."""
    landscape = map_.landscape
    assert isinstance(landscape, Sampled)  # as its noise draws samples
    point = torch.as_tensor(w)
    for i in range(landscape.samples):
        size = float(landscape.batch_gradient(point, landscape.data[:, i : i + 1]).norm())
        if size > 1e3 * CRITICAL * scale * (1 + np.abs(w).max()):
            rule = f"sample {i} has a gradient of length {size:.3g} at this minimum"
            checks.reject("noise", map_.noise, rule, "Use samples that all have their minimum here, or noise=None")


def _check_growth(map_: Map, end: np.ndarray) -> None:
    size = float(np.abs(end).max())
    if not size <= 1e3 * map_.radius:
        rule = f"the bounce across the manifold grows: its largest |coordinate| is {size / map_.radius:.3g} ρ"
        checks.reject("lr", map_.lr, rule, "Use a smaller one: below 2(1+γ)/λ_max without noise")


def _check_simple(end: np.ndarray, values: np.ndarray, vectors: np.ndarray) -> None:
    """Refuse a bounce in the plane of two equal eigenvalues, where every direction is a cycle."""
    if len(values) < 2 or values[0] - values[1] > DEGENERATE * values[0]:
        return
    if np.linalg.norm(vectors.T @ end) > np.linalg.norm(end) / 2:
        rule = "are equal, so that λ_max has no gradient"
        checks.reject("eigenvalues", values.round(9).tolist(), rule, "Start where the largest eigenvalue is simple")


def _refuse_unsettled(map_: Map) -> NoReturn:
    rule = "its bounce across the manifold settles on no cycle, so that the drift has no mean"
    checks.reject("method", type(map_.method).__name__, rule, "Follow the iterates, or use another learning rate")


def _refuse_rest(map_: Map) -> NoReturn:
    rule = "comes to rest on the manifold: no bounce remains, and there is no drift of the order of ρ²"
    checks.reject("method", type(map_.method).__name__, rule, "Use a normalised method, such as SAM")


def check_map(map_: Map) -> None:
    """Refuse a map whose steps do not bounce with its radius alone.

    Raises:
        InputError: the noise is not that of batches of samples; a number is a schedule, a symbol or one per run; the
            method has no positive radius.
    """
    if map_.noise is not None and type(map_.noise) is not FiniteSum:
        rule = "moves iterates at every minimum, and not in proportion to the radius"
        checks.reject("noise", map_.noise, rule, "Use noise.FiniteSum(batch_size), or None for the full batch")
    checks.numeric(map_)
    map_.refuse_schedules()
    method = map_.method
    if not is_dataclass(method) or "rho" not in {field.name for field in fields(method)}:
        rule = "has no radius rho, in whose square the drift is measured"
        checks.reject("method", method, rule, "Use a method of a radius, such as samdyn.SAM(0.05)")
    checks.positive("rho", map_.radius, "Use e.g. rho=0.05")
