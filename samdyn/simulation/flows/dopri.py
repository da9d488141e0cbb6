"""Dormand and Prince's method of order 5 for many initial values, each with steps of its own."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from ..backends import Backend, Compiled, Eager
from .chooser import FIRST, Chooser, advanced
from .trial import Batch, Trial, combined, tableau

PERIOD, STILL = 16, 1000.0  # a run that moves less than this, in tolerances, in so many steps hardly moves
GOING, COMPLETE, STOPPED, SPENT, STALLED, STIFF, LOST = range(7)  # how a run ended
UNSTABLE, STIFF_CHECKS, MANY = 2.0, 4, 1000  # |hλ| of a stiff step, how often in a row, with how many steps ahead


@dataclass
class Runs:
    """N runs on their way through ``times`` (saves,), ascending.

    Attributes:
        states: (saves, d, N), filled in as they are passed.
        t, w: (N,) and (d, N), where each run is.
        h: (N,), the last step it tried.
        steps: (N,), how many it took, accepted and rejected.
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
    def start(cls, w0: torch.Tensor, times: torch.Tensor) -> "Runs":
        """Put N runs at their starts ``(d, N)``, at t = 0."""
        zero, none = torch.zeros_like(w0[0]), torch.zeros_like(w0[0], dtype=torch.int64)
        states = w0.expand(len(times), *w0.shape).clone()
        return cls(times, states, zero, w0.clone(), zero.clone(), none, none.clone())

    def hold(self, which: torch.Tensor) -> None:
        """Let saved states from now on show where these runs are."""
        later = self.times[:, None, None] >= self.t[which]
        self.states[:, :, which] = torch.where(later, self.w[:, which], self.states[:, :, which])


def solve(
    trial: Callable[[torch.Tensor], Trial],
    runs: Runs,
    which: torch.Tensor,
    box: tuple[torch.Tensor, torch.Tensor],
    max_steps: int,
    show: Callable[[float], None],
    patience: torch.Tensor,
    chooser: Chooser | None = None,
) -> None:
    """Take some of the runs from where they are to the last time, or as far as they get.

    Every run chooses its own steps, by the embedded method of order 4; runs that are done drop out of the batch. Values
    between steps come from the interpolant of order 4 that belongs to the method. The coefficients are SciPy's RK45.

    A run is stiff if it is the method's stability that keeps its steps short [Hairer, Wanner, section IV.2], with many
    of them ahead. A run stalls where the field jumps. There the error falls with the step and not with its fifth power,
    and later the run hardly moves. It ends so when such things were seen ``patience`` times and its steps are shorter
    than the trial's ``reach``.

    Args:
        trial: of runs, (n,), the step that they try, in torch.
        runs: brought up to date.
        which: ``(n,)``, the runs to integrate.
        box: low and high, ``(d, 1)`` each; a run that leaves it ends.
        max_steps: a run that takes more, accepted and rejected, ends where it is.
        show: told the least time reached, now and then.
        patience: ``(n,)``, how many signs of a jump are let pass.
        chooser: of compiled steps in place of those in torch, where they pay; None for torch alone.
    """
    if not len(which):
        return
    last, several = runs.times[-1], len(runs.times) > 1
    backend: Backend = Eager(trial(which))
    batch = _start(trial(which), runs, which, box, max_steps, patience)
    mark, checks = batch.w, torch.zeros_like(which)
    number, count = len(which), 0  # of runs, others only fill up the batch; and of steps
    while True:
        if chooser and isinstance(backend, Eager) and (count % PERIOD == 0 or count == FIRST):
            compiled = chooser.choose(batch, number, count)
            if compiled:
                backend = compiled
                everyone = torch.arange(number, device=which.device)
                which, mark, checks, batch = _kept(everyone, backend, which, mark, checks, batch)
        steps = PERIOD - count % PERIOD if isinstance(backend, Compiled) and not several else 1
        t, w = (batch.t.clone(), batch.w.clone()) if several else (batch.t, batch.w)
        batch = advanced(backend, batch, steps)
        count += steps
        if several:
            _interpolate(runs, which, t, batch.t, w, batch.k)
        if count % PERIOD == 0:
            checks = _look(trial(which), batch, mark, checks)
            mark = batch.w.clone()
        ended = ~batch.going[:number]
        over = int(ended.sum())
        if over > number // 16 or over == number:
            out = ended.nonzero().squeeze(1)
            ids, w = which[out], batch.w[:, out]
            outcome = torch.where(batch.beyond[out] < 0, LOST, SPENT)
            outcome[checks[out] >= STIFF_CHECKS] = STIFF
            outcome[batch.stalled[out]] = STALLED
            outcome[batch.t[out] >= last] = COMPLETE
            outcome[~((w >= box[0]) & (w <= box[1])).all(0)] = STOPPED
            runs.t[ids], runs.w[:, ids], runs.h[ids] = batch.t[out], w, batch.tried[out]
            runs.steps[ids], runs.outcome[ids] = max_steps + batch.beyond[out], outcome
            number -= over
            if not number:
                break
            going = batch.going.nonzero().squeeze(1)
            which, mark, checks, batch = _kept(going, backend, which, mark, checks, batch)
            if not isinstance(backend, Compiled):
                backend = Eager(trial(which))
        if count % 64 == 0:
            show(float(batch.t[batch.going].min()))


def _start(
    trial: Trial,
    runs: Runs,
    which: torch.Tensor,
    box: tuple[torch.Tensor, torch.Tensor],
    max_steps: int,
    patience: torch.Tensor,
) -> Batch:
    w, last = runs.w[:, which], runs.times[-1]
    f = trial.field(w)
    h = _first_step(w, f, last)
    return Batch.start(w, f, runs.t[which], h, runs.steps[which] - max_steps, last, box, patience)


def _kept(
    stay: torch.Tensor,
    backend: Backend,
    which: torch.Tensor,
    mark: torch.Tensor,
    checks: torch.Tensor,
    batch: Batch,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, Batch]:
    """Return what is known of the runs that stay, filled up with copies that do not go on."""
    filled = torch.cat([stay, stay[:1].expand(-len(stay) % backend.multiple)])
    batch = batch.taken(filled)
    batch.going[len(stay) :] = False
    return which[filled], mark[:, filled], checks[filled], batch


def _look(trial: Trial, batch: Batch, mark: torch.Tensor, checks: torch.Tensor) -> torch.Tensor:
    """End runs that are stiff, or hardly move at a jump; return how often in a row each seemed stiff, (n,)."""
    k, going, rest = batch.k, batch.going, batch.last - batch.t
    far = MANY * batch.tried < rest
    if not bool((far & going).any()):  # neither matters to runs that are soon done
        return torch.where(going, 0, checks)
    if trial.land is None:
        a, b, _ = tableau(k.device)
        apart = (combined(b, k) - combined(a[-1], k)).abs().amax(0)  # the points that k[6] and k[5] belong to
        unstable = far & ((k[6] - k[5]).abs().amax(0) > UNSTABLE * apart)
        # A refused step was too long for whatever reason: it tells nothing.
        accepted = batch.limit == torch.inf
        checks = torch.where(going & accepted, torch.where(unstable, checks + 1, 0), checks)
    slow = hardly_moves(batch.w, mark, batch.tried, rest, max(trial.rtol, trial.atol))
    batch.doubts = batch.doubts + 4 * slow
    short = batch.tried * batch.f.abs().amax(0) <= trial.reach * batch.w.abs().amax(0).clamp(min=1)
    batch.stalled = batch.stalled | (going & slow & short & (batch.doubts >= batch.patience))
    batch.going = going & ~batch.stalled & (checks < STIFF_CHECKS)
    return checks


def hardly_moves(w: torch.Tensor, mark: torch.Tensor, h: torch.Tensor, rest: torch.Tensor, tol: float) -> torch.Tensor:
    """Say which runs moved no further in PERIOD steps than errors do, with many such steps ahead: (n,)."""
    slow = (w - mark).abs().amax(0) <= min(STILL * tol, 1e-3) * w.abs().amax(0).clamp(min=1)
    return slow & (PERIOD * h < 1e-2 * rest)


def _first_step(w: torch.Tensor, f: torch.Tensor, last: torch.Tensor) -> torch.Tensor:
    # A hundredth of the time in which the state would change by its own size, or by the landscape's unit; the error
    # control does the rest.
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
    """Fill in the saved states whose times lie in (t, new_t], steps of ``k``, the stages times h."""
    from scipy.integrate import RK45

    p = torch.as_tensor(RK45.P, dtype=w.dtype, device=w.device)
    first = torch.searchsorted(runs.times, t, right=True)
    after = torch.searchsorted(runs.times, new_t, right=True)
    waiting = after > first
    while waiting.any():
        at = waiting.nonzero().squeeze(1)
        theta = (runs.times[first[at]] - t[at]) / (new_t - t)[at]
        weights = p @ torch.stack([theta, theta**2, theta**3, theta**4])  # (7, n)
        runs.states[first[at], :, which[at]] = (w[:, at] + (weights[:, None] * k[:, :, at]).sum(0)).T
        first[at] += 1
        waiting = after > first
