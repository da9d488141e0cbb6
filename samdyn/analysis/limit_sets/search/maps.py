"""The ends of the runs of a map."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from ....dynamics import Map
from ....landscapes import Box
from ....simulation.iterates.iterate import Iterates
from ....simulation.iterates.stepping import Steps
from ....simulation.settling import settled
from .census import NO_SET, Census, Member
from .families import neutral_directions
from .labels import DIVERGED, FIRST_MEMBER, UNDECIDED
from .recurrence.wandering import motion, recurrence
from .resting import refined

SETTLED_DISTANCE = 1e-6  # relative to max(unit, ‖w‖∞); largest Newton step from a settled run to its resting point
FIRST_CHECK = 64  # number of steps before the first check; the later checks come at doublings
STEPS_PER_REPORT = 512  # number of steps of a map between two reports of its progress
WINDOW = 512  # number of steps over which the extent of a wandering run is measured
SHORT = 8  # period of cycles, in steps, up to which every run is checked for every period


def of_map(
    map_: Map,
    starts: np.ndarray,
    far: Box,
    census: Census,
    period: int,
    steps: int,
    show: Callable[[float], None],
) -> tuple[np.ndarray, np.ndarray]:
    """Return the labels of a map's runs from starts ``(N, d)``, ``(N,)``, and where they end, ``(N, d)``.

    ``show`` shows the number of steps.
    """
    map_.refuse_noise()
    low, high = torch.tensor(far, dtype=torch.float64).T[..., None]
    labels, width = np.full(len(starts), UNDECIDED), max(WINDOW, 2 * period)
    last = starts.copy()
    running, step = np.arange(len(starts)), Steps(map_, None)
    runs = Iterates(step, torch.as_tensor(starts.T.copy()), number=steps)
    midway: torch.Tensor | None = None
    check, step_count = FIRST_CHECK, 0
    while step_count < steps and running.size:
        # The runs are checked at every doubling, halfway and at the end; windows precede the last two checks.
        stop = min(n for n in (check, steps // 2, steps) if n > step_count)
        window = []
        with runs:
            before_window = stop if stop < steps // 2 else max(step_count, stop - width)
            while step_count + runs.done < before_window:
                runs.advance(min(STEPS_PER_REPORT, before_window - step_count - runs.done))
                show(step_count + runs.done)
            if stop >= steps // 2:
                while step_count + runs.done < stop:
                    runs.advance(1)
                    window.append(runs.w.clone())
            z = torch.cat(runs.parts)
            here = runs.running & torch.isfinite(z).all(0) & ((runs.w >= low) & (runs.w <= high)).all(0)
            last[running] = runs.w.numpy().T
            step_count, check = stop, max(check, 2 * stop) if stop >= check else check
            labels[running[~here.numpy()]] = DIVERGED
            keep, running, z = here.numpy(), running[here.numpy()], z[:, here]
            paths = torch.stack(window)[:, :, keep] if window else None
            labels[running] = _resting(map_, z, census, period, paths)
        undecided = labels[running] == UNDECIDED
        paths = None if paths is None else paths[:, :, undecided]
        if midway is not None:
            midway = midway[:, :, keep][:, :, undecided]
        running, z = running[undecided], z[:, torch.as_tensor(undecided)]
        if running.size:
            w, *v = z.split(map_.landscape.dim)
            runs = Iterates(step, w, runs.taker, memory=v or None)
        if paths is not None and step_count < steps:
            midway = paths
    if running.size and midway is not None and paths is not None:
        labels[running] = _wandering(midway.numpy(), paths.numpy(), census)
        _name_motions(map_, z, labels[running], census, low, high)
    return labels, last


def _resting(map_: Map, z: torch.Tensor, census: Census, period: int, paths: torch.Tensor | None = None) -> np.ndarray:
    """Return the labels of states ``(D, n)``: UNDECIDED unless they rest on a fixed point or a cycle.

    ``paths`` are the positions at the last steps, ``(k, d, n)``, for cycles of more than SHORT steps.
    """
    d = map_.landscape.dim
    factors = torch.tensor([1.0, *map_.lengths()], dtype=z.dtype)
    unit = factors.repeat_interleave(d)[:, None]
    labels = np.full(z.shape[1], UNDECIDED)
    periods = list(range(1, min(period, SHORT) + 1))
    recurs = np.zeros(z.shape[1], dtype=int)
    if paths is not None and len(paths) >= 2 * period > 2 * SHORT:
        recurs = recurrence(paths.numpy(), SHORT + 1, period)
        periods += sorted(set(recurs[recurs > 0].tolist()))
    for p in periods:
        open_runs = np.flatnonzero((labels == UNDECIDED) & ((p <= SHORT) | (recurs == p)))
        if not open_runs.size:
            continue

        def residual(lengths: torch.Tensor, p: int = p) -> torch.Tensor:
            scale = unit.reshape(-1, *[1] * (lengths.ndim - 1))
            start = lengths / scale
            total = torch.zeros_like(lengths)
            for _ in range(p):  # sums of increments keep the digits that differences of states would lose
                w, *v = (start + total / scale).split(d)
                total = total + scale * torch.cat(map_.increment((w, *v)))
            return total

        rests = settled(residual, unit * z[:, open_runs], d, SETTLED_DISTANCE, discrete=True, unit=census.unit).numpy()
        at = open_runs[rests]
        if not at.size:
            continue
        z_at, multipliers = refined(residual, unit * z[:, at])
        orbits = [z_at]
        for _ in range(p - 1):
            orbits.append(unit * map_.flat_step(orbits[-1] / unit))
        kind = "fixed point" if p == 1 else "cycle"
        orbit = torch.stack(orbits)  # (p, D, n)
        neutral = neutral_directions(residual, z_at) > 0
        on = census.sets_of(z_at[:d].numpy().T) if p == 1 else np.full(len(at), NO_SET)
        for column, run in enumerate(at):
            w = orbit[:, :d, column].numpy()
            if neutral[column] and on[column] == NO_SET:
                census.continua.append(Member(residual, orbit[:, :, column], 1 + multipliers[column]))
                labels[run] = FIRST_MEMBER - len(census.continua) + 1
            else:
                labels[run] = census.index(kind, w, 1 + multipliers[column], on[column])
    return labels


def _wandering(first: np.ndarray, second: np.ndarray, census: Census) -> np.ndarray:
    """Return the labels of runs that wander over sets, from windows ``(k, d, n)`` halfway and at the end: ``(n,)``."""
    boxes = [(w.min(0), w.max(0)) for w in (first, second)]
    sizes = [(high - low).max(0) for low, high in boxes]
    distance = np.maximum(np.abs(boxes[0][0] - boxes[1][0]), np.abs(boxes[0][1] - boxes[1][1])).max(0)
    stationary = (distance <= 0.25 * sizes[1]) & (sizes[1] > 0)
    labels = np.full(first.shape[2], UNDECIDED)
    kinds: list[tuple[np.ndarray, np.ndarray, int]] = []
    for run in np.flatnonzero(stationary):
        low, high = boxes[1][0][:, run], boxes[1][1][:, run]
        size = sizes[1][run]
        for set_low, set_high, label in kinds:
            same = np.maximum(np.abs(low - set_low), np.abs(high - set_high)).max()
            if same <= 0.25 * max(size, (set_high - set_low).max()):
                labels[run] = label
                break
        else:
            labels[run] = census.enter("wandering", second[:, :, run], None)
            kinds.append((low, high, labels[run]))
    return labels


def _name_motions(
    map_: Map, z: torch.Tensor, labels: np.ndarray, census: Census, low: torch.Tensor, high: torch.Tensor
) -> None:
    """Find the kind of motion on every set over which runs with final states ``(D, n)`` wander."""
    for label in np.unique(labels[labels >= 0]):
        kind, exponent = motion(map_, z[:, torch.as_tensor(labels == label)], low, high)
        census.attractors[label] = replace(
            census.attractors[label], kind=kind, exponents=(exponent,) if exponent else ()
        )
