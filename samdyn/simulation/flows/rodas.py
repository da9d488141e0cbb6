"""Hairer and Wanner's RODAS, of order 4, for many initial values: where explicit steps would have to be too short."""

from collections.abc import Callable

import torch

from ..units import ScaledFlow
from .dopri import COMPLETE, GOING, LOST, PERIOD, SPENT, STALLED, STIFF, STOPPED, Runs, hardly_moves
from .trial import BLOWN_UP, SAFETY

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
SHRINK, GROW = 0.2, 6.0
SETTLE = 4 * PERIOD  # steps after which their length says how many there will be
LSODA_COSTS, FEWEST = (
    200,
    8,
)  # a run of LSODA costs as much as so many steps of a batch; batches count as at least so many


def solve(
    flow: ScaledFlow,
    runs: Runs,
    which: torch.Tensor,
    rtol: float,
    atol: float,
    stop: Callable[[torch.Tensor], torch.Tensor],
    max_steps: int,
    show: Callable[[float], None],
) -> None:
    """Take some of the runs from where they are to the last time, or as far as they get, as ``dopri.solve`` does.

    Every run chooses its own steps, by the embedded method of order 3, and none steps over a time to be saved. A run
    that hardly moves any more, in steps that do not grow, stalls, as at a jump of the field. Down a narrow, curved
    valley the method's order falls to 2, and multistep methods have far fewer steps: where few runs need many, on the
    CPU, they are left to LSODA, with the outcome STIFF.
    """
    mark, grown, count = runs.w[:, which], runs.h[which], 0
    while len(which):
        count += 1
        t, w, h = runs.t[which], runs.w[:, which], runs.h[which]
        following = torch.searchsorted(runs.times, t, right=True)
        rest = runs.times[following] - t
        # Not a sliver before the time to be saved, but half the way.
        step = torch.where(h >= rest, rest, torch.where(2 * h > rest, rest / 2, h))
        new, error = _step(flow, w, step)
        error = error / (atol + rtol * torch.maximum(w.abs(), new.abs()))
        size = error.square().mean(0).sqrt().nan_to_num(nan=torch.inf, posinf=torch.inf)
        accepted = size <= 1
        arrived = accepted & ((step >= rest) | (t + step >= runs.times[following]))
        factor = (SAFETY * size ** (-1 / 4)).clamp(SHRINK, GROW)
        runs.steps[which] += 1
        runs.w[:, which] = w = torch.where(accepted, new, w)
        runs.t[which] = t = torch.where(arrived, runs.times[following], torch.where(accepted, t + step, t))
        # A step cut short by a time to be saved says little about the next.
        runs.h[which] = torch.where(arrived & (step < h), torch.maximum(h, factor * step), factor * step)
        runs.states[following[arrived], :, which[arrived]] = w[:, arrived].T

        last = runs.times[-1]
        outcome = torch.full_like(which, GOING)
        outcome[runs.steps[which] >= max_steps] = SPENT
        outcome[_lost(flow, w, t, step, accepted)] = LOST
        if count % PERIOD == 0:
            stays = hardly_moves(w, mark, step, last - t, max(rtol, atol))
            outcome[stays & (runs.h[which] <= 2 * grown)] = STALLED
            mark, grown = w, runs.h[which]
            ahead = ((last - t) / runs.h[which]).clamp(max=max_steps)
            if w.device.type == "cpu" and count >= SETTLE and ahead.min() > LSODA_COSTS * max(len(which), FEWEST):
                outcome[outcome == GOING] = STIFF
        outcome[t >= last] = COMPLETE
        outcome[stop(w)] = STOPPED
        runs.outcome[which] = outcome
        going = outcome == GOING
        which, mark, grown = which[going], mark[:, going], grown[going]
        if len(which):
            show(float(runs.t[which].min()))


def _lost(
    flow: ScaledFlow, w: torch.Tensor, t: torch.Tensor, step: torch.Tensor, accepted: torch.Tensor
) -> torch.Tensor:
    """Say which runs are lost, as ``trial.Trial`` does: (n,)."""
    smallest, far = torch.finfo(w.dtype).eps, w.abs().amax(0)
    lost = (step <= t * (4 * smallest)) & (far > BLOWN_UP)
    refused = (~accepted).nonzero().squeeze(1)
    if len(refused):
        length = step[refused] * flow(w[:, refused]).abs().amax(0)
        lost[refused] |= ~(length > far[refused] * smallest)
    return lost


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
