"""Many runs, a chunk at a time, each through all of its steps."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from ...compiler import NotCompilable
from ...dynamics import Map
from ...dynamics.settings import select
from ..settling import at_rest
from ..statistics.gathered import Gathered
from ..statistics.moments import block
from ..status import Status
from .advance import Advance, choose, eager
from .iterate import Iterates
from .stepping import Steps
from .trajectories import Trajectories

# Numbers in one tensor of a chunk. In eager torch every operation writes one: as much as a cache holds.
NUMBERS = {("eager", "cpu"): 2**18, ("compiled", "cpu"): 2**22, ("eager", "cuda"): 2**25, ("compiled", "cuda"): 2**27}


@dataclass
class Course:
    """Runs, and what to do with them.

    Attributes:
        steps: the step.
        start: ``(d, N)``, and velocity, the same or None for none; on the CPU.
        saves: after which steps to look at them, ascending; the last are all steps.
        seed, first_step: as in ``simulate``.
        runs: the indices by which the runs draw their noise, ``(N,)`` int64.
        device: where to compute.
        kept: what is kept of them.
    """

    steps: Steps
    start: torch.Tensor
    velocity: torch.Tensor | None
    saves: np.ndarray
    seed: int
    runs: torch.Tensor
    first_step: int
    device: torch.device
    kept: Trajectories | Gathered

    def run(self, backend: str, show: Callable[[float], None]) -> tuple[str, str]:
        """Take all runs through all steps; return the name of the backend that did, and why it.

        What is kept does not depend on the chunks. Where memory does not suffice for a chunk, it is halved; where what
        was compiled fails, eager torch takes over. ``show`` is told of steps, as of one ensemble.

        Raises:
            InputError: a start that a scheme has no step from; before any is taken.
        """
        d, runs = self.start.shape
        like = self._iterates(slice(0, 1), eager(self.steps)).state
        taker = choose(backend, self.steps, like, runs, int(self.saves[-1]))
        least = block(d)
        size = max(least, NUMBERS[taker.name, self.device.type] // d // least * least)
        if not isinstance(self.steps.map_, Map):  # schemes look at their starts
            for first in range(0, runs, size):
                self._iterates(slice(first, first + size), eager(self.steps))
        first = 0
        while first < runs:
            part = slice(first, min(first + size, runs))
            before = self.kept.copy()
            try:
                with self._iterates(part, taker) as iterates:
                    self._take(part, iterates, show)
            except NotCompilable as error:
                taker, self.kept = eager(self.steps, f"not compiled: {error}"), before
            except (MemoryError, RuntimeError) as error:
                if size == least or not _is_of_memory(error):
                    raise
                size, self.kept = max(least, size // 2 // least * least), before
            else:
                first = part.stop
        return taker.name, taker.reason

    def _iterates(self, part: slice, taker: Advance) -> Iterates:
        """Return some of the runs at their starts."""
        return Iterates(
            self.steps,
            self.start[:, part].to(self.device, copy=True),
            taker,
            velocity=None if self.velocity is None else self.velocity[:, part],
            settings=[values[part] for values in self.steps.per_run.values()],
            runs=self.runs[part],
            seed=self.seed,
            first_step=self.first_step,
        )

    def _take(self, part: slice, iterates: Iterates, show: Callable[[float], None]) -> None:
        n, runs = part.stop - part.start, self.start.shape[1]
        seen = self.kept.chunk(part, self.start[:, part])

        def tell(steps: int) -> None:
            show((part.start * int(self.saves[-1]) + n * steps) / runs)

        for slot, save in enumerate(map(int, self.saves)):
            iterates.advance(save - iterates.done, tell)
            w, running = iterates.w, iterates.running
            inside = self.steps.inside(w)
            seen.observe(slot, w, inside & ~running, ~inside)
        status = np.array([Status.LEFT, Status.DIVERGED])[inside.cpu().numpy().astype(np.int8)]
        status[running.cpu().numpy()] = Status.UNDECIDED
        map_ = self.steps.map_
        if isinstance(map_, Map) and map_.noise is None:
            going = running.nonzero().squeeze(1)
            here = select(map_, going.cpu() + part.start)
            rest = at_rest(here, tuple(p[:, going] for p in iterates.parts))
            status[going[rest].cpu().numpy()] = Status.SETTLED
        seen.finish(status, iterates.end, iterates.parts)


def _is_of_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in str(error)
