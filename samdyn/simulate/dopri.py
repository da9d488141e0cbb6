"""Dormand and Prince's method of order 5 for many initial values, each with steps of its own."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from scipy.integrate import RK45

SAFETY, SHRINK, GROW = 0.9, 0.2, 5.0  # the usual limits of step control


@dataclass
class Solution:
    """What came out: ``states`` (saves, d, N) at the times asked for; ``t`` (N,) and ``w`` (d, N) where each run ended;
    ``complete`` (N,): whether it got to the last time."""

    states: torch.Tensor
    t: torch.Tensor
    w: torch.Tensor
    complete: torch.Tensor


def solve(
    field: Callable[[torch.Tensor], torch.Tensor],
    w0: torch.Tensor,
    times: torch.Tensor,
    rtol: float,
    atol: float,
    stop: Callable[[torch.Tensor], torch.Tensor],
    max_steps: int,
    show: Callable[[float], None],
) -> Solution:
    """Integrate ẇ = field(w) from t = 0 through ``times``, ascending, to the last of them.

    Every run chooses its own steps, by the embedded method of order 4; runs that are done drop out of the batch. Values
    between steps come from the interpolant of order 4 that belongs to the method. The coefficients are SciPy's RK45.

    Args:
        field: velocity, ``(d, n) -> (d, n)``, point by point.
        w0: ``(d, N)``.
        times: ``(saves,)``, same dtype and device.
        rtol, atol: bounds on the local error, relative and in the units of w.
        stop: which states end their run, ``(d, n) -> (n,)``.
        max_steps: a run that takes more, accepted and rejected, ends incomplete where it is.
        show: told the least time reached, now and then.
    """
    a, b, c = (torch.as_tensor(m, dtype=w0.dtype, device=w0.device) for m in (RK45.A, RK45.B, RK45.E))
    p = torch.as_tensor(RK45.P, dtype=w0.dtype, device=w0.device)
    last = times[-1]
    smallest = torch.finfo(w0.dtype).eps
    out = Solution(
        states=w0.expand(len(times), *w0.shape).clone(),
        t=torch.zeros_like(w0[0]),
        w=w0.clone(),
        complete=torch.zeros_like(w0[0], dtype=torch.bool),
    )

    runs = (~stop(w0)).nonzero().squeeze(1)  # which run each column of the batch is
    w = w0[:, runs]
    t, f = torch.zeros_like(w[0]), field(w)
    h = _first_step(w, f, last, rtol, atol)
    for count in range(max_steps if len(runs) else 0):
        h = torch.minimum(h, last - t)
        k = [f]
        for stage in range(1, 6):
            k.append(field(w + h * sum(a[stage, j] * k[j] for j in range(stage))))
        new = w + h * sum(b[j] * k[j] for j in range(6))
        k.append(field(new))
        error = h * sum(c[j] * k[j] for j in range(7))
        size = ((error / (atol + rtol * torch.maximum(w.abs(), new.abs()))) ** 2).mean(0).sqrt()
        size = torch.where(torch.isfinite(size), size, torch.inf)
        accepted = size <= 1

        new_t = torch.where(accepted, torch.where(h >= last - t, last, t + h), t)
        _interpolate(out.states, times, runs, accepted, t, new_t, h, w, k, p)
        t, w, f = new_t, torch.where(accepted, new, w), torch.where(accepted, k[6], f)
        h = h * (SAFETY * size ** (-1 / 5)).clamp(SHRINK, GROW)

        complete, stopped = t >= last, stop(w)
        done = complete | stopped | (h <= smallest * (4 * t + 1e-9 * last)) | (count == max_steps - 1)
        if done.any():
            ended = runs[done]
            out.t[ended], out.w[:, ended], out.complete[ended] = t[done], w[:, done], complete[done] & ~stopped[done]
            going = ~done
            runs, t, w, f, h = runs[going], t[going], w[:, going], f[:, going], h[going]
            if not len(runs):
                break
        if count % 64 == 0:
            show(float(t.min()))
    # What was never reached shows the state where the run ended.
    out.states = torch.where(times[:, None, None] > out.t, out.w, out.states)
    return out


def _first_step(w: torch.Tensor, f: torch.Tensor, last: torch.Tensor, rtol: float, atol: float) -> torch.Tensor:
    # A hundredth of the time in which the state would change by its own size; the error control does the rest.
    scale = atol + rtol * w.abs()
    size, speed = ((part / scale).norm(dim=0) for part in (w, f))
    guess = 1e-2 * size / speed
    return torch.where((guess > 1e-6 * last) & (guess < last), guess, 1e-6 * last)


def _interpolate(
    states: torch.Tensor,
    times: torch.Tensor,
    runs: torch.Tensor,
    accepted: torch.Tensor,
    t: torch.Tensor,
    new_t: torch.Tensor,
    h: torch.Tensor,
    w: torch.Tensor,
    k: list[torch.Tensor],
    p: torch.Tensor,
) -> None:
    """Fill in the saved states whose times lie in (t, new_t] of the accepted steps."""
    first = torch.searchsorted(times, t, right=True)
    after = torch.searchsorted(times, new_t, right=True)
    waiting = accepted & (after > first)
    while waiting.any():
        at = waiting.nonzero().squeeze(1)
        theta = (times[first[at]] - t[at]) / h[at]
        powers = torch.stack([theta, theta**2, theta**3, theta**4])
        weights = p @ powers  # (7, n)
        states[first[at], :, runs[at]] = (w[:, at] + h[at] * sum(weights[j] * k[j][:, at] for j in range(7))).T
        first[at] += 1
        waiting = accepted & (after > first)
