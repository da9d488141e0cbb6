"""Integration of many initial values, each with steps of its own, by Dormand and Prince's method or by RODAS."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from ..backends import Backend, Compiled, Eager
from .chooser import FIRST, Chooser, advance
from .runs import AT_END, NO_STEP, OUT_OF_STEPS, OUTSIDE, STALL, STIFF, TRAPPED, Limits, Runs
from .trial import Batch, Trial, combined, tableau

PERIOD = 16  # steps between two checks whether runs are stiff or hardly move
MAX_SLOW_MOVE = 1000.0  # |Δw|∞ in PERIOD steps, over the tolerance, up to which a run hardly moves
MAX_SLOW_IMPLICIT_MOVE = 100.0  # the same for implicit steps, which get to within a trap's radius of a point
SLOW_EVIDENCE = 4  # evidence of a jump that a run gives by hardly moving, in rejected steps
MIN_STIFF_RATE = 2.0  # |hλ| above which a step is stiff
MIN_STIFF_CHECKS = 4  # checks in a row at which a run has to seem stiff
MIN_STEPS_LEFT = 1000  # steps of the present length up to the last time; with fewer ahead stiffness does not matter
SHOW_PERIOD = 64  # steps between two reports of progress
MIN_STEPS_TO_JUDGE = 4 * PERIOD  # implicit steps after which their lengths predict how many more there will be
LSODA_COST = 200  # time of LSODA for a run, in implicit steps of a batch in torch
MAX_BESIDE_COMPILED = 64  # number of runs up to which LSODA takes the last few beside compiled steps, which are faster
MIN_BATCH_COST = 8  # number of runs below which the step of a batch costs no less


def solve(
    trial: Callable[[torch.Tensor], Trial],
    runs: Runs,
    which: torch.Tensor,
    limits: Limits,
    patience: torch.Tensor,
    chooser: Chooser | None = None,
    holds: Callable[[torch.Tensor], torch.Tensor] | None = None,
) -> None:
    """Integrate some of the runs from their present states to the last time, or as far as they get.

    The embedded method chooses the steps of every run. Runs that end drop out of the batch. For explicit steps the
    method's own interpolant of order 4 gives the values between steps; their coefficients are those of SciPy's RK45.
    Implicit steps end at the times to save.

    A run is stiff if the stability of the explicit method limits its steps [Hairer, Wanner, section IV.2] and many of
    them lie ahead. A run stalls where the field jumps: there the error falls with the step, not with a higher power,
    and later the run hardly moves. The run ends with that outcome once the evidence reaches ``patience`` and its steps
    are shorter than the trial's ``reach``. With implicit steps it stalls if it hardly moves, in steps that do not grow,
    at one check in a row for four of ``patience``.

    Down a narrow, curved valley the order of the implicit method falls to 2, and multistep methods need far fewer
    steps. Where few runs need many steps on the CPU, they end with the outcome STIFF, for LSODA.

    Args:
        trial: function that returns the step, in torch, of runs (n,).
        runs: the runs, which are updated.
        which: ``(n,)``, the runs to integrate.
        limits: tolerances, box and number of steps.
        patience: ``(n,)``, the evidence of a jump that ends a run.
        chooser: chooses when compiled steps replace those in torch; None for torch alone.
        holds: test whether points ``(d, n)`` lie in regions that no run leaves. A run that enters one ends, TRAPPED.
    """
    if not len(which):
        return
    integration = _Integration.start(trial, runs, which, limits, patience, holds)
    while len(integration.which):
        integration.choose(chooser)
        integration.advance()
        integration.retire()


@dataclass
class _Integration:
    """The state of one call of ``solve``.

    Attributes:
        trial, runs, limits, holds: as in ``solve``.
        backend: what computes the steps.
        which: (n,), the indices of the runs in the batch.
        batch: the data of these runs, padded to a multiple of the backend's block with copies that do not go on.
        mark: (d, n), the positions at the latest check.
        h_at_mark: (n,), the steps at the latest check.
        stiff_checks: (n,), the number of checks in a row at which the run seemed stiff.
        stalled_checks: (n,), the number of checks in a row at which a run with implicit steps stood still.
        trapped: (n,), whether the run ended in a region that holds it.
        count: the number of steps so far.
    """

    trial: Callable[[torch.Tensor], Trial]
    runs: Runs
    limits: Limits
    backend: Backend
    which: torch.Tensor
    batch: Batch
    mark: torch.Tensor
    h_at_mark: torch.Tensor
    stiff_checks: torch.Tensor
    stalled_checks: torch.Tensor
    trapped: torch.Tensor
    holds: Callable[[torch.Tensor], torch.Tensor] | None
    count: int = 0

    @classmethod
    def start(
        cls,
        trial: Callable[[torch.Tensor], Trial],
        runs: Runs,
        which: torch.Tensor,
        limits: Limits,
        patience: torch.Tensor,
        holds: Callable[[torch.Tensor], torch.Tensor] | None,
    ) -> "_Integration":
        """Begin at the present states of the runs."""
        step, w, last = trial(which), runs.w[:, which], runs.times[-1]
        f = step.field(w)
        t, excess = runs.t[which], runs.steps[which] - limits.max_steps
        h = _first_step(w, f, last)
        if not step.explicit:
            h = torch.where(runs.h[which] > 0, runs.h[which], h)
            # A run may have been moved to the last time from a corner; it ends at once.
            last = runs.times[torch.searchsorted(runs.times, t, right=True).clamp(max=len(runs.times) - 1)]
        batch = Batch.start(w, f, t, h, excess, last, (limits.low, limits.high), patience)
        zero = torch.zeros_like(which)
        return cls(trial, runs, limits, Eager(step), which, batch, batch.w, batch.h, zero, zero, zero > 0, holds)

    def choose(self, chooser: Chooser | None) -> None:
        """Change to the compiled backend if the chooser returns it."""
        due = self.count % PERIOD == 0 or self.count == FIRST
        if chooser is None or isinstance(self.backend, Compiled) or not due:
            return
        compiled = chooser.choose(self.batch, len(self.which), self.count)
        if compiled:
            self.backend = compiled
            self._select(torch.arange(len(self.which), device=self.which.device))

    def advance(self) -> None:
        """Try one step of every run, or several, and check the runs every PERIOD steps."""
        saves_between = len(self.runs.times) > 1
        steps = PERIOD - self.count % PERIOD if isinstance(self.backend, Compiled) and not saves_between else 1
        before = self.batch
        t, w, h = (part.clone() if saves_between else part for part in (before.t, before.w, before.h))
        self.batch = advance(self.backend, before, steps)
        self.count += steps
        if saves_between:
            n = len(self.which)
            if self._explicit:
                _interpolate(self.runs, self.which, t[:n], self.batch.t[:n], w[:, :n], self.batch.k[..., :n])
            else:
                self._save(h)
        if self.count % PERIOD == 0:
            self._check()
            self.mark, self.h_at_mark = self.batch.w.clone(), self.batch.h.clone()

    def retire(self) -> None:
        """Store the runs that ended, and drop them from the batch when they are many."""
        n = len(self.which)
        ends = ~self.batch.active[:n]
        number = int(ends.sum())
        if number > n // 16 or number == n:
            self._store(ends.nonzero().squeeze(1))
            self._select(self.batch.active.nonzero().squeeze(1))
        if self.count % SHOW_PERIOD == 0 and len(self.which):
            self.limits.show(float(self.batch.t[self.batch.active].min()))

    @property
    def _explicit(self) -> bool:
        return self.trial(self.which).explicit

    def _save(self, h: torch.Tensor) -> None:
        """Save the runs whose steps ``h`` reached a time to save, and let them go on to the next."""
        batch, times, n = self.batch, self.runs.times, len(self.which)
        at = ((batch.t >= batch.last) & (batch.last < times[-1]))[:n].nonzero().squeeze(1)
        following = torch.searchsorted(times, batch.t[at], right=True)
        self.runs.states[following - 1, :, self.which[at]] = batch.w[:, at].T
        inside = ~self.limits.outside(batch.w[:, at]) & (batch.excess[at] < 0)
        batch.last[at], batch.active[at] = times[following], inside
        batch.h[at] = torch.maximum(h[at], batch.h[at])  # a step that ends at a time to save predicts little

    def _store(self, at: torch.Tensor) -> None:
        """Copy the data of these columns of the batch to the runs."""
        batch, runs, ids = self.batch, self.runs, self.which[at]
        w, t = batch.w[:, at], batch.t[at]
        outcome = torch.where(batch.excess[at] < 0, NO_STEP, OUT_OF_STEPS)
        outcome[self.stiff_checks[at] >= MIN_STIFF_CHECKS] = STIFF
        outcome[batch.at_jump[at]] = STALL
        outcome[self.trapped[at]] = TRAPPED
        outcome[t >= runs.times[-1]] = AT_END
        outcome[self.limits.outside(w)] = OUTSIDE
        runs.t[ids], runs.w[:, ids], runs.h[ids] = t, w, batch.latest_h[at]
        runs.steps[ids], runs.outcome[ids] = self.limits.max_steps + batch.excess[at], outcome

    def _select(self, indices: torch.Tensor) -> None:
        """Reduce the batch to these columns, and pad it."""
        self.which = self.which[indices]
        if not len(indices):
            return
        columns = torch.cat([indices, indices[:1].expand(-len(indices) % self.backend.multiple)])
        self.batch = self.batch.select(columns)
        self.batch.active[len(indices) :] = False
        self.mark, self.h_at_mark = self.mark[:, columns], self.h_at_mark[columns]
        self.stiff_checks, self.stalled_checks = self.stiff_checks[columns], self.stalled_checks[columns]
        self.trapped = self.trapped[columns]
        if isinstance(self.backend, Eager):
            self.backend = Eager(self.trial(self.which))

    def _check(self) -> None:
        """End runs that are held, stiff, or hardly move at a jump."""
        if self.holds is not None:
            self.trapped = (self.batch.t < self.batch.last) & self.holds(self.batch.w)
            self.batch.active = self.batch.active & ~self.trapped
        if not self._explicit:
            self._check_implicit()
            return
        batch, trial = self.batch, self.trial(self.which)
        k, active, rest = batch.k, batch.active, batch.last - batch.t
        far = MIN_STEPS_LEFT * batch.latest_h < rest
        if not bool((far & active).any()):  # stiffness and jumps do not matter to runs that soon reach the last time
            self.stiff_checks = torch.where(active, 0, self.stiff_checks)
            return
        if trial.land is None:
            a, b, _ = tableau(k.device)
            distance = (combined(b, k) - combined(a[-1], k)).abs().amax(0)  # the points that k[6] and k[5] belong to
            unstable = far & ((k[6] - k[5]).abs().amax(0) > MIN_STIFF_RATE * distance)
            # A rejected step was too long, for any reason, and is no evidence of stiffness.
            accepts = batch.jump_error == torch.inf
            checks = torch.where(unstable, self.stiff_checks + 1, 0)
            self.stiff_checks = torch.where(active & accepts, checks, self.stiff_checks)
        slow = hardly_moves(batch.w, self.mark, batch.latest_h, rest, max(trial.rtol, trial.atol))
        batch.jump_evidence = batch.jump_evidence + SLOW_EVIDENCE * slow
        short = batch.latest_h * batch.f.abs().amax(0) <= trial.reach * batch.w.abs().amax(0).clamp(min=1)
        batch.at_jump = batch.at_jump | (active & slow & short & (batch.jump_evidence >= batch.patience))
        batch.active = active & ~batch.at_jump & (self.stiff_checks < MIN_STIFF_CHECKS)

    def _check_implicit(self) -> None:
        """End runs that hardly move, in steps that do not grow; and few runs that need many steps."""
        batch, limits, n = self.batch, self.limits, len(self.which)
        rest = self.runs.times[-1] - batch.t
        tol = max(limits.rtol, limits.atol)
        slow = hardly_moves(batch.w, self.mark, batch.latest_h, rest, tol, MAX_SLOW_IMPLICIT_MOVE)
        stalls = slow & (batch.h <= 2 * self.h_at_mark)
        self.stalled_checks = torch.where(stalls, self.stalled_checks + 1, 0)
        batch.at_jump = batch.at_jump | (batch.active & (SLOW_EVIDENCE * self.stalled_checks >= batch.patience))
        batch.active = batch.active & ~batch.at_jump
        if batch.w.device.type == "cpu" and self.count >= MIN_STEPS_TO_JUDGE and batch.active.any():
            ahead = (rest / batch.h).clamp(max=limits.max_steps)[batch.active]
            worth = not isinstance(self.backend, Compiled) or len(self.runs.t) <= MAX_BESIDE_COMPILED
            if worth and ahead.min() > LSODA_COST * max(n, MIN_BATCH_COST):
                self.stiff_checks = torch.where(batch.active, MIN_STIFF_CHECKS, self.stiff_checks)
                batch.active = torch.zeros_like(batch.active)


def hardly_moves(
    w: torch.Tensor, mark: torch.Tensor, h: torch.Tensor, rest: torch.Tensor, tol: float, most: float = MAX_SLOW_MOVE
) -> torch.Tensor:
    """Say which runs moved no further in PERIOD steps than errors would, with many such steps ahead: (n,).

    Args:
        w, mark: (d, n), the positions now and PERIOD steps ago.
        h: (n,), the latest step.
        rest: (n,), the time that is left.
        tol: the tolerance.
        most: the distance that counts as moving, over the tolerance.
    """
    slow = (w - mark).abs().amax(0) <= min(most * tol, 1e-3) * w.abs().amax(0).clamp(min=1)
    return slow & (PERIOD * h < 1e-2 * rest)


def _first_step(w: torch.Tensor, f: torch.Tensor, last: torch.Tensor) -> torch.Tensor:
    # A hundredth of the time in which the state would change by its own size, or by the landscape's unit. Error control
    # corrects it.
    guess = 1e-2 * w.abs().amax(0).clamp(min=1) / f.abs().amax(0)
    return torch.where((guess > 0) & (guess < last), guess, 1e-6 * last)


def _interpolate(
    runs: Runs,
    which: torch.Tensor,
    t: torch.Tensor,
    new_t: torch.Tensor,
    w: torch.Tensor,
    k: torch.Tensor,
) -> None:
    """Save the states at the times in (t, new_t], by the interpolant of the steps. ``k`` are the stages times h."""
    from scipy.integrate import RK45

    p = torch.as_tensor(RK45.P, dtype=w.dtype, device=w.device)
    first = torch.searchsorted(runs.times, t, right=True)
    after = torch.searchsorted(runs.times, new_t, right=True)
    unsaved = after > first
    while unsaved.any():
        at = unsaved.nonzero().squeeze(1)
        theta = (runs.times[first[at]] - t[at]) / (new_t - t)[at]
        weights = p @ torch.stack([theta, theta**2, theta**3, theta**4])  # (7, n)
        runs.states[first[at], :, which[at]] = (w[:, at] + (weights[:, None] * k[:, :, at]).sum(0)).T
        first[at] += 1
        unsaved = after > first
