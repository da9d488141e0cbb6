"""Many runs, a chunk at a time, each through all of its steps."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
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
from ..threads import one_thread, threads_for
from .backends import Backend, Compiled, Eager, choose
from .stepping import Ensemble, Steps
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
        taker, why = choose(backend, self.steps, self._ensemble(slice(0, 1), 1), runs, int(self.saves[-1]))
        least = block(d)
        size = max(least, NUMBERS[taker.name, self.device.type] // d // least * least)
        if not isinstance(self.steps.map_, Map):  # schemes look at their starts
            for first in range(0, runs, size):
                self._ensemble(slice(first, first + size), 1)
        first = 0
        while first < runs:
            part = slice(first, min(first + size, runs))
            before = self.kept.copy()
            try:
                with self._threads(taker, d * (part.stop - first)):
                    self._take(part, taker, show)
            except NotCompilable as error:
                taker, why, self.kept = Eager(self.steps), f"not compiled: {error}", before
            except (MemoryError, RuntimeError) as error:
                if size == least or not _is_of_memory(error):
                    raise
                size, self.kept = max(least, size // 2 // least * least), before
            else:
                first = part.stop
        return taker.name, why

    def _threads(self, taker: Backend, numbers: int) -> AbstractContextManager[None]:
        if self.device.type != "cpu":
            return nullcontext()
        return one_thread() if isinstance(taker, Compiled) else threads_for(numbers)

    def _ensemble(self, part: slice, multiple: int) -> Ensemble:
        """Return some of the runs at their starts, filled up with ones that do not run to a multiple."""
        w = self.start[:, part].to(self.device, copy=True)
        n = w.shape[1]
        fill = -n % multiple
        w = torch.cat([w, w[:, :1].expand(-1, fill)], 1)
        parts = self.steps.map_.start(w)
        if self.velocity is not None:
            v = self.velocity[:, part].to(self.device)
            parts = (w, torch.cat([v, v[:, :1].expand(-1, fill)], 1))
        place = torch.arange(n + fill, device=self.device)
        running = self.steps.inside(w) & (place < n)
        runs, *settings = (
            values[part].to(self.device)[place % n] for values in (self.runs, *self.steps.per_run.values())
        )
        settings = [values.to(w.dtype) if values.is_floating_point() else values for values in settings]
        return Ensemble(parts, running, torch.zeros_like(place), runs, tuple(settings))

    def _take(self, part: slice, taker: Backend, show: Callable[[float], None]) -> None:
        state = self._ensemble(part, taker.multiple)
        n, runs = part.stop - part.start, self.start.shape[1]
        seen = self.kept.chunk(part, self.start[:, part])
        done = 0

        def tell(steps: int) -> None:
            show((part.start * int(self.saves[-1]) + n * (done + steps)) / runs)

        for slot, save in enumerate(map(int, self.saves)):
            if save > done:
                taker.run(state, self.seed, self.first_step + done + 1, save - done, tell)
                done = save
            w, running = state.parts[0][:, :n], state.running[:n]
            inside = self.steps.inside(w)
            seen.observe(slot, w, inside & ~running, ~inside)
        status = np.array([Status.LEFT, Status.DIVERGED])[inside.cpu().numpy().astype(np.int8)]
        status[running.cpu().numpy()] = Status.UNDECIDED
        map_ = self.steps.map_
        if isinstance(map_, Map) and map_.noise is None:
            going = running.nonzero().squeeze(1)
            here = select(map_, going.cpu() + part.start)
            rest = at_rest(here, tuple(p[:, going] for p in state.parts))
            status[going[rest].cpu().numpy()] = Status.SETTLED
        seen.finish(status, state.end[:n], tuple(p[:, :n] for p in state.parts))


def _is_of_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in str(error)
