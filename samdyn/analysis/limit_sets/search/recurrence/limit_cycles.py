"""Finds the limit cycles on which runs of a flow end, and assigns the runs to them."""

from collections.abc import Callable

import numpy as np
import torch

from .....dynamics import Flow
from ....orbits.cycle import Cycle, search

Follow = Callable[[torch.Tensor, np.ndarray], np.ndarray]  # from (d, n) over times (k,) to positions (k, d, n)

PROBES = 16  # number of runs from which cycles are searched in a round
SYMMETRIC = 1e-9  # relative to the Jacobian; asymmetry that may be a rounding error
SAVES = 33  # number of states of a run that are saved over the second half of its time
SAME_BOX = 0.02  # in units of the box's size; difference of the boxes of two halves of a run that recurs
SMALLEST = 1e-6  # in units of the box of the starts; a smaller motion may be that about an equilibrium
NEAR = 1e-3  # in units of the cycle's extent; distance from a stable cycle at which a run is on it
ATTEMPTS = 3, 12  # largest numbers of searches from runs in one round, and of those altogether that find nothing new
PLANE = 2  # number of coordinates above which runs that recur may be on no cycle, and searches take longer
ROUNDS = 8  # number of rounds whose time does not grow because runs recur


class LimitCycles:
    """The stable limit cycles of a flow that runs have reached.

    Attributes:
        found: the cycles.
        rounds: the number of rounds in which runs recurred that are on none of the cycles.
    """

    def __init__(self, flow: Flow, extent: np.ndarray) -> None:
        """Start without cycles; ``extent`` is the size of the box of the starts, ``(d,)``."""
        self._flow, self._extent = flow, extent
        self.found: list[Cycle] = []
        self.rounds, self._attempts = 0, 0

    def assign(self, ends: torch.Tensor, time: float, follow: Follow) -> np.ndarray:
        """Return the index of the cycle on which each run is, or −1, after a search from some of the runs.

        Some runs are followed for the same time once more, with saved positions. A run recurs if these fill the same
        box in both halves of the saved time; a search for a cycle starts there. A run is on a cycle if the cycle is
        stable and the run is within NEAR of it, where the linearisation about the cycle holds.

        Args:
            ends: positions of runs that did not rest, ``(d, n)``.
            time: the duration of the round, which bounds the period.
            follow: a function that follows runs over times.
        """
        w, on = ends.numpy(), np.full(ends.shape[1], -1)
        if len(self._extent) < 2 or not len(on) or self._is_gradient(ends):
            return on
        self._label(w, on)
        waiting = np.flatnonzero(on < 0)
        if not waiting.size:
            return on
        some = waiting[:: -(-len(waiting) // PROBES)]
        paths = follow(ends[:, some], time * np.linspace(0.5, 1.0, SAVES))
        recurs, later = self._recurs(paths), paths[-1]
        for _ in range(ATTEMPTS[0]):
            first = np.flatnonzero(recurs & (self._nearest(later) < 0))[:1]
            if not first.size or self._attempts >= ATTEMPTS[1]:
                break
            new = search(self._flow, later[:, first[0]], time, max_returns=2, max_restarts=1)
            if isinstance(new, Cycle) and new.stable and not any(_same(new, other) for other in self.found):
                self.found.append(new)
            else:
                self._attempts += 1
                if len(w) > PLANE:
                    break
            recurs[first] &= self._nearest(later[:, first]) >= 0  # the run is tried once in a round
        self._label(w, on)
        self.rounds += bool((self._recurs(paths) & (on[some] < 0)).any())
        return on

    def _label(self, w: np.ndarray, on: np.ndarray) -> None:
        open_runs = np.flatnonzero(on < 0)
        on[open_runs] = self._nearest(w[:, open_runs])

    def _nearest(self, w: np.ndarray) -> np.ndarray:
        """Return the index of the cycle on which each point ``(d, n)`` is, or −1."""
        on = np.full(w.shape[1], -1)
        for number, cycle in enumerate(self.found):
            on[(on < 0) & (_distance(w, cycle.w) <= NEAR * cycle.extent)] = number
        return on

    def _is_gradient(self, w: torch.Tensor) -> bool:
        """Return whether the field has symmetric Jacobians, as that of gradient descent, which has no cycles."""
        a = self._flow.jacobian_at(w[:, :PROBES])
        return bool(((a - a.transpose(0, 1)).abs().amax((0, 1)) <= SYMMETRIC * a.abs().amax((0, 1))).all())

    def _recurs(self, positions: np.ndarray) -> np.ndarray:
        """Return which runs fill the same box in both halves of their saved positions, ``(n,)``."""
        middle = len(positions) // 2
        (low, high), (later_low, later_high) = (
            (part.min(0), part.max(0)) for part in (positions[: middle + 1], positions[middle:])
        )
        size = (later_high - later_low).max(0)
        apart = np.maximum(np.abs(low - later_low), np.abs(high - later_high)).max(0)
        wide = ((later_high - later_low) / self._extent[:, None]).max(0) > SMALLEST
        return np.asarray(wide & (apart <= SAME_BOX * size))


def _same(a: Cycle, b: Cycle) -> bool:
    return abs(a.period - b.period) <= NEAR * b.period and bool((_distance(a.w.T, b.w) <= NEAR * b.extent).all())


def _distance(w: np.ndarray, curve: np.ndarray) -> np.ndarray:
    """Return the distance of points ``(d, n)`` from the closed polygon through ``(m, d)``, ``(n,)``."""
    nearest = np.full(w.shape[1], np.inf)
    for a, b in zip(curve, np.roll(curve, -1, axis=0), strict=True):
        along = b - a
        share = np.clip((along @ (w - a[:, None])) / max(float(along @ along), 1e-300), 0, 1)
        nearest = np.minimum(nearest, np.linalg.norm(w - a[:, None] - share * along[:, None], axis=0))
    return nearest
