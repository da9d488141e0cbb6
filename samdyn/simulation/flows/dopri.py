"""Dormand and Prince's method of order 5 for many initial values, each with steps of its own."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from ..backends import Backend, Compiled, Eager
from .chooser import FIRST, Chooser, advance
from .runs import AT_END, NO_STEP, OUT_OF_STEPS, OUTSIDE, STALL, STIFF, Limits, Runs
from .trial import Batch, Trial, combined, tableau

PERIOD = 16  # steps between two checks whether runs are stiff or hardly move
MAX_SLOW_MOVE = 1000.0  # |Δw|∞ in PERIOD steps, over the tolerance, up to which a run hardly moves
SLOW_EVIDENCE = 4  # evidence of a jump that a run gives by hardly moving, in rejected steps
MIN_STIFF_RATE = 2.0  # |hλ| above which a step is stiff
MIN_STIFF_CHECKS = 4  # checks in a row at which a run has to seem stiff
MIN_STEPS_LEFT = 1000  # steps of the present length up to the last time; with fewer ahead stiffness does not matter
SHOW_PERIOD = 64  # steps between two reports of progress


def solve(
    trial: Callable[[torch.Tensor], Trial],
    runs: Runs,
    which: torch.Tensor,
    limits: Limits,
    patience: torch.Tensor,
    chooser: Chooser | None = None,
) -> None:
    """Integrate some of the runs from their present states to the last time, or as far as they get.

    The embedded method of order 4 chooses the steps of every run. Runs that end drop out of the batch. The method's own
    interpolant of order 4 gives the values between steps. The coefficients are those of SciPy's RK45.

    A run is stiff if the stability of the method limits its steps [Hairer, Wanner, section IV.2] and many of them lie
    ahead. A run stalls where the field jumps: there the error falls with the step, not with its fifth power, and later
    the run hardly moves. The run ends with that outcome once the evidence reaches ``patience`` and its steps are
    shorter than the trial's ``reach``.

    Args:
        trial: function that returns the step, in torch, of runs (n,).
        runs: the runs, which are updated.
        which: ``(n,)``, the runs to integrate.
        limits: tolerances, box and number of steps.
        patience: ``(n,)``, the evidence of a jump that ends a run.
        chooser: chooses when compiled steps replace those in torch; None for torch alone.
    """
    if not len(which):
        return
    integration = _Integration.start(trial, runs, which, limits, patience)
    while len(integration.which):
        integration.choose(chooser)
        integration.advance()
        integration.retire()


@dataclass
class _Integration:
    """The state of one call of ``solve``.

    Attributes:
        trial, runs, limits: as in ``solve``.
        backend: what computes the steps.
        which: (n,), the indices of the runs in the batch.
        batch: the data of these runs, padded to a multiple of the backend's block with copies that do not go on.
        mark: (d, n), the positions at the latest check.
        stiff_checks: (n,), the number of checks in a row at which the run seemed stiff.
        count: the number of steps so far.
    """

    trial: Callable[[torch.Tensor], Trial]
    runs: Runs
    limits: Limits
    backend: Backend
    which: torch.Tensor
    batch: Batch
    mark: torch.Tensor
    stiff_checks: torch.Tensor
    count: int = 0

    @classmethod
    def start(
        cls,
        trial: Callable[[torch.Tensor], Trial],
        runs: Runs,
        which: torch.Tensor,
        limits: Limits,
        patience: torch.Tensor,
    ) -> "_Integration":
        """Begin at the present states of the runs."""
        step, w, last = trial(which), runs.w[:, which], runs.times[-1]
        f = step.field(w)
        h, excess = _first_step(w, f, last), runs.steps[which] - limits.max_steps
        batch = Batch.start(w, f, runs.t[which], h, excess, last, (limits.low, limits.high), patience)
        return cls(trial, runs, limits, Eager(step), which, batch, batch.w, torch.zeros_like(which))

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
        t, w = (self.batch.t.clone(), self.batch.w.clone()) if saves_between else (self.batch.t, self.batch.w)
        self.batch = advance(self.backend, self.batch, steps)
        self.count += steps
        if saves_between:
            n = len(self.which)
            _interpolate(self.runs, self.which, t[:n], self.batch.t[:n], w[:, :n], self.batch.k[..., :n])
        if self.count % PERIOD == 0:
            self._check()
            self.mark = self.batch.w.clone()

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

    def _store(self, at: torch.Tensor) -> None:
        """Copy the data of these columns of the batch to the runs."""
        batch, runs, ids = self.batch, self.runs, self.which[at]
        w, t = batch.w[:, at], batch.t[at]
        outcome = torch.where(batch.excess[at] < 0, NO_STEP, OUT_OF_STEPS)
        outcome[self.stiff_checks[at] >= MIN_STIFF_CHECKS] = STIFF
        outcome[batch.at_jump[at]] = STALL
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
        self.mark, self.stiff_checks = self.mark[:, columns], self.stiff_checks[columns]
        if isinstance(self.backend, Eager):
            self.backend = Eager(self.trial(self.which))

    def _check(self) -> None:
        """End runs that are stiff, or hardly move at a jump."""
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


def hardly_moves(w: torch.Tensor, mark: torch.Tensor, h: torch.Tensor, rest: torch.Tensor, tol: float) -> torch.Tensor:
    """Say which runs moved no further in PERIOD steps than errors would, with many such steps ahead: (n,).

    Args:
        w, mark: (d, n), the positions now and PERIOD steps ago.
        h: (n,), the latest step.
        rest: (n,), the time that is left.
        tol: the tolerance.
    """
    slow = (w - mark).abs().amax(0) <= min(MAX_SLOW_MOVE * tol, 1e-3) * w.abs().amax(0).clamp(min=1)
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
