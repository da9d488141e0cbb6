"""SciPy's LSODA, for one run at a time: for few runs the fastest, stiff or not."""

import warnings
from collections.abc import Callable

import numpy as np
import torch

from ..units import ScaledFlow
from .dopri import COMPLETE, LOST, SPENT, STALLED, STOPPED, Runs
from .trial import BLOWN_UP

TINY, SHORT_STEPS = 100.0, 20  # so many steps in a row, shorter than this times the tolerance: LSODA has stalled


def solve(
    flow: ScaledFlow,
    runs: Runs,
    run: int,
    rtol: float,
    atol: float,
    stop: Callable[[torch.Tensor], torch.Tensor],
    max_steps: int,
    jump_ahead: Callable[[int], bool],
) -> None:
    """Take one run, on the CPU, as far as LSODA gets; it stalls where its steps collapse and there is a jump ahead."""
    from scipy.integrate import LSODA

    times, end = runs.times.numpy(), float(runs.times[-1])
    grid = times / end  # LSODA does not cope with times as short as 1e-300
    t, w = float(runs.t[run]) / end, runs.w[:, run].numpy().copy()

    def field(_: float, w: np.ndarray) -> np.ndarray:
        return end * flow(torch.from_numpy(w)[:, None])[:, 0].numpy()

    solver = LSODA(field, t, w, 1.0, rtol=rtol, atol=atol)
    reached = np.searchsorted(grid, t, side="right")
    short, patience, outcome = 0, SHORT_STEPS, SPENT
    while runs.steps[run] < max_steps:
        runs.steps[run] += 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what LSODA warns of, it also reports as a failed status
            solver.step()
        if solver.status == "failed" or not np.isfinite(solver.y).all():
            outcome = STALLED  # the last good state stays
            break
        moved, passed = np.abs(solver.y - w).max(), solver.t - t
        t, w = solver.t, solver.y.copy()
        after = np.searchsorted(grid, t, side="right")
        runs.states[reached:after, :, run] = torch.from_numpy(solver.dense_output()(grid[reached:after]).T)
        reached = after
        if bool(stop(torch.from_numpy(w)[:, None])):
            outcome = STOPPED
            break
        if solver.status == "finished":
            outcome = COMPLETE
            break
        if passed <= 4 * np.finfo(float).eps * t and np.abs(w).max() > BLOWN_UP:
            outcome = LOST
            break
        runs.t[run], runs.w[:, run], runs.h[run] = end * t, torch.from_numpy(w), 8 * end * passed
        tiny = moved <= TINY * (atol + rtol * np.abs(w).max()) and passed <= 1e-3 * (1 - t)
        short = short + 1 if tiny else 0
        if short >= patience:
            if jump_ahead(run):
                outcome = STALLED
                break
            short, patience = 0, 2 * patience
            solver = LSODA(field, t, w, 1.0, rtol=rtol, atol=atol)  # after a jump its steps may stay short
    runs.t[run] = end if outcome == COMPLETE else end * t
    runs.w[:, run], runs.outcome[run] = torch.from_numpy(w), outcome
