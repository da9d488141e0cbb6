"""The states and outcomes of the runs of a flow, and the limits that all solvers obey."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import torch

# The outcomes of an integration of a run.
RUNNING = 0  # it has not ended
AT_END = 1  # it reached the last time
OUTSIDE = 2  # it left the box
OUT_OF_STEPS = 3  # it tried as many steps as it may
STALL = 4  # its steps are short and do not get longer, as where the field jumps
SHORT_STEPS = 5  # LSODA's steps stay short: it stalls, or it has passed a jump and must restart
STIFF = 6  # stability limits its steps; another solver must go on
TRAPPED = 8  # it is in a region that no run leaves
NO_STEP = 7  # no step is both short enough for the tolerance and long enough to change the state or the time


@dataclass
class Runs:
    """N runs of a flow.

    Attributes:
        times: (saves,), ascending, the times to save.
        states: (saves, d, N), the states at these times; solvers write them as the runs pass.
        t, w: (N,) and (d, N), the present time and position of each run.
        h: (N,), the latest step that the run tried.
        steps: (N,), the number of steps that the run tried, accepted or rejected.
        outcome: (N,), the outcome of its latest integration.
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
        """Save the present positions of these runs at all later times."""
        later = self.times[:, None, None] >= self.t[which]
        self.states[:, :, which] = torch.where(later, self.w[:, which], self.states[:, :, which])


@dataclass(frozen=True)
class Limits:
    """The limits of an integration.

    Attributes:
        rtol, atol: bounds on the local error, relative and in the units of w.
        low, high: (d, 1), the box; a run that leaves it ends.
        max_steps: steps that a run may try.
        show: callback that gets the least time of all runs from time to time.
    """

    rtol: float
    atol: float
    low: torch.Tensor
    high: torch.Tensor
    max_steps: int
    show: Callable[[float], None]

    @property
    def resting_distance(self) -> float:
        """The distance from a resting point at which a run rests, relative to max(1, ‖w‖∞)."""
        return max(torch.finfo(torch.float64).eps ** 0.5, 10 * self.rtol, 10 * self.atol)

    def outside(self, w: torch.Tensor) -> torch.Tensor:
        """Say which points ``(d, n)`` lie outside the box, or are not finite: ``(n,)``."""
        return ~((w >= self.low) & (w <= self.high)).all(0)
