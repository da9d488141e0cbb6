"""What is kept of every run: where it was at each save, and how it ended."""

from typing import Self

import numpy as np
import torch

from ...dynamics import State
from ...landscapes import Landscape
from ..status import DTYPE


class Trajectories:
    """N runs at some saves.

    Attributes:
        w, loss: ``(saves, d, N)`` and ``(saves, N)``.
        v: with momentum the last velocities, ``(d, N)``; otherwise None.
        status: ``(N,)``, what became of the runs.
        end: ``(N,)``, how many steps they took.
    """

    def __init__(self, landscape: Landscape, saves: int, start: torch.Tensor, momentum: bool) -> None:
        """Make room for runs that start at ``(d, N)``."""
        self.landscape = landscape
        self.w = start.new_empty((saves, *start.shape))
        self.loss = start.new_empty((saves, start.shape[1]))
        self.v = torch.empty_like(start) if momentum else None
        self.status = np.empty(start.shape[1], dtype=DTYPE)
        self.end = np.empty(start.shape[1], dtype=np.int64)

    def copy(self) -> Self:
        """Return what is stored so far, to go back to: itself, since a run is written over."""
        return self

    def chunk(self, part: slice, start: torch.Tensor) -> "Part":
        """Go on with some of the runs, which start at ``(d, n)``."""
        return Part(self, part)


class Part:
    """Some of the runs on their way through all steps."""

    def __init__(self, whole: Trajectories, part: slice) -> None:
        self._whole, self._part = whole, part

    def observe(self, slot: int, w: torch.Tensor, diverged: torch.Tensor, outside: torch.Tensor) -> None:
        """Store where the runs are at a save: w ``(d, n)``. What else statistics are given is not needed."""
        self._whole.w[slot][:, self._part] = w
        self._whole.loss[slot][self._part] = self._whole.landscape.value(w)

    def finish(self, status: np.ndarray, end: torch.Tensor, state: State) -> None:
        """Store what became of them, ``(n,)`` each, and of the last state the velocity."""
        self._whole.status[self._part] = status
        self._whole.end[self._part] = end.cpu()
        if self._whole.v is not None:
            self._whole.v[:, self._part] = state[1]
