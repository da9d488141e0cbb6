"""Runs of a flow on their way through the times to save, and the limits that all solvers hold them to."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import torch

# How an integration of a run ended.
RUNNING = 0  # it has not ended
AT_END = 1  # it reached the last time
OUTSIDE = 2  # it left the box
OUT_OF_STEPS = 3  # it tried as many steps as it may
STALL = 4  # its steps are short and do not get longer, as where the field jumps
SHORT_STEPS = 5  # LSODA's steps stay short: it stalls, or it has passed a jump and has to begin anew
STIFF = 6  # stability keeps its steps short: a task for another solver
NO_STEP = 7  # no step is both short enough for the tolerance and long enough to change the state or the time


@dataclass
class Runs:
    """N runs on their way through ``times`` (saves,), ascending.

    Attributes:
        states: (saves, d, N), filled in as the runs pass the times.
        t, w: (N,) and (d, N), where each run is.
        h: (N,), the step it tried last.
        steps: (N,), how many it tried, accepted or rejected.
        outcome: (N,), how its last integration ended.
    """

    times: torch.Tensor
    states: torch.Tensor
    t: torch.Tensor
    w: torch.Tensor
    h: torch.Tensor
    steps: torch.Tensor
    outcome: torch.Tensor

    @classmethod
    def start(cls, w0: torch.Tensor, times: torch.Tensor) -> Self:
        """Put N runs at their starts ``(d, N)``, at t = 0."""
        zero, none = torch.zeros_like(w0[0]), torch.zeros_like(w0[0], dtype=torch.int64)
        states = w0.expand(len(times), *w0.shape).clone()
        return cls(times, states, zero, w0.clone(), zero.clone(), none, none.clone())

    def hold(self, which: torch.Tensor) -> None:
        """Save, at all times from now on, where these runs are."""
        later = self.times[:, None, None] >= self.t[which]
        self.states[:, :, which] = torch.where(later, self.w[:, which], self.states[:, :, which])


@dataclass(frozen=True)
class Limits:
    """The limits of an integration.

    Attributes:
        rtol, atol: bounds on the local error, relative and in the units of w.
        low, high: (d, 1), the box; a run that leaves it ends.
        max_steps: steps that a run may try.
        show: callback that reports the least time of all runs, now and then.
    """

    rtol: float
    atol: float
    low: torch.Tensor
    high: torch.Tensor
    max_steps: int
    show: Callable[[float], None]

    def outside(self, w: torch.Tensor) -> torch.Tensor:
        """Say which points ``(d, n)`` lie outside the box, or are not finite: ``(n,)``."""
        return ~((w >= self.low) & (w <= self.high)).all(0)
