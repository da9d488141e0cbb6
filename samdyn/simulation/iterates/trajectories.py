"""The record of trajectories: the positions of every run at the saves, and its end."""

from collections.abc import Sequence
from typing import Self

import numpy as np
import torch

from ...dynamics import State
from ...dynamics.settings import select
from ...landscapes import Landscape
from ..status import DTYPE


class Trajectories:
    """The trajectories of N runs.

    Attributes:
        w: ``(saves, d, N)``, the positions.
        loss: ``(saves, N)``, the losses.
        memory: the last values of the arrays of the state beside w, ``(d, N)`` each, by name, as v with momentum.
        status: ``(N,)`` of str, the ``Status`` of each run.
        end: ``(N,)`` int64, the number of steps that each run took.
    """

    def __init__(self, landscape: Landscape, saves: int, start: torch.Tensor, memory: Sequence[str]) -> None:
        """Allocate memory for runs that start at ``start`` ``(d, N)``."""
        self.landscape = landscape
        self.w = start.new_empty((saves, *start.shape))
        self.loss = start.new_empty((saves, start.shape[1]))
        self.memory = {name: torch.empty_like(start) for name in memory}
        self.status = np.empty(start.shape[1], dtype=DTYPE)
        self.end = np.empty(start.shape[1], dtype=np.int64)

    def copy(self) -> Self:
        """Return a record to go back to: this one, since a chunk that starts again overwrites its runs."""
        return self

    def chunk(self, part: slice, start: torch.Tensor) -> "Part":
        """Return the recorder of some of the runs, which start at ``start`` ``(d, n)``."""
        return Part(self, part)


class Part:
    """Records some of the runs."""

    def __init__(self, whole: Trajectories, part: slice) -> None:
        self._whole, self._part = whole, part
        self._landscape = select(whole.landscape, part)

    def observe(self, slot: int, w: torch.Tensor, diverged: torch.Tensor, outside: torch.Tensor) -> None:
        """Store the positions w ``(d, n)`` at a save. Only statistics use the other arguments."""
        self._whole.w[slot][:, self._part] = w
        self._whole.loss[slot][self._part] = self._landscape.value(w)

    def finish(self, status: np.ndarray, end: torch.Tensor, state: State) -> None:
        """Store the statuses and the numbers of steps, ``(n,)`` each, and the memory of the last state."""
        if len(status) == len(self._whole.status):  # no copy
            self._whole.status, self._whole.end = status, end.cpu().numpy()
        else:
            self._whole.status[self._part], self._whole.end[self._part] = status, end.cpu()
        for whole, part in zip(self._whole.memory.values(), state[1:], strict=True):
            whole[:, self._part] = part
