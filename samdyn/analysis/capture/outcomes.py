"""Says which runs a saddle holds, which it loses, and around which points the held ones stay."""

from dataclasses import dataclass

import numpy as np
import torch

from ...dynamics import Flow, Map
from ...dynamics.settings import select
from ...simulation import Status, integrate, simulate
from ..points.critical_points import CriticalPoint

SAVES = 64  # number of saved states in the second half of a run
PARTS = 8  # number of parts of that half, whose farthest distances are compared
CONVERGES = (
    0.8  # ratio of the growth in the last three parts to that in the first three below which a run converges outward
)
NEARLY_THERE = 0.01  # growth of a run that converges, in units of its distance, below which it does not drift
DOUBLINGS = 3  # number of times that a drifting run of a map goes on, each time twice as long
OFF_AXIS = 1e-6  # displacement of a start along the highest eigenvector, in units of its distance
DEVICE = "cpu"  # a few thousand runs are too few for a GPU, which waits for its kernel launches


@dataclass(frozen=True, eq=False)
class Outcomes:
    """The outcomes of n runs around a critical point.

    Attributes:
        held, lost: ``(n,)`` bool. A run that is neither is open: it was too short to decide.
        center: the mean position in the last quarter of the run, ``(n, d)``, in the units of w.
        extent: the largest distance from ``center`` in that quarter, ``(n,)``, in the units of w.
    """

    held: np.ndarray
    lost: np.ndarray
    center: np.ndarray
    extent: np.ndarray

    def __getitem__(self, runs: slice) -> "Outcomes":
        return Outcomes(self.held[runs], self.lost[runs], self.center[runs], self.extent[runs])


def outcomes(
    system: Map | Flow,
    settings: torch.Tensor,
    point: CriticalPoint,
    offsets: np.ndarray,
    largest: float,
    duration: float,
) -> Outcomes:
    """Run a map or a flow from starts at rest beside a critical point.

    A run is lost if it leaves the box of half-width 2 · largest, or if it ends farther than ``largest``. It is held if
    it stays within ``largest`` in the second half of its time and does not drift outward there. A run drifts if its
    farthest distance along an escape direction grows from each eighth of that half to the next, and has not converged.
    Slow passage does so at any speed. Runs of a map that drift run longer, up to 8 times as long.

    Args:
        system: a map, or a flow of one setting.
        settings: the index of the map's setting for every run, ``(n,)``.
        point: the critical point.
        offsets: the starts relative to the point, ``(n, d)``, in the units of w.
        largest: a distance, in the units of w.
        duration: the number of steps of a map's runs, or the time of a flow's.
    """
    above = point.eigenvectors[:, -1] if point.eigenvalues[-1] > 0 else np.zeros(len(point.w))
    starts = point.w + offsets + OFF_AXIS * np.linalg.norm(offsets, axis=1, keepdims=True) * above
    box = [(c - 2 * largest, c + 2 * largest) for c in point.w]
    if isinstance(system, Flow):
        return _judged(point, largest, *_flow_paths(system, starts, box, duration))
    n = len(starts)
    result = Outcomes(np.zeros(n, dtype=bool), np.zeros(n, dtype=bool), starts.copy(), np.zeros(n))
    open_ = np.arange(n)
    for doubling in range(DOUBLINGS + 1):
        steps = int(duration) * 2**doubling  # from the start: maps may have more memory than w and v
        runs = simulate(
            select(system, settings[open_]),
            starts[open_],
            steps,
            save_every=max(1, steps // (2 * SAVES)),
            box=box,
            device=DEVICE,
            progress=False,
        )
        w = runs.w.values[:, runs.sizes["step"] // 2 :]
        some = _judged(point, largest, w, _gone(runs.status.values), np.zeros(len(open_), dtype=bool))
        result.held[open_], result.lost[open_] = some.held, some.lost
        result.center[open_], result.extent[open_] = some.center, some.extent
        open_ = open_[~some.held & ~some.lost]
        if not len(open_):
            break
    return result


def _judged(point: CriticalPoint, largest: float, w: np.ndarray, gone: np.ndarray, stopped: np.ndarray) -> Outcomes:
    """Return the outcomes of runs from the states of their second half, ``(n, saves, d)``.

    ``gone`` and ``stopped`` say which left the box, and which stopped before their end, ``(n,)`` each.
    """
    path = w - point.w
    along = np.abs(path @ point.eigenvectors[:, : point.index])
    size = max(1, (along.shape[1] - 1) // PARTS)  # number of states in a part; all parts are equally long
    parts = along[:, along.shape[1] % size :].reshape(len(w), -1, size, point.index)[:, -PARTS:]
    farthest = parts.max(2)
    growth = np.diff(farthest, axis=1)
    slows = growth[:, -3:].sum(1) < CONVERGES * growth[:, :3].sum(1)
    arrives = slows & (growth.sum(1) < NEARLY_THERE * farthest[:, -1])
    drifts = ((growth > 0).all(1) & ~arrives).any(1)
    distance, last = np.linalg.norm(path, axis=2), path[:, path.shape[1] // 2 :]
    center = last.mean(1)
    lost = gone | (~stopped & (distance[:, -1] > largest))
    held = ~lost & ~stopped & ~drifts & (distance.max(1) <= largest)
    return Outcomes(held, lost, point.w + center, np.linalg.norm(last - center[:, None], axis=2).max(1))


def _flow_paths(
    flow: Flow, starts: np.ndarray, box: list[tuple[float, float]], time: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the second half of every run ``(n, saves, d)``, and which left the box, and which stopped early."""
    runs = integrate(flow, starts, np.linspace(time / 2, time, SAVES + 1), box=box, device=DEVICE, progress=False)
    gone = _gone(runs.status.values)
    return runs.w.values, gone, (runs.status.values == Status.UNDECIDED) & (runs.end.values < time)


def _gone(status: np.ndarray) -> np.ndarray:
    return (status == Status.LEFT) | (status == Status.DIVERGED)
