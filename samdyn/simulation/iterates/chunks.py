"""Runs in chunks: every chunk takes all of its steps before the next one starts."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from ...compiler import NotCompilable
from ...dynamics import Map
from ...dynamics.settings import select
from ..settling import at_rest
from ..statistics.accumulators import Accumulators
from ..statistics.moments import block
from ..status import DTYPE, Status
from .advance import Advance, choose, eager
from .iterate import Iterates
from .stepping import Steps
from .trajectories import Trajectories

# Numbers in one tensor of a chunk, by backend and device. Eager torch writes a tensor per operation: a cache holds one.
NUMBERS = {("eager", "cpu"): 2**18, ("compiled", "cpu"): 2**22, ("eager", "cuda"): 2**25, ("compiled", "cuda"): 2**27}


@dataclass
class ChunkRunner:
    """Takes N runs through all steps in chunks, and records them.

    Attributes:
        steps: the step.
        start: ``(d, N)``, on the CPU.
        memory: the arrays of the state beside w, ``(d, N)`` each, on the CPU; None for those of the first step.
        saves: ``(saves,)``, ascending, the numbers of steps after which the runs are recorded; the last is all steps.
        seed, first_step: as in ``simulate``.
        runs: ``(N,)`` int64, the indices by which the runs draw their noise; None for the indices of the runs.
        first_run: the index of the first run.
        device: the device that computes.
        record: the trajectories, or the accumulators of statistics.
    """

    steps: Steps
    start: torch.Tensor
    memory: tuple[torch.Tensor, ...] | None
    saves: np.ndarray
    seed: int
    runs: torch.Tensor | None
    first_run: int
    first_step: int
    device: torch.device
    record: Trajectories | Accumulators

    def run(self, backend: str, show: Callable[[float], None]) -> tuple[str, str]:
        """Take all runs through all steps; return the name of the backend, and the reason for its choice.

        The record does not depend on the chunks. A chunk that does not fit in memory is halved. Where compiled code
        fails, eager torch takes over. ``show`` gets the number of steps done, averaged over all runs.

        Raises:
            InputError: a scheme has no step from one of the starts. This is raised before the first step.
        """
        d, runs = self.start.shape
        like = self._iterates(slice(0, 1), eager(self.steps)).state
        taker = choose(backend, self.steps, like, runs, int(self.saves[-1]))
        least = block(d)
        size = max(least, NUMBERS[taker.name, self.device.type] // d // least * least)
        if not isinstance(self.steps.map_, Map):  # schemes check their starts
            for first in range(0, runs, size):
                self._iterates(slice(first, first + size), eager(self.steps))
        first = 0
        while first < runs:
            part = slice(first, min(first + size, runs))
            before = self.record.copy()
            try:
                with self._iterates(part, taker) as iterates:
                    self._take(part, iterates, show)
            except NotCompilable as error:
                taker, self.record = eager(self.steps, f"not compiled: {error}"), before
            except (MemoryError, RuntimeError) as error:
                if size == least or not _is_out_of_memory(error):
                    raise
                size, self.record = max(least, size // 2 // least * least), before
            else:
                first = part.stop
        return taker.name, taker.reason

    def _iterates(self, part: slice, taker: Advance) -> Iterates:
        """Return the runs of one chunk at their starts."""
        start = self.start[:, part].to(self.device, copy=True)
        first = self.first_run + part.start
        return Iterates(
            self.steps,
            start,
            taker,
            memory=None if self.memory is None else tuple(array[:, part] for array in self.memory),
            settings=self.steps.settings_of(part),
            runs=first + torch.arange(start.shape[1], device=self.device) if self.runs is None else self.runs[part],
            seed=self.seed,
            first_step=self.first_step,
        )

    def _take(self, part: slice, iterates: Iterates, show: Callable[[float], None]) -> None:
        n, runs = part.stop - part.start, self.start.shape[1]
        recorder = self.record.chunk(part, self.start[:, part])

        def report(steps: int) -> None:
            show((part.start * int(self.saves[-1]) + n * steps) / runs)

        for slot, save in enumerate(map(int, self.saves)):
            iterates.advance(save - iterates.done, report)
            w, running = iterates.w, iterates.running
            inside = self.steps.inside(w)
            recorder.observe(slot, w, inside & ~running, ~inside)
        status = np.full(n, Status.UNDECIDED, dtype=DTYPE)
        stopped = (~running).nonzero().squeeze(1)
        if len(stopped):
            ends = np.array([Status.LEFT, Status.DIVERGED])[inside[stopped].cpu().numpy().astype(np.int8)]
            status[stopped.cpu().numpy()] = ends
        map_ = self.steps.map_
        if isinstance(map_, Map) and not map_.is_random and not map_.schedules:
            going = running.nonzero().squeeze(1)
            settings = select(map_, going + part.start)
            number = self.first_step + iterates.done + 1
            rest = at_rest(settings, tuple(p[:, going] for p in iterates.parts), number)
            status[going[rest].cpu().numpy()] = Status.SETTLED
        recorder.finish(status, iterates.end, iterates.parts)


def _is_out_of_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in str(error)
