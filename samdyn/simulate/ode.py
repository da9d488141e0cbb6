"""Flows, integrated to a tolerance: by SciPy for one start, batched on a device for many."""

import warnings
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from .. import checks
from ..dynamics import Flow
from ..ops import norm
from .backends import BACKENDS
from .dopri import COMPLETE, GOING, SPENT, STALLED, STOPPED, Runs
from .filippov import Follower
from .jumps import size
from .progress import progress_bar
from .results import DIVERGED, LEFT, SETTLED, UNDECIDED, dataset, label
from .settling import settled
from .starts import check_memory, choose_device, start_points
from .threads import threads_for

if TYPE_CHECKING:
    import xarray

BATCH = 2**16  # runs integrated at once on a CPU: what they need stays in its caches
TINY, SHORT_STEPS = 100.0, 20  # so many steps in a row, shorter than this times the tolerance: LSODA has stalled
FEW_AXES = 4  # beyond, ``settled`` has a cheaper way to rule out moving runs
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
    backend: str = "auto",
    max_steps: int = 20_000,
    progress: bool = True,
) -> "xarray.Dataset":
    """Integrate a flow from every start, in float64.

    One start goes to SciPy's LSODA; many go to a batched explicit method of order 5 in which every run has steps of its
    own, and those that turn out to be stiff to an implicit one of order 4. Where the field jumps, runs cross, slide
    along the discontinuity, leave it or come to rest on it, in Filippov's sense. A run that needs more than
    ``max_steps`` ends "undecided", at the time it reached.

    Args:
        flow: the field.
        w0: starts ``(run, coord)``, or one point ``(coord,)``, in the units of w.
        times: when to save, ascending, > 0 or starting at 0; a single number saves the end alone. Time is t = kη.
        rtol, atol: bounds on the local error, relative (at least 2e-14, for rounding) and in the units of w.
        box: stop runs that leave it.
        device: as in ``simulate``; one start is always computed on the CPU.
        backend: "eager" torch, "compiled" by the machine's C compiler, or "auto", the one that is done first, time to
            compile included. They take the same steps, but for rounding. What cannot be compiled is left to torch, and
            so are one start, stiff runs and sliding; the attributes ``backend`` and ``backend_reason`` say so.
        max_steps: per run.
        progress: show a progress bar if standard error is a terminal.

    Returns:
        A dataset like that of ``simulate`` with time in place of step. ``end`` (run) is the time a run got to; from
        there on it is held.

    Raises:
        InputError: times not ascending, tolerances ≤ 0, bad starts, box, device or backend.
    """
    if not isinstance(flow, Flow):
        checks.reject("flow", flow, "is no flow", "Use Flow(landscape, method); simulate for a map or a scheme")
    landscape = flow.landscape
    checks.numeric(flow)
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
    backend = checks.known("backend", backend, BACKENDS)
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

    with torch.no_grad(), progress_bar(f"{flow.method}", grid[-1], progress) as show, ExitStack() as stack:
        runs = Runs.start(start, torch.as_tensor(grid, device=on))
        follower = Follower(flow, runs, rtol, atol, (low, high), max_steps, show, backend)
        stack.enter_context(follower.chooser)
        if on.type == "cpu":
            stack.enter_context(threads_for(min(start.numel(), BATCH * landscape.dim)))
        runs.outcome[outside(start)] = STOPPED
        if start.shape[1] == 1 and (runs.outcome != STOPPED).all():
            _lsoda(flow, runs, rtol, atol, outside, max_steps, follower.jump_ahead)
        going = (runs.outcome == GOING) | (runs.outcome == STALLED)
        for some in going.nonzero().squeeze(1).split(BATCH if on.type == "cpu" else len(going)):
            follower.follow(some)
        w = runs.w
        # Blow-up in finite time: steps below rounding while speeds grow without bound. Where a field jumps they do not.
        ordinary = torch.maximum(norm(flow(start)), start.abs().amax(0).clamp(min=1) / grid[-1])
        faster = norm(flow(w)) > BLOWN_UP * ordinary
        complete = runs.outcome == COMPLETE
        status = np.full(w.shape[1], UNDECIDED, dtype="U12")
        status[(~complete & faster).cpu().numpy()] = DIVERGED
        status[outside(w).cpu().numpy()] = DIVERGED if box is None else LEFT
        tolerance = max(torch.finfo(torch.float64).eps ** 0.5, 10 * rtol, 10 * atol)
        candidates = complete.nonzero().squeeze(1)
        candidates = candidates[_hardly_moves(flow, w[:, candidates], tolerance)]
        rests = settled(flow, w[:, candidates], landscape.dim, tolerance, discrete=False)
        rests[~rests] = follower.resting(candidates[~rests], tolerance)
        status[candidates[rests].cpu().numpy()] = SETTLED
        runs.hold(torch.arange(w.shape[1], device=on))
        states = runs.states.cpu()
        loss = torch.stack([landscape.value(state) for state in states])

    labelled = dataset(
        landscape,
        states.numpy(),
        loss.numpy(),
        status,
        runs.t.cpu().numpy(),
        ("time", grid),
        grid,
        method=repr(flow.method),
        order=flow.order,
        **({"lr": flow.lr} if flow.lr is not None else {}),
        rtol=rtol,
        atol=atol,
        dtype="float64",
        device=str(on),
        backend=follower.chooser.name,
        backend_reason=follower.chooser.reason,
    )
    return label(labelled.assign(slid=("run", follower.slid.cpu().numpy())))


def _hardly_moves(flow: Flow, w: torch.Tensor, tolerance: float) -> torch.Tensor:
    """Rule out most moving runs ``(d, n)`` by a few values of the field: none that a certificate would hold.

    ``settled`` asks for ‖ẇ‖ ≤ near · ‖A‖ where the field is linear to 5 % over ``near``; ``Follower.resting`` for a
    field that differs over such distances by more than it is there.
    """
    if len(w) > FEW_AXES:
        return torch.ones_like(w[0], dtype=torch.bool)
    here, near = flow(w), tolerance * size(w)
    axes = torch.eye(len(w), dtype=w.dtype, device=w.device)[..., None]
    changes = sum(norm(flow(w + s * near * axis) - here) for axis in axes.unbind(1) for s in (1, -1))
    return norm(here) <= changes


def _lsoda(
    flow: Flow,
    runs: Runs,
    rtol: float,
    atol: float,
    stop: Callable[[torch.Tensor], torch.Tensor],
    max_steps: int,
    jump_ahead: Callable[[], bool],
) -> None:
    """Take the one run as far as LSODA gets; it stalls where its steps collapse and there is a jump ahead."""
    from scipy.integrate import LSODA

    grid = runs.times.numpy()
    t, w = 0.0, runs.w[:, 0].numpy().copy()

    def field(_: float, w: np.ndarray) -> np.ndarray:
        return flow(torch.from_numpy(w)[:, None])[:, 0].numpy()

    solver = LSODA(field, t, w, grid[-1], rtol=rtol, atol=atol)
    reached = np.searchsorted(grid, 0.0, side="right")
    short, patience, outcome = 0, SHORT_STEPS, SPENT
    for _ in range(max_steps):
        runs.steps += 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what LSODA warns of, it also reports as a failed status
            solver.step()
        if solver.status == "failed" or not np.isfinite(solver.y).all():
            outcome = STALLED  # the last good state stays
            break
        moved, passed = np.abs(solver.y - w).max(), solver.t - t
        t, w = solver.t, solver.y.copy()
        after = np.searchsorted(grid, t, side="right")
        runs.states[reached:after, :, 0] = torch.from_numpy(solver.dense_output()(grid[reached:after]).T)
        reached = after
        if bool(stop(torch.from_numpy(w)[:, None])):
            outcome = STOPPED
            break
        if solver.status == "finished":
            outcome = COMPLETE
            break
        runs.t[0], runs.w[:, 0], runs.h[0] = t, torch.from_numpy(w), 8 * passed
        tiny = moved <= TINY * (atol + rtol * np.abs(w).max()) and passed <= 1e-3 * (grid[-1] - t)
        short = short + 1 if tiny else 0
        if short >= patience:
            if jump_ahead():
                outcome = STALLED
                break
            short, patience = 0, 2 * patience
            solver = LSODA(field, t, w, grid[-1], rtol=rtol, atol=atol)  # after a jump its steps may stay short
    runs.t[0], runs.w[:, 0], runs.outcome[0] = t, torch.from_numpy(w), outcome
