"""Flows, integrated to a tolerance: by SciPy for one start, batched on a device for many."""

import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy.integrate import LSODA

from .. import checks
from ..dynamics import Flow
from . import dopri
from .progress import progress_bar
from .results import DIVERGED, LEFT, SETTLED, UNDECIDED, dataset
from .settling import settled
from .starts import check_memory, check_numeric, choose_device, start_points

if TYPE_CHECKING:
    import xarray

BLOWN_UP = 1e6  # a run that stopped early, this much faster than it began or than it takes to get anywhere, blew up


def integrate(
    flow: Flow,
    w0: Any,
    times: float | Sequence[float] | np.ndarray,
    *,
    rtol: float = 1e-8,
    atol: float = 1e-10,
    box: Sequence[tuple[float, float]] | None = None,
    device: str = "auto",
    max_steps: int = 20_000,
    progress: bool = True,
) -> "xarray.Dataset":
    """Integrate a flow from every start, in float64.

    One start goes to SciPy's LSODA, which copes with stiffness; many go to a batched method of order 5 in which every
    run has steps of its own. Where a discontinuous field holds a run on its discontinuity, no solver of this kind gets
    on: such a run ends "undecided", at the time it reached.

    Args:
        flow: the field.
        w0: starts ``(run, coord)``, or one point ``(coord,)``, in the units of w.
        times: when to save, ascending, > 0 or starting at 0; a single number saves the end alone. Time is t = kη.
        rtol, atol: bounds on the local error, relative (at least 2e-14, for rounding) and in the units of w.
        box: stop runs that leave it.
        device: as in ``simulate``; one start is always computed on the CPU.
        max_steps: per run.
        progress: show a progress bar if standard error is a terminal.

    Returns:
        A dataset like that of ``simulate`` with time in place of step. ``end`` (run) is the time a run got to; from
        there on it is held.

    Raises:
        InputError: times not ascending, tolerances ≤ 0, bad starts, box or device.
    """
    landscape = flow.landscape
    check_numeric(flow)
    fix = "Give one time > 0, or several in ascending order"
    try:
        grid = np.atleast_1d(np.array(times, dtype=float))
    except (TypeError, ValueError):
        checks.reject("times", times, "must be numbers", fix)
    if (
        not grid.size
        or grid.ndim != 1
        or not np.isfinite(grid).all()
        or (np.diff(grid) <= 0).any()
        or grid[0] < 0
        or grid[-1] <= 0
    ):
        checks.reject("times", times, "must be finite, ascending and not negative", fix)
    rtol = max(checks.positive("rtol", rtol, "Use e.g. rtol=1e-8"), 100 * torch.finfo(torch.float64).eps)
    atol = checks.positive("atol", atol, "Use e.g. atol=1e-10")
    max_steps = checks.count("max_steps", max_steps, "Use e.g. max_steps=20000")
    start = start_points(w0, landscape, torch.float64, choose_device(device))
    check_memory("times", times, len(grid), *start.shape)
    on = torch.device("cpu") if start.shape[1] == 1 else start.device
    start = start.to(on)
    largest = torch.finfo(torch.float64).max ** 0.5  # beyond, squares overflow and the error estimate with them
    limits = checks.box(box, landscape.dim) if box is not None else ((-largest, largest),) * landscape.dim
    low, high = torch.tensor(limits, dtype=torch.float64, device=on).T[..., None]

    def outside(w: torch.Tensor) -> torch.Tensor:
        return ~((w >= low) & (w <= high)).all(0)

    with torch.no_grad(), progress_bar(f"{flow.method}", grid[-1], progress) as show:
        save_at = torch.as_tensor(grid, device=on)
        if start.shape[1] == 1:
            solution = _scipy(flow, start, save_at, rtol, atol, outside, max_steps)
        else:
            solution = dopri.solve(flow, start, save_at, rtol, atol, outside, max_steps, show)
        w = solution.w
        # Blow-up in finite time: steps below rounding while speeds grow without bound. Where a field jumps they do not.
        ordinary = torch.maximum(flow(start).norm(dim=0), start.abs().amax(0).clamp(min=1) / grid[-1])
        faster = flow(w).norm(dim=0) > BLOWN_UP * ordinary
        status = np.full(w.shape[1], UNDECIDED, dtype="U12")
        status[(~solution.complete & faster).cpu().numpy()] = DIVERGED
        status[outside(w).cpu().numpy()] = DIVERGED if box is None else LEFT
        candidates = solution.complete.nonzero().squeeze(1)
        tolerance = max(torch.finfo(torch.float64).eps ** 0.5, 10 * rtol, 10 * atol)
        rests = candidates[settled(flow, w[:, candidates], landscape.dim, tolerance, discrete=False)]
        status[rests.cpu().numpy()] = SETTLED
        states = solution.states.cpu()
        loss = torch.stack([landscape.value(state) for state in states])

    return dataset(
        landscape,
        states.numpy(),
        loss.numpy(),
        status,
        solution.t.cpu().numpy(),
        ("time", grid),
        grid,
        method=repr(flow.method),
        order=flow.order,
        **({"lr": flow.lr} if flow.lr is not None else {}),
        rtol=rtol,
        atol=atol,
        dtype="float64",
        device=str(on),
    )


def _scipy(
    flow: Flow,
    start: torch.Tensor,
    times: torch.Tensor,
    rtol: float,
    atol: float,
    outside: Callable[[torch.Tensor], torch.Tensor],
    max_steps: int,
) -> dopri.Solution:
    grid = times.numpy()
    states = np.tile(start[:, 0].numpy(), (len(grid), 1))
    solver = LSODA(
        lambda _, w: flow(torch.from_numpy(w)[:, None])[:, 0].numpy(),
        0.0,
        start[:, 0].numpy(),
        grid[-1],
        rtol=rtol,
        atol=atol,
    )
    reached = np.searchsorted(grid, 0.0, side="right")
    t, w = 0.0, start[:, 0].numpy()
    stopped = bool(outside(start))
    for _ in range(0 if stopped else max_steps):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what LSODA warns of, it also reports as a failed status
            solver.step()
        if solver.status == "failed" or not np.isfinite(solver.y).all():
            break  # the last good state stays
        t, w = solver.t, solver.y.copy()
        after = np.searchsorted(grid, solver.t, side="right")
        states[reached:after] = solver.dense_output()(grid[reached:after]).T
        reached = after
        stopped = bool(outside(torch.from_numpy(w)[:, None]))
        if stopped or solver.status == "finished":
            break
    states[reached:] = w
    return dopri.Solution(
        states=torch.from_numpy(states[:, :, None]),
        t=torch.tensor([t], dtype=torch.float64),
        w=torch.from_numpy(w[:, None]),
        complete=torch.tensor([t == grid[-1] and not stopped]),
    )
