"""Integration of flows whose field may jump: runs cross, slide, leave and rest in the sense of Filippov."""

from collections.abc import Callable

import torch

from ...ops import norm
from ..flows import dopri, lsoda
from ..flows.chooser import Chooser
from ..flows.rodas import ImplicitTrial
from ..flows.runs import AT_END, NO_STEP, OUT_OF_STEPS, Limits
from ..flows.trial import Trial
from ..flows.velocity import CompiledFlow
from .corners import past_corner
from .jumps import meet, passing, size
from .regions import TrapRegions
from .resting import resting_edges, sliding_rests
from .sliding import Sliding
from .states import FINAL, SINGLE_PATIENCE, FilippovRuns, State

SLIDING_PATIENCE = 12  # evidence that ends an integration while sliding, in steps rejected for want of a velocity
MIN_TO_SEND_AHEAD = 512  # number of runs of which some go first
AHEAD = 64  # number of those
MAX_MEETINGS = 100  # surfaces that a run may meet
CORNER_MEETINGS = 25  # surfaces that a corner counts as
BESIDE = 1e-11  # distance from a surface at which runs cross and leave it, relative to max(1, ‖w‖∞)
MIN_HOLDING_SPEED = 1e-3  # speed towards a surface, over that of the field beside it, with which it holds runs
MAX_NEGLIGIBLE = 1e-5  # upper bound on the errors that do not count, relative to max(1, ‖w‖∞)
TRAP_RADIUS = 100  # radius of the search for a trap, over the errors that do not count
SLIDING_REACH = 100  # length of a sliding step whose rejection may mean the end of the surface, over these errors


class Filippov:
    """Moves runs through their states (``states.State``) until all are done.

    Solvers integrate a run where the field is smooth. Where error control fails as at a jump (``dopri.solve``) the run
    is AT_JUMP. If the field traps it from all sides (``resting.traps``), it rests. If a surface lies ahead, it goes on
    behind the surface, or slides on it until the field beside it no longer points to it. Runs pass the corners of
    surfaces in small steps. A run that stays near corners, such as one that slides along an edge, ends "undecided".

    Attributes:
        runs: the runs, which are updated.
        chooser, implicit_chooser: choose the backend where the field is smooth, and where it is stiff.
    """

    def __init__(
        self, flow: CompiledFlow, runs: FilippovRuns, limits: Limits, traps: TrapRegions | None = None
    ) -> None:
        self.runs = runs
        self._flow, self._limits, backend = flow, limits, flow.backend
        self._sliding, self._traps = Sliding(flow, runs.normals, backend), traps or TrapRegions(flow)
        self._negligible = min(max(limits.rtol, limits.atol), MAX_NEGLIGIBLE)
        # ``meet`` approximates the path to a surface by a parabola, with an error of a sixth of the cube of its length.
        self._trial = Trial(flow, limits.rtol, limits.atol, self._negligible ** (1 / 3) / 2)
        self.chooser = Chooser(backend, self._trial)
        self._implicit = ImplicitTrial(flow, limits.rtol, limits.atol, self._trial.reach)
        self.implicit_chooser = Chooser(backend, self._implicit)
        self._smooth = State.IMPLICIT if self._traps.trap_most else State.SMOOTH  # where the field is smooth
        self._moves: dict[State, Callable[[torch.Tensor], None]] = {
            State.START: self._begin,
            State.SMOOTH: self._integrate,
            State.IMPLICIT: self._integrate_implicitly,
            State.SINGLE: self._integrate_singly,
            State.PROBE: self._probe,
            State.SLIDING: self._slide,
            State.LEAVING: self._leave,
            State.AT_JUMP: self._meet,
        }

    def follow(self, which: torch.Tensor) -> None:
        """Move these runs from state to state until all are done.

        Of many runs some go first. If points trap most of those that meet a jump, the field is smooth around the points
        and turns ever faster near them. The other runs then begin with implicit steps, and end where they enter the
        regions of these points.
        """
        self.chooser.expected = self.implicit_chooser.expected = len(which)
        if len(which) >= MIN_TO_SEND_AHEAD and not self._traps.trap_most:
            every = len(which) // AHEAD
            first = torch.zeros_like(which, dtype=torch.bool)
            first[every // 2 :: every] = True
            self._smooth = State.IMPLICIT
            self._follow(which[first])
            trapped, meets = self.runs.isolated[which[first]], self.runs.meetings[which[first]] > 0
            self._traps.trap_most = int(trapped.sum()) > int(meets.sum())
            self._smooth = State.IMPLICIT if self._traps.trap_most else State.SMOOTH
            which = which[~first]
        self._follow(which)

    def _follow(self, which: torch.Tensor) -> None:
        final = torch.tensor(FINAL, device=which.device)
        while not torch.isin(self.runs.state[which], final).all():
            for state, move in self._moves.items():
                some = which[self.runs.state[which] == state]
                if len(some):
                    move(some)

    def rests(self, which: torch.Tensor) -> torch.Tensor:
        """Say which of these runs, which reached the last time, rest where the field jumps or has a kink."""
        runs = self.runs
        sliding = which[runs.state[which] == State.END_ON_SURFACE]
        if len(sliding):
            rest, runs.w[:, sliding], alone = self._sliding_rests(sliding)
            self._rest(sliding[rest], alone[rest])
        others = which[runs.state[which] != State.RESTING]
        if len(others):
            rest, runs.w[:, others] = self._traps.find(runs.w[:, others], self._radius(others))
            self._rest(others[rest], True)
        # A run that still slides is on the way, however slow.
        edges = (runs.state[which] != State.RESTING) & (runs.state[which] != State.END_ON_SURFACE)
        rests, others = runs.state[which] == State.RESTING, which[edges]
        if len(others):
            rests[edges], runs.w[:, others] = resting_edges(self._flow, runs.w[:, others], self._radius(others))
        return rests

    # Integrations.

    def _integrate(self, which: torch.Tensor) -> None:
        patience = self.runs.patience[which]
        dopri.solve(lambda _: self._trial, self.runs, which, self._limits, patience, self.chooser, self._holds)
        self.runs.transition(which)

    def _integrate_implicitly(self, which: torch.Tensor) -> None:
        patience, trial, chooser = self.runs.patience[which], self._implicit, self.implicit_chooser
        dopri.solve(lambda _: trial, self.runs, which, self._limits, patience, chooser, self._holds)
        self.runs.transition(which)

    def _integrate_singly(self, which: torch.Tensor) -> None:
        for run in which.tolist():
            lsoda.solve(self._flow, self.runs, run, self._limits, int(self.runs.single_patience[run]))
        self.runs.transition(which)

    def _holds(self, w: torch.Tensor) -> torch.Tensor:
        return self._traps.holding(w)[0]

    def _slide(self, which: torch.Tensor) -> None:
        patience = torch.full_like(which, SLIDING_PATIENCE)
        dopri.solve(self._sliding_trial, self.runs, which, self._limits, patience)
        self.runs.transition(which)

    def _sliding_trial(self, which: torch.Tensor) -> Trial:
        """Return the step of runs on their surfaces."""
        sliding = self._sliding
        return Trial(
            lambda w: sliding(w, which),
            self._limits.rtol,
            self._limits.atol,
            SLIDING_REACH * self._negligible,
            lambda w: sliding.land(w, which),
            lambda moves: sliding.accept(which, moves),
        )

    # Decisions.

    def _begin(self, which: torch.Tensor) -> None:
        """Move runs that start on a surface to the side that they leave to, or let them slide.

        On a surface the value of the field is a convention, and may be that of neither side: the run would stand still.
        """
        runs, w = self.runs, self.runs.w[:, which]
        surface = passing(self._flow, w)
        towards, away = surface.speeds
        slides = surface.exists & torch.isfinite(surface.sliding_velocity).all(0)
        onward = surface.exists & (towards > 0) & (away > 0)
        back = surface.exists & (towards < 0) & (away < 0)
        side = onward.to(w.dtype) - back.to(w.dtype)
        runs.w[:, which] = torch.where(onward | back, surface.w + side * BESIDE * size(w) * surface.normal, w)
        runs.state[which] = State.SINGLE if len(runs.t) == 1 else self._smooth
        self._begin_to_slide(which[slides], surface.normal[:, slides])

    def _probe(self, which: torch.Tensor) -> None:
        """Find runs that are trapped, or meet a jump of the field; the others go on with LSODA."""
        runs, w = self.runs, self.runs.w[:, which]
        jump = self._traps.find(w, self._radius(which))[0]
        if not jump.all():
            jump[~jump] = meet(self._flow, w[:, ~jump], runs.h[which[~jump]])[0].exists
        runs.state[which] = torch.where(jump, State.AT_JUMP, State.SINGLE)
        runs.single_patience[which] = torch.where(jump, SINGLE_PATIENCE, 2 * runs.single_patience[which])

    def _meet(self, which: torch.Tensor) -> None:
        """Move runs to the surfaces ahead if they slide there, or beyond them; without a surface they go on."""
        which = self._untrapped(which)
        if not len(which):
            return
        runs, w = self.runs, self.runs.w[:, which]
        surface, time = meet(self._flow, w, runs.h[which])
        meets = surface.exists & (time < runs.times[-1] - runs.t[which])
        runs.patience[which[~meets]] *= 2  # a false alarm
        slides = meets & torch.isfinite(surface.sliding_velocity).all(0)
        crosses = meets & ~slides & (surface.speeds[0] > 0)
        behind = surface.w + BESIDE * size(w) * surface.normal
        runs.move(which[slides], time[slides], surface.w[:, slides])
        runs.move(which[crosses], time[crosses], behind[:, crosses])
        stands_still = ~slides & ~crosses & (runs.outcome[which] == NO_STEP)
        runs.state[which] = torch.where(stands_still, State.END, self._smooth)
        self._begin_to_slide(which[slides], surface.normal[:, slides])
        self._count_meetings(which, meets.long())

    def _leave(self, which: torch.Tensor) -> None:
        """Move runs off the surfaces that no longer hold them, or past a corner where the surfaces end."""
        # On a curve or a set of resting points no point traps runs, and each run would need a certificate of its own.
        rest, w, alone = self._sliding_rests(which)
        self._come_to_rest(which[rest & ~alone], w[:, rest & ~alone], False)
        which = which[~(rest & ~alone)]
        which = self._untrapped(which)
        if not len(which):
            return
        runs, w, h = self.runs, self.runs.w[:, which], self.runs.h[which]
        surface = self._sliding.surface(w, runs.normals[:, which])
        towards, away = surface.speeds
        forward = surface.exists & (-away < MIN_HOLDING_SPEED * norm(surface.after))
        backward = surface.exists & (towards < MIN_HOLDING_SPEED * norm(surface.before)) & ~forward
        # The point where the surface stops holding the run lies within the step that was rejected last.
        leaves = (forward | backward) & (h < runs.times[-1] - runs.t[which])
        ahead = torch.where(forward, surface.after, surface.before) * h
        side = torch.where(forward, 1.0, -1.0) * BESIDE * size(w)
        end = surface.w + ahead + side * surface.normal
        runs.move(which[leaves], h[leaves], end[:, leaves])
        runs.state[which] = self._smooth
        self._count_meetings(which, torch.where(leaves, 1, CORNER_MEETINGS))
        self._pass_corner(which[~leaves & (runs.state[which] == self._smooth)])

    # Parts of the decisions.

    def _radius(self, which: torch.Tensor) -> torch.Tensor:
        """Return the distance within which a trap counts as the position of the run: (n,)."""
        return TRAP_RADIUS * self._negligible * size(self.runs.w[:, which])

    def _untrapped(self, which: torch.Tensor) -> torch.Tensor:
        """Let the runs rest that are trapped from all sides; return the others."""
        runs = self.runs
        rest, w = self._traps.find(runs.w[:, which], self._radius(which))
        self._come_to_rest(which[rest], w[:, rest], True)
        return which[~rest]

    def _sliding_rests(self, which: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Say which sliding runs rest, and where, and whether at isolated points (``resting.sliding_rests``)."""
        w, normals = self.runs.w[:, which], self.runs.normals[:, which]
        return sliding_rests(self._sliding, w, normals, self._limits.resting_distance)

    def _come_to_rest(self, which: torch.Tensor, w: torch.Tensor, isolated: bool) -> None:
        """Let runs rest at points (d, n) until the last time."""
        runs = self.runs
        runs.w[:, which] = w
        runs.hold(which)
        runs.t[which], runs.outcome[which] = runs.times[-1], AT_END
        self._rest(which, isolated)

    def _rest(self, which: torch.Tensor, isolated: torch.Tensor | bool) -> None:
        self.runs.state[which], self.runs.isolated[which], self.runs.slid[which] = State.RESTING, isolated, True

    def _begin_to_slide(self, which: torch.Tensor, normals: torch.Tensor) -> None:
        self.runs.normals[:, which] = normals
        self.runs.state[which], self.runs.slid[which] = State.SLIDING, True

    def _count_meetings(self, which: torch.Tensor, number: torch.Tensor) -> None:
        """Add to the number of surfaces that runs met, and end the runs that met too many."""
        runs = self.runs
        runs.meetings[which] += number
        over = which[runs.meetings[which] > MAX_MEETINGS]
        runs.state[over], runs.outcome[over] = State.END, OUT_OF_STEPS

    def _pass_corner(self, which: torch.Tensor) -> None:
        """Move runs past a corner, at which surfaces have no normal."""
        if not len(which):
            return
        rest = self.runs.times[-1] - self.runs.t[which]
        w, time = past_corner(self._flow, self.runs.w[:, which], rest, self._flow.backend)
        self.runs.move(which, time, w)
