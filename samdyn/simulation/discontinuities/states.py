"""The states of a run whose field may jump, and the transitions at the end of an integration."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Self

import torch

from ..flows.runs import NO_STEP, SHORT_STEPS, STALL, STIFF, TRAPPED, Runs


class State(IntEnum):
    """The next action for a run."""

    START = 0  # check whether it starts on a surface
    SMOOTH = 1  # integrate by explicit steps
    IMPLICIT = 2  # integrate by implicit steps, since the field is stiff
    SINGLE = 3  # integrate alone by LSODA: it is the only run, or one of few stiff runs that need many steps
    PROBE = 4  # check whether a jump lies ahead, since LSODA's steps are short
    SLIDING = 5  # integrate on its surface
    LEAVING = 6  # find the point where its surface no longer holds it
    AT_JUMP = 7  # decide whether it rests at a jump, crosses it or slides on it
    RESTING = 8  # final: it rests at a point or on a surface where the field jumps
    END = 9  # final: it ended beside surfaces
    END_ON_SURFACE = 10  # final: it ended while it slid


FINAL = (State.RESTING, State.END, State.END_ON_SURFACE)

# The state that follows when an integration ends with an outcome. With other outcomes the run is done.
NEXT = {
    (State.SMOOTH, STIFF): State.IMPLICIT,
    (State.SMOOTH, STALL): State.AT_JUMP,
    (State.SMOOTH, TRAPPED): State.AT_JUMP,
    (State.SMOOTH, NO_STEP): State.AT_JUMP,
    (State.IMPLICIT, STIFF): State.SINGLE,
    (State.IMPLICIT, STALL): State.AT_JUMP,
    (State.IMPLICIT, TRAPPED): State.AT_JUMP,
    (State.IMPLICIT, NO_STEP): State.AT_JUMP,
    (State.SINGLE, SHORT_STEPS): State.PROBE,
    (State.SINGLE, STALL): State.AT_JUMP,
    (State.SLIDING, STALL): State.LEAVING,
    (State.SLIDING, NO_STEP): State.LEAVING,
}
LAST = {State.SLIDING: State.END_ON_SURFACE}  # the final state by the present one; END for the others

# The states that may follow where ``filippov.Filippov`` decides by the field around a run.
DECISIONS = {
    State.START: (State.SMOOTH, State.IMPLICIT, State.SINGLE, State.SLIDING),
    State.PROBE: (State.SINGLE, State.AT_JUMP),
    State.LEAVING: (State.SMOOTH, State.IMPLICIT, State.RESTING, State.END),
    State.AT_JUMP: (State.SMOOTH, State.IMPLICIT, State.SLIDING, State.RESTING, State.END),
}

PATIENCE = 4  # evidence of a jump that ends an integration, in rejected steps; a false alarm doubles it
SINGLE_PATIENCE = 20  # short steps of LSODA in a row that end an integration; a false alarm doubles them


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
        false = zero > 0
        return cls(
            **vars(runs), state=zero + State.START, normals=torch.zeros_like(w0), patience=zero + PATIENCE,
            single_patience=zero + SINGLE_PATIENCE, meetings=zero.clone(), slid=false, isolated=false.clone(),
        )  # fmt: skip

    def transition(self, which: torch.Tensor) -> None:
        """Set the states of these runs by the outcomes of their integrations."""
        for run_state in self.state[which].unique().tolist():
            state = State(run_state)
            runs = which[self.state[which] == state]
            self.state[runs] = LAST.get(state, State.END)
            for (before, outcome), after in NEXT.items():
                if before == state:
                    self.state[runs[self.outcome[runs] == outcome]] = after

    def move(self, which: torch.Tensor, time: torch.Tensor, w: torch.Tensor) -> None:
        """Move these runs on straight lines to w (d, n), in ``time`` (n,)."""
        start, end = self.t[which], self.t[which] + time
        passes = (self.times[:, None] > start) & (self.times[:, None] <= end)
        if passes.any():
            share = ((self.times[:, None] - start) / time)[:, None]
            between = self.w[:, which] + share * (w - self.w[:, which])
            self.states[:, :, which] = torch.where(passes[:, None], between, self.states[:, :, which])
        self.t[which], self.w[:, which] = end, w
