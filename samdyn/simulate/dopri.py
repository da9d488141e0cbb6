"""Dormand and Prince's method of order 5 for many initial values, each with steps of its own."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

SAFETY, SHRINK, GROW = 0.9, 0.2, 5.0  # the usual limits of step control
PERIOD, STILL = 16, 1000.0  # a run that moves less than this, in tolerances, in so many steps hardly moves
GOING, COMPLETE, STOPPED, SPENT, STALLED, STIFF = range(6)  # how a run ended
UNSTABLE, STIFF_CHECKS, MANY = 2.0, 4, 1000  # |hλ| of a stiff step, how often in a row, with how many steps ahead

Field = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]  # points (d, n), which runs (n,) -> velocities (d, n)


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
    field: Field,
    runs: Runs,
    which: torch.Tensor,
    rtol: float,
    atol: float,
    stop: Callable[[torch.Tensor], torch.Tensor],
    max_steps: int,
    show: Callable[[float], None],
    patience: torch.Tensor,
    reach: float,
    land: Field | None = None,
    accept: Callable[[torch.Tensor, torch.Tensor], None] | None = None,
) -> None:
    """Take some of the runs from where they are to the last time, or as far as they get.

    Every run chooses its own steps, by the embedded method of order 4; runs that are done drop out of the batch. Values
    between steps come from the interpolant of order 4 that belongs to the method. The coefficients are SciPy's RK45.

    A run is stiff if it is the method's stability that keeps its steps short [Hairer, Wanner, section IV.2], with many
    of them ahead. A run stalls where the field jumps. There the error falls with the step and not with its fifth power,
    and later the run hardly moves. It ends so when such things were seen ``patience`` times and its steps are shorter
    than ``reach``.

    Args:
        field: velocity at points of the runs named.
        runs: brought up to date.
        which: ``(n,)``, the runs to integrate.
        rtol, atol: bounds on the local error, relative and in the units of w.
        stop: which states end their run, ``(d, n) -> (n,)``.
        max_steps: a run that takes more, accepted and rejected, ends where it is.
        show: told the least time reached, now and then.
        patience: ``(n,)``, how many signs of a jump are let pass.
        reach: a length, in the units of w relative to max(1, ‖w‖∞).
        land: puts the ends of steps where they belong; how far that takes them counts as error.
        accept: told of which runs, (n,), the last evaluation of the field was at the end of an accepted step, (n,).
    """
    from scipy.integrate import RK45

    if not len(which):
        return
    coefficients = [torch.as_tensor(m, dtype=runs.w.dtype, device=runs.w.device) for m in (RK45.A, RK45.B, RK45.E)]
    a = [row[: i + 1].contiguous() for i, row in enumerate(coefficients[0][1:])]
    b, c = coefficients[1:]
    last = runs.times[-1]
    smallest = torch.finfo(runs.w.dtype).eps
    t, w, steps = runs.t[which], runs.w[:, which], runs.steps[which]
    f = field(w, which)
    h = _first_step(w, f, last, rtol, atol)
    # Of each run: signs of a jump, the largest error that the next trial may have if there is none, an earlier place.
    doubts, limit, mark = torch.zeros_like(which), torch.full_like(h, torch.inf), w
    d, n = w.shape
    memory = w.new_empty(7 * d * n)
    k = memory.view(7, d, n)  # the stages, times h
    none = torch.zeros((), dtype=torch.bool, device=w.device)
    checks = torch.zeros_like(which)
    fewest = max_steps - int(steps.max())

    count = 0
    while True:
        count += 1
        rest = last - t
        torch.minimum(h, rest, out=h)
        stages, here = k.view(7, -1), w.view(-1)
        torch.mul(f, h, out=k[0])
        for stage, weights in enumerate(a, 1):
            point = torch.addmv(here, stages[:stage].T, weights).view(d, n)
            torch.mul(field(point, which), h, out=k[stage])
        new = torch.addmv(here, stages[:6].T, b).view(d, n)
        landed = new if land is None else land(new, which)
        slope = field(landed, which)
        torch.mul(slope, h, out=k[6])
        error = torch.mv(stages.T, c).view(d, n)
        if land is not None:
            error += landed - new
            new = landed
        error /= torch.maximum(w.abs(), new.abs()).mul_(rtol).add_(atol)
        size = error.square_().mean(0).nan_to_num_(nan=torch.inf, posinf=torch.inf)  # squared
        accepted = size <= 1
        if accept is not None:
            accept(which, accepted)
        new_t = t + h
        if len(runs.times) > 1:
            _interpolate(runs, which, accepted, t, new_t, w, k)
        complete = accepted & (h >= rest)
        factor = size.pow(-1 / 10).mul_(SAFETY).clamp_(SHRINK, GROW)
        done, stalled = complete, none
        if accepted.all():
            t, w, f = new_t, new, slope
            limit.fill_(torch.inf)
        else:
            no = (~accepted).nonzero().squeeze(1)
            t = new_t.index_copy(0, no, t[no])
            w, f = new.index_copy(1, no, w[:, no]), slope.index_copy(1, no, f[:, no])
            doubts[no] += size[no] >= limit[no]
            # Were the field smooth, the error would fall with h⁵ from here; at a jump it falls with h.
            limit = torch.full_like(limit, torch.inf).index_copy_(0, no, size[no] * factor[no] ** 4)
            stalled = ~accepted & (doubts >= patience)
        if count % PERIOD == 0:
            slow = hardly_moves(w, mark, h, rest, max(rtol, atol))
            if land is None:
                unstable = ((k[6] - k[5]).abs().amax(0) > UNSTABLE * (new - point).abs().amax(0)) & (MANY * h < rest)
                checks = torch.where(unstable, checks + 1, 0)
            doubts += 4 * slow
            stalled = stalled | (slow & (doubts >= patience))
            mark = w
        if stalled.any():
            stalled = stalled & (h * f.abs().amax(0) <= reach * w.abs().amax(0).clamp(min=1))
            done = complete | stalled
        tried = h
        h = h * factor
        tiny = h <= (4 * smallest) * t + (1e-9 * smallest) * last
        stopped = stop(w)
        ended = done | stopped | tiny
        if count % PERIOD == 0:
            ended |= checks >= STIFF_CHECKS
        if count >= fewest:
            ended |= steps + count >= max_steps
        number = int(ended.sum())
        if number and (number == n or number > n // 16 or bool((ended & ~complete).any())):
            out = ended.nonzero().squeeze(1)
            ids = which[out]
            outcome = torch.full_like(ids, SPENT)
            outcome[checks[out] >= STIFF_CHECKS] = STIFF
            outcome[(done & ~complete)[out]] = STALLED
            outcome[complete[out]] = COMPLETE
            outcome[stopped[out]] = STOPPED
            runs.t[ids] = torch.where(complete[out], last, t[out])
            runs.w[:, ids], runs.h[ids], runs.steps[ids] = w[:, out], tried[out], steps[out] + count
            runs.outcome[ids] = outcome
            if number == n:
                break
            stay = (~ended).nonzero().squeeze(1)
            which, t, h, steps = which[stay], t[stay], h[stay], steps[stay]
            w, f, mark = w[:, stay], f[:, stay], mark[:, stay]
            doubts, limit, patience, checks = doubts[stay], limit[stay], patience[stay], checks[stay]
            n = len(which)
            k = memory[: 7 * d * n].view(7, d, n)
        if count % 64 == 0:
            show(float(t.min()))


def hardly_moves(w: torch.Tensor, mark: torch.Tensor, h: torch.Tensor, rest: torch.Tensor, tol: float) -> torch.Tensor:
    """Say which runs moved no further in PERIOD steps than errors do, with many such steps ahead: (n,)."""
    slow = (w - mark).abs().amax(0) <= min(STILL * tol, 1e-3) * w.abs().amax(0).clamp(min=1)
    return slow & (PERIOD * h < 1e-2 * rest)


def _first_step(w: torch.Tensor, f: torch.Tensor, last: torch.Tensor, rtol: float, atol: float) -> torch.Tensor:
    # A hundredth of the time in which the state would change by its own size; the error control does the rest.
    scale = atol + rtol * w.abs()
    size, speed = ((part / scale).square().sum(0).sqrt() for part in (w, f))
    guess = 1e-2 * size / speed
    return torch.where((guess > 1e-6 * last) & (guess < last), guess, 1e-6 * last)


def _interpolate(
    runs: Runs,
    which: torch.Tensor,
    accepted: torch.Tensor,
    t: torch.Tensor,
    new_t: torch.Tensor,
    w: torch.Tensor,
    k: torch.Tensor,
) -> None:
    """Fill in the saved states whose times lie in (t, new_t] of the accepted steps; ``k`` are the stages times h."""
    from scipy.integrate import RK45

    p = torch.as_tensor(RK45.P, dtype=w.dtype, device=w.device)
    first = torch.searchsorted(runs.times, t, right=True)
    after = torch.searchsorted(runs.times, new_t, right=True)
    waiting = accepted & (after > first)
    while waiting.any():
        at = waiting.nonzero().squeeze(1)
        theta = (runs.times[first[at]] - t[at]) / (new_t - t)[at]
        weights = p @ torch.stack([theta, theta**2, theta**3, theta**4])  # (7, n)
        runs.states[first[at], :, which[at]] = (w[:, at] + (weights[:, None] * k[:, :, at]).sum(0)).T
        first[at] += 1
        waiting = accepted & (after > first)
