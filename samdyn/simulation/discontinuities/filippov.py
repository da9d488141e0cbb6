"""Runs of a flow whose field may jump: they cross, slide, leave and rest, in the sense of Filippov."""

from collections.abc import Callable

import torch

from ...ops import norm
from ..flows import dopri, lsoda, rodas
from ..flows.chooser import Chooser
from ..flows.dopri import COMPLETE, LOST, SPENT, STALLED, STIFF, Runs
from ..flows.trial import Trial
from ..units import ScaledFlow
from .jumps import meet, passing, size
from .resting import held, rests_sliding, stays
from .sliding import Sliding, slide

PATIENCE = 4  # rejections of the kind of a jump before one is looked for; twice as many after every false alarm
BOUND_PATIENCE = 12  # the same while sliding, where a velocity that has no value is what rejects steps
MEETINGS = 100  # a run that meets more surfaces than this is given up
BESIDE = 1e-11  # runs cross and leave surfaces to this distance from them, relative to max(1, ‖w‖∞)
CORNER, SMALL = 1e-4, 2.5e-8  # how far runs are taken past a corner of surfaces, in what steps, relative likewise
PARALLEL = 1e-3  # a surface is left where the field beside it has less than this share of its speed across it


class Follower:
    """Takes runs of a flow to their ends, over the jumps of its field.

    Where error control fails as it does at a jump (``dopri.solve``), the run is looked at. Held from all sides it rests
    (``resting.held``). If a surface lies ahead it goes on behind it, or slides on it, until the field beside it no
    longer points to it. Corners where surfaces meet are passed in small steps; a run that does not get away from them,
    as one that slides along the corner, is given up.

    Attributes:
        slid: (N,), which runs slid on a surface, if only to rest there, or rest at a point where the field jumps.
        rested: (N,), which runs rest on a surface or at such a point.
        alone: (N,), which of those do not rest on a curve of such points, or a set.
    """

    def __init__(
        self,
        flow: ScaledFlow,
        runs: Runs,
        rtol: float,
        atol: float,
        box: tuple[torch.Tensor, torch.Tensor],
        max_steps: int,
        show: Callable[[float], None],
        backend: str,
    ) -> None:
        self.flow, self.runs, self.max_steps = flow, runs, max_steps
        self.slid, self.rested, self.alone = (torch.zeros_like(runs.t, dtype=torch.bool) for _ in range(3))
        self.sliding = Sliding(flow, torch.zeros_like(runs.w))
        self.near = min(max(rtol, atol), 1e-5)  # errors of this size, relative to max(1, ‖w‖∞), do not count
        # The way to a surface is taken to be a parabola; a sixth of the cube of its length is what that errs by.
        self._bound = torch.zeros_like(self.slid)
        self._begun = torch.zeros_like(self.slid)
        self._free = Trial(flow, rtol, atol, self.near ** (1 / 3) / 2)
        self.chooser = Chooser(backend, self._free)
        self._ends = (box, max_steps, show)
        self._patience = torch.full_like(runs.steps, PATIENCE)
        self._meetings = torch.zeros_like(runs.steps)

    def follow(self, free: torch.Tensor) -> None:
        """Take these runs as far as they get."""
        runs = self.runs
        free, bound = self.begin(free)
        low, high = self._ends[0]

        def outside(w: torch.Tensor) -> torch.Tensor:
            return ~((w >= low) & (w <= high)).all(0)

        while len(free) or len(bound):
            dopri.solve(lambda _: self._free, runs, free, *self._ends, self._patience[free], self.chooser)
            stiff = free[runs.outcome[free] == STIFF]
            bounds = self._free.rtol, self._free.atol
            rodas.solve(self.flow, runs, stiff, *bounds, outside, *self._ends[1:])
            for run in stiff[runs.outcome[stiff] == STIFF].tolist():
                lsoda.solve(self.flow, runs, run, *bounds, outside, self.max_steps, self.jump_ahead)
            dopri.solve(self._sliding, runs, bound, *self._ends, torch.full_like(bound, BOUND_PATIENCE))
            free = free[runs.outcome[free] == STALLED]
            bound = bound[(runs.outcome[bound] == STALLED) | (runs.outcome[bound] == LOST)]
            left = self._left(self._unheld(bound))
            free, bound = self._met(self._unheld(free))
            free = torch.cat([free, left])

    def begin(self, which: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Put runs that start on a surface where they belong; return those that go on freely and those that slide.

        On a surface the field has a value by convention, which may be neither side's: a run that starts there would
        stand still.
        """
        runs, new = self.runs, which[~self._begun[which]]
        self._begun[new] = True
        w = runs.w[:, new]
        surface = passing(self.flow, w)
        towards, away = surface.speeds
        slides = surface.known & torch.isfinite(slide(surface)).all(0)
        onward = surface.known & (towards > 0) & (away > 0)
        back = surface.known & (towards < 0) & (away < 0)
        side = onward.to(w.dtype) - back.to(w.dtype)
        runs.w[:, new] = torch.where(onward | back, surface.w + side * BESIDE * size(w) * surface.normal, w)
        ids = new[slides]
        self.sliding.normals[:, ids] = surface.normal[:, slides]
        self.slid[ids] = self._bound[ids] = True
        bound = self._bound[which]
        return which[~bound], which[bound]

    def jump_ahead(self, run: int) -> bool:
        """Whether a run is held from all sides, or has a jump of the field on the way."""
        which = torch.tensor([run], device=self.runs.t.device)
        w, h = self.runs.w[:, which], self.runs.h[which]
        return bool(held(self.flow, w, self._radius(which))[0]) or bool(meet(self.flow, w, h)[0].known)

    def resting(self, which: torch.Tensor, tolerance: float) -> torch.Tensor:
        """Say which of these runs, that got to the end, rest where the field jumps or has a kink."""
        w = self.runs.w
        bound = which[~self.rested[which] & self._bound[which]]
        if len(bound):
            found = rests_sliding(self.sliding, w[:, bound], self.sliding.normals[:, bound], tolerance)
            self.rested[bound], w[:, bound], self.alone[bound] = found
        free = which[~self.rested[which]]
        if len(free):
            self.rested[free], w[:, free] = held(self.flow, w[:, free], self._radius(free))
            self.alone[free] = self.rested[free]
        self.slid[which] |= self.rested[which]
        rests, others = self.rested[which], which[~self.rested[which]]
        if len(others):
            rests[~rests], w[:, others] = stays(self.flow, w[:, others], self._radius(others))
        return rests

    def _sliding(self, which: torch.Tensor) -> Trial:
        """Return the steps of runs on their surfaces."""
        sliding = self.sliding
        return Trial(
            lambda w: sliding(w, which),
            self._free.rtol,
            self._free.atol,
            100 * self.near,
            lambda w: sliding.land(w, which),
            lambda accepted: sliding.accept(which, accepted),
        )

    def _radius(self, which: torch.Tensor) -> torch.Tensor:
        return 100 * self.near * size(self.runs.w[:, which])

    def _unheld(self, which: torch.Tensor) -> torch.Tensor:
        """Let runs that are held from all sides rest; return the others."""
        if not len(which):
            return which
        runs = self.runs
        rests, w = held(self.flow, runs.w[:, which], self._radius(which))
        ids = which[rests]
        runs.w[:, ids] = w[:, rests]
        runs.hold(ids)
        runs.t[ids], runs.outcome[ids] = runs.times[-1], COMPLETE
        self.rested[ids] = self.alone[ids] = self.slid[ids] = True
        self._bound[ids] = False
        return which[~rests]

    def _met(self, which: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Take stalled runs to the surfaces ahead; return those that go on freely and those that slide."""
        if not len(which):
            return which, which
        runs = self.runs
        w = runs.w[:, which]
        surface, time = meet(self.flow, w, runs.h[which])
        known = surface.known & (time < runs.times[-1] - runs.t[which])
        self._patience[which[~known]] *= 2  # a false alarm
        towards, _ = surface.speeds
        slides = known & torch.isfinite(slide(surface)).all(0)
        crosses = known & ~slides & (towards > 0)
        behind = surface.w + BESIDE * size(w) * surface.normal
        self._move(which[slides], time[slides], surface.w[:, slides])
        self._move(which[crosses], time[crosses], behind[:, crosses])
        ids = which[slides]
        self.sliding.normals[:, ids] = surface.normal[:, slides]
        self.slid[ids] = self._bound[ids] = True
        self._meetings[which[known]] += 1
        again = self._meetings[which] <= MEETINGS
        runs.outcome[which[~again]] = SPENT
        return which[~slides & again], which[slides & again]

    def _left(self, which: torch.Tensor) -> torch.Tensor:
        """Let runs leave the surfaces that no longer hold them; return those that go on."""
        if not len(which):
            return which
        runs = self.runs
        w, h = runs.w[:, which], runs.h[which]
        surface = self.sliding.surface(w, self.sliding.normals[:, which])
        towards, away = surface.speeds
        forward = surface.known & (-away < PARALLEL * norm(surface.after))
        backward = surface.known & (towards < PARALLEL * norm(surface.before)) & ~forward
        leaves = forward | backward
        # The end of the surface's hold lies within the step that was refused last.
        ahead = torch.where(forward, surface.after, surface.before) * h
        side = torch.where(forward, 1.0, -1.0) * BESIDE * size(w)
        out = surface.w + ahead + side * surface.normal
        leaves &= h < runs.times[-1] - runs.t[which]
        ids = which[leaves]
        self._move(ids, h[leaves], out[:, leaves])
        self._meetings[which] += torch.where(leaves, 1, MEETINGS // 4)
        again = self._meetings[which] <= MEETINGS
        runs.outcome[which[~again]] = SPENT
        self._pass_corner(which[~leaves & again])
        self._bound[which[again]] = False
        return which[again]

    def _pass_corner(self, which: torch.Tensor) -> None:
        """Take runs on by steps so small that it does not matter where they switch sides.

        Where surfaces meet, no normal can be had. Euler's method follows Filippov's solution there, to about SMALL.
        """
        if not len(which):
            return
        w, time = self.runs.w[:, which], torch.zeros_like(self.runs.t[which])
        rest = self.runs.times[-1] - self.runs.t[which]
        for _ in range(round(CORNER / SMALL)):
            velocity = self.flow(w)
            h = torch.minimum(SMALL * size(w) / norm(velocity).clamp(min=1e-300), rest - time)
            w, time = w + h * velocity, time + h
        self._move(which, time, w)

    def _move(self, which: torch.Tensor, time: torch.Tensor, w: torch.Tensor) -> None:
        """Put runs at w, ``time`` later."""
        runs = self.runs
        old, new = runs.t[which], runs.t[which] + time
        passed = (runs.times[:, None] > old) & (runs.times[:, None] <= new)
        if passed.any():
            share = ((runs.times[:, None] - old) / time)[:, None]
            between = runs.w[:, which] + share * (w - runs.w[:, which])
            runs.states[:, :, which] = torch.where(passed[:, None], between, runs.states[:, :, which])
        runs.t[which], runs.w[:, which] = new, w
