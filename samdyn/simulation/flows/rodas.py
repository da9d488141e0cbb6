"""Hairer and Wanner's RODAS, an implicit method of order 4, for many stiff initial values."""

import torch

from ..units import ScaledFlow
from .dopri import PERIOD, hardly_moves
from .runs import AT_END, NO_STEP, OUT_OF_STEPS, OUTSIDE, RUNNING, STALL, STIFF, Limits, Runs
from .trial import BLOW_UP_DISTANCE, SAFETY

# Coefficients of RODAS [E. Hairer, G. Wanner, Solving Ordinary Differential Equations II, section VI.4].
GAMMA = 0.25
A = (
    (1.544,),
    (0.9466785280815826, 0.2557011698983284),
    (3.314825187068521, 2.896124015972201, 0.9986419139977817),
    (1.221224509226641, 6.019134481288629, 12.53708332932087, -0.6878860361058950),
    (1.221224509226641, 6.019134481288629, 12.53708332932087, -0.6878860361058950, 1.0),
)
C = (
    (-5.6688,),
    (-2.430093356833875, -0.2063599157091915),
    (-0.1073529058151375, -9.594562251023355, -20.47028614809616),
    (7.496443313967647, -10.24680431464352, -33.99990352819905, 11.70890893206160),
    (8.083246795921522, -7.981132988064893, -31.52159432874371, 16.31930543123136, -6.058818238834054),
)
MIN_GROWTH, MAX_GROWTH = 0.2, 6.0  # bounds of a step's length over that of the one before it
MIN_STEPS_TO_JUDGE = 4 * PERIOD  # number of steps after which their lengths predict how many more there will be
LSODA_COST = 200  # time of LSODA for a run, in steps of a batch
MIN_BATCH_COST = 8  # number of runs below which the step of a batch costs no less


def solve(flow: ScaledFlow, runs: Runs, which: torch.Tensor, limits: Limits) -> None:
    """Integrate some of the runs from their present states to the last time, or as far as they get.

    The embedded method of order 3 chooses the steps of every run, and no step passes a time to save. A run that hardly
    moves, in steps that do not grow, stalls, as at a jump of the field. Down a narrow, curved valley the order of the
    method falls to 2, and multistep methods need far fewer steps. Where few runs need many steps on the CPU, they end
    with the outcome STIFF, for LSODA.
    """
    mark, h_at_mark, count, tol = runs.w[:, which], runs.h[which], 0, max(limits.rtol, limits.atol)
    while len(which):
        count += 1
        outcome, step = _try_step(flow, runs, which, limits)
        if count % PERIOD == 0:
            w, h, rest = runs.w[:, which], runs.h[which], runs.times[-1] - runs.t[which]
            slow = hardly_moves(w, mark, step, rest, tol)
            outcome[slow & (h <= 2 * h_at_mark)] = STALL
            mark, h_at_mark = w, h
            ahead = (rest / h).clamp(max=limits.max_steps)
            few = ahead.min() > LSODA_COST * max(len(which), MIN_BATCH_COST)
            if w.device.type == "cpu" and count >= MIN_STEPS_TO_JUDGE and few:
                outcome[outcome == RUNNING] = STIFF
        outcome[runs.t[which] >= runs.times[-1]] = AT_END
        outcome[limits.outside(runs.w[:, which])] = OUTSIDE
        runs.outcome[which] = outcome
        active = outcome == RUNNING
        which, mark, h_at_mark = which[active], mark[:, active], h_at_mark[active]
        if len(which):
            limits.show(float(runs.t[which].min()))


def _try_step(flow: ScaledFlow, runs: Runs, which: torch.Tensor, limits: Limits) -> tuple[torch.Tensor, torch.Tensor]:
    """Try one step of each run, save the runs that reach a time to save, and return the outcomes and the steps."""
    t, w, h = runs.t[which], runs.w[:, which], runs.h[which]
    following = torch.searchsorted(runs.times, t, right=True)
    rest = runs.times[following] - t
    # Go half the way, rather than leave a tiny step before the time to save.
    step = torch.where(h >= rest, rest, torch.where(2 * h > rest, rest / 2, h))
    new, error = _step(flow, w, step)
    error = error / (limits.atol + limits.rtol * torch.maximum(w.abs(), new.abs()))
    size = error.square().mean(0).sqrt().nan_to_num(nan=torch.inf, posinf=torch.inf)
    accepts = size <= 1
    arrives = accepts & ((step >= rest) | (t + step >= runs.times[following]))
    factor = (SAFETY * size ** (-1 / 4)).clamp(MIN_GROWTH, MAX_GROWTH)
    runs.steps[which] += 1
    runs.w[:, which] = w = torch.where(accepts, new, w)
    runs.t[which] = t = torch.where(arrives, runs.times[following], torch.where(accepts, t + step, t))
    # The length of a step that ends at a time to save predicts little about the next.
    runs.h[which] = torch.where(arrives & (step < h), torch.maximum(h, factor * step), factor * step)
    runs.states[following[arrives], :, which[arrives]] = w[:, arrives].T
    outcome = torch.full_like(which, RUNNING)
    outcome[runs.steps[which] >= limits.max_steps] = OUT_OF_STEPS
    outcome[_has_no_step(flow, w, t, step, accepts)] = NO_STEP
    return outcome, step


def _has_no_step(
    flow: ScaledFlow, w: torch.Tensor, t: torch.Tensor, step: torch.Tensor, accepts: torch.Tensor
) -> torch.Tensor:
    """Say for which runs a step changes neither state nor time, as ``trial.Trial`` does: (n,)."""
    smallest, far = torch.finfo(w.dtype).eps, w.abs().amax(0)
    no_step = (step <= t * (4 * smallest)) & (far > BLOW_UP_DISTANCE)
    refuses = (~accepts).nonzero().squeeze(1)
    if len(refuses):
        length = step[refuses] * flow(w[:, refuses]).abs().amax(0)
        no_step[refuses] |= ~(length > far[refuses] * smallest)
    return no_step


def _step(flow: ScaledFlow, w: torch.Tensor, h: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the states after steps h, ``(d, n)``, and the difference to those of the embedded method."""
    jacobian = flow.jacobian_at(w).movedim(-1, 0)  # (n, d, d)
    eye = torch.eye(len(w), dtype=w.dtype, device=w.device)
    matrix = (eye / (GAMMA * h)[:, None, None] - jacobian).nan_to_num(0, 0, 0)
    lu, pivots, _ = torch.linalg.lu_factor_ex(matrix)

    def increment(velocity: torch.Tensor) -> torch.Tensor:
        return torch.linalg.lu_solve(lu, pivots, velocity.T[..., None])[..., 0].T

    point, k = w, [increment(flow(w))]
    for a, c in zip(A, C, strict=True):
        point = w + sum(weight * part for weight, part in zip(a, k, strict=True))
        k.append(increment(flow(point) + sum(weight * part for weight, part in zip(c, k, strict=True)) / h))
    return point + k[-1], k[-1]
