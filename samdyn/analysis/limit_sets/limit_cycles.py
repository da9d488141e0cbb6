"""Finds the limit cycles on which runs of a flow end, and assigns the runs to them."""

import numpy as np
import torch

from ...dynamics import Flow
from ..orbits.cycle import Cycle, search

SAVES = 33  # number of states of a run that are saved over the second half of its time
SAME_BOX = 0.02  # in units of the box's size; difference of the boxes of two halves of a run that recurs
SMALLEST = 1e-6  # in units of the box of the starts; a smaller motion may be that about an equilibrium
NEAR = 1e-3  # in units of the cycle's extent; distance from a stable cycle at which a run is on it
ATTEMPTS = 3, 12  # largest numbers of searches from runs, in one round and altogether
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

    def grid(self, time: float) -> np.ndarray:
        """Return the times to save in a round, ``(SAVES,)``."""
        return np.array(time * np.linspace(0.5, 1.0, SAVES))

    def assign(self, paths: torch.Tensor, time: float) -> np.ndarray:
        """Return the index of the cycle on which each run is, or −1; search from runs that recur.

        A run recurs if its positions in two successive quarters of its time fill the same box. It is on a cycle if the
        cycle is stable and its last position is within NEAR of it, where the linearisation about the cycle holds.

        Args:
            paths: saved positions of the runs, ``(SAVES, d, n)``.
            time: the duration of the round, which bounds the period.
        """
        positions, on = paths.numpy(), np.full(paths.shape[2], -1)
        if len(self._extent) < 2 or not positions.shape[2]:
            return on
        recurs = self._recurs(positions)
        ends = positions[-1]
        for number, cycle in enumerate(self.found):
            on[recurs & (on < 0) & self._is_near(ends, cycle)] = number
        for _ in range(ATTEMPTS[0]):
            waiting = np.flatnonzero(recurs & (on < 0))
            if not waiting.size or self._attempts >= ATTEMPTS[1]:
                break
            self._attempts += 1
            run = waiting[0]
            new = search(self._flow, ends[:, run], time, max_returns=2, max_restarts=1)
            if isinstance(new, Cycle) and new.stable and not any(_same(new, other) for other in self.found):
                self.found.append(new)
                on[recurs & (on < 0) & self._is_near(ends, new)] = len(self.found) - 1
            recurs[run] &= on[run] >= 0  # the run is tried once in a round
        self.rounds += bool((self._recurs(positions) & (on < 0)).any())
        return on

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

    def _is_near(self, w: np.ndarray, cycle: Cycle) -> np.ndarray:
        """Return which points ``(d, n)`` are on a cycle, ``(n,)``."""
        return np.asarray(_distance(w, cycle.w) <= NEAR * cycle.extent)


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
