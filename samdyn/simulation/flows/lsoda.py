"""SciPy's LSODA for one run at a time: the fastest solver for few runs, stiff or not."""

import warnings
from typing import TYPE_CHECKING

import numpy as np
import torch

from .runs import AT_END, NO_STEP, OUT_OF_STEPS, OUTSIDE, RUNNING, SHORT_STEPS, STALL, Limits, Runs
from .trial import BLOW_UP_DISTANCE
from .velocity import CompiledFlow

if TYPE_CHECKING:
    from scipy.integrate import LSODA

EPS = float(np.finfo(float).eps)  # relative distance between neighbouring numbers
MAX_SHORT_MOVE = 100.0  # |Δw|∞ of a step that counts as short, in units of the error bound
MAX_SHORT_TIME = 1e-3  # Δt of a step that counts as short, as a fraction of the time left
AHEAD = 8  # length within which a jump may lie ahead of a run, over LSODA's latest step


def solve(flow: CompiledFlow, runs: Runs, run: int, limits: Limits, patience: int) -> None:
    """Integrate one run, on the CPU, until it ends or ``patience`` steps in a row were short."""
    solver, end = _solver(flow, runs, run, limits)
    grid = runs.times.numpy() / end
    next_save, in_a_row = np.searchsorted(grid, solver.t, side="right"), 0
    steps, h = int(runs.steps[run]), float(runs.h[run])
    low, high = limits.low[:, 0].numpy(), limits.high[:, 0].numpy()
    here, reached, outcome = solver.y.copy(), float(runs.t[run]), RUNNING
    while outcome == RUNNING:
        if steps >= limits.max_steps:
            outcome = OUT_OF_STEPS
            break
        steps += 1
        t = solver.t
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what LSODA warns of, it also reports as a failed status
            solver.step()
        if solver.status == "failed" or not np.isfinite(solver.y).all():
            outcome = STALL  # the run keeps its last good state
            break
        move, time = np.abs(solver.y - here).max(), solver.t - t
        here, reached, h = solver.y.copy(), end * solver.t, AHEAD * end * time
        following = np.searchsorted(grid, solver.t, side="right")
        if following > next_save:
            saved = solver.dense_output()(grid[next_save:following])
            runs.states[next_save:following, :, run] = torch.from_numpy(saved.T)
        next_save = following
        largest = float(np.abs(here).max())
        error = limits.atol + limits.rtol * largest
        is_short = move <= MAX_SHORT_MOVE * error and time <= MAX_SHORT_TIME * (1 - solver.t)
        in_a_row = in_a_row + 1 if is_short else 0
        if not ((here >= low) & (here <= high)).all():
            outcome = OUTSIDE
        elif solver.status == "finished":
            reached, outcome = end, AT_END
        elif time <= 4 * EPS * solver.t and largest > BLOW_UP_DISTANCE:
            outcome = NO_STEP
        elif in_a_row >= patience:
            outcome = SHORT_STEPS
    runs.t[run], runs.w[:, run], runs.h[run] = reached, torch.from_numpy(here), h
    runs.steps[run], runs.outcome[run] = steps, outcome


def _solver(flow: CompiledFlow, runs: Runs, run: int, limits: Limits) -> "tuple[LSODA, float]":
    """Return LSODA at the present state of the run, with time in units of the last time, and the last time."""
    from scipy.integrate import LSODA

    end = float(runs.times[-1])  # LSODA fails at times as short as 1e-300

    velocity = flow.repeated(1)

    def field(_: float, w: np.ndarray) -> np.ndarray:
        return end * velocity(torch.from_numpy(w)[:, None])[:, 0].numpy()

    w = runs.w[:, run].numpy().copy()
    return LSODA(field, float(runs.t[run]) / end, w, 1.0, rtol=limits.rtol, atol=limits.atol), end
