"""The states of a run whose field may jump, and which state follows when an integration ends."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Self

import torch

from ..flows.runs import NO_STEP, SHORT_STEPS, STALL, STIFF, Runs


class State(IntEnum):
    """What happens to a run next."""

    START = 0  # see whether it starts on a surface
    SMOOTH = 1  # integrate, by explicit steps
    IMPLICIT = 2  # integrate, by implicit steps: the field is stiff
    SINGLE = 3  # integrate by itself, by LSODA: it is the only run, or few stiff ones need many steps
    PROBE = 4  # see whether a jump lies ahead, since LSODA's steps are short
    SLIDING = 5  # integrate on its surface
    LEAVING = 6  # see where its surface no longer holds it
    AT_JUMP = 7  # see whether it rests at a jump, crosses it or slides on it
    RESTING = 8  # at a point or on a surface where the field jumps, for good
    DONE = 9  # it ended beside surfaces
    DONE_ON_SURFACE = 10  # it ended while it slid


FINAL = (State.RESTING, State.DONE, State.DONE_ON_SURFACE)

# The state that follows when an integration ends with an outcome. With other outcomes the run is done.
NEXT = {
    (State.SMOOTH, STIFF): State.IMPLICIT,
    (State.SMOOTH, STALL): State.AT_JUMP,
    (State.IMPLICIT, STIFF): State.SINGLE,
    (State.IMPLICIT, STALL): State.AT_JUMP,
    (State.SINGLE, SHORT_STEPS): State.PROBE,
    (State.SINGLE, STALL): State.AT_JUMP,
    (State.SLIDING, STALL): State.LEAVING,
    (State.SLIDING, NO_STEP): State.LEAVING,
}
LAST = {State.SLIDING: State.DONE_ON_SURFACE}  # from the other states it is DONE

# The states that may follow where ``filippov.Filippov`` decides by the field around a run.
DECISIONS = {
    State.START: (State.SMOOTH, State.SINGLE, State.SLIDING),
    State.PROBE: (State.SINGLE, State.AT_JUMP),
    State.LEAVING: (State.SMOOTH, State.RESTING, State.DONE),
    State.AT_JUMP: (State.SMOOTH, State.SLIDING, State.RESTING, State.DONE),
}

PATIENCE = 4  # evidence of a jump that ends an integration, in rejected steps; twice as much after a false alarm
SINGLE_PATIENCE = 20  # short steps of LSODA in a row that end an integration; twice as many after a false alarm


@dataclass
class FilippovRuns(Runs):
    """N runs of a flow whose field may jump.

    Attributes:
        state: (N,), of State.
        normals: (d, N), the normal of the surface that a run slides on.
        patience: (N,), the evidence of a jump that ends an integration.
        single_patience: (N,), the short steps that end an integration by LSODA.
        meetings: (N,), count of surfaces that a run met; corners count for more.
        slid: (N,), whether a run slid on a surface, or rests where the field jumps.
        isolated: (N,), whether a run rests at a jump, but not on a curve of such points, or a set.
    """

    state: torch.Tensor
    normals: torch.Tensor
    patience: torch.Tensor
    single_patience: torch.Tensor
    meetings: torch.Tensor
    slid: torch.Tensor
    isolated: torch.Tensor

    @classmethod
    def start(cls, w0: torch.Tensor, times: torch.Tensor) -> Self:
        """Put N runs at their starts ``(d, N)``, at t = 0."""
        runs = Runs.start(w0, times)
        zero = torch.zeros_like(runs.steps)
        no, yet = zero > 0, zero.clone()
        return cls(
            **vars(runs), state=yet + State.START, normals=torch.zeros_like(w0), patience=zero + PATIENCE,
            single_patience=zero + SINGLE_PATIENCE, meetings=zero.clone(), slid=no, isolated=no.clone(),
        )  # fmt: skip

    def transition(self, which: torch.Tensor) -> None:
        """Give these runs the states that follow from how their integrations ended."""
        for run_state in self.state[which].unique().tolist():
            state = State(run_state)
            some = which[self.state[which] == state]
            self.state[some] = LAST.get(state, State.DONE)
            for (before, outcome), after in NEXT.items():
                if before == state:
                    self.state[some[self.outcome[some] == outcome]] = after

    def move(self, which: torch.Tensor, time: torch.Tensor, w: torch.Tensor) -> None:
        """Put these runs at w (d, n), ``time`` (n,) later, on straight lines."""
        start, end = self.t[which], self.t[which] + time
        passes = (self.times[:, None] > start) & (self.times[:, None] <= end)
        if passes.any():
            share = ((self.times[:, None] - start) / time)[:, None]
            between = self.w[:, which] + share * (w - self.w[:, which])
            self.states[:, :, which] = torch.where(passes[:, None], between, self.states[:, :, which])
        self.t[which], self.w[:, which] = end, w
