"""Integration of flows to a tolerance: by SciPy for one start, in batches on a device for many."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from .. import checks
from ..dynamics import Flow
from ..dynamics.settings import described, names
from ..ops import norm
from .backends import BACKENDS
from .discontinuities.filippov import Filippov
from .discontinuities.jumps import size
from .discontinuities.regions import TrapRegions
from .discontinuities.states import FilippovRuns, State
from .flows.runs import AT_END, NO_STEP, OUTSIDE, Limits
from .flows.settings import by_setting
from .flows.trial import BLOW_UP_DISTANCE
from .flows.velocity import CompiledFlow
from .iterates.request import parameters_of, start_of_every_run
from .progress import progress_bar, tracked
from .results import MEANINGS, dataset, label
from .settling import settled
from .starts import check_memory, choose_device, start_points
from .status import DTYPE, Status
from .threads import threads_for
from .units import unit_of

if TYPE_CHECKING:
    import xarray

BATCH = 2**16  # number of runs that a CPU integrates at once; its caches hold their data
FEW_AXES = 4  # number of coordinates above which ``settled`` has a cheaper way to rule out moving runs
LARGEST = float(np.finfo(float).max) ** 0.5  # largest |coordinate| whose square, which error estimates take, is finite
ATOL = 1e-10  # default bound on the local error, in the landscape's unit of length


def integrate(
    flow: Flow,
    w0: Any,
    times: float | Sequence[float] | np.ndarray,
    *,
    rtol: float = 1e-8,
    atol: float | None = None,
    box: Sequence[tuple[float, float]] | None = None,
    device: str = "auto",
    backend: str = "auto",
    max_steps: int = 20_000,
    progress: bool = True,
) -> "xarray.Dataset":
    """Integrate a flow from every start, in float64.

    SciPy's LSODA integrates a single start. Many starts go to a batched explicit method of order 5, in which every run
    chooses its own steps. Runs that turn out to be stiff go to an implicit method of order 4, and from there to LSODA
    if they are few and need many steps. Where the field jumps, runs cross, slide along the discontinuity, leave it or
    come to rest on it, in Filippov's sense. A run that needs more than ``max_steps`` ends "undecided" at the time it
    reached. A run ends "diverged" if it leaves the floating-point range, or if it grows a million-fold in steps too
    short to change the time.

    The unit of small lengths, such as the distance at which a run counts as at rest, is near a sixth of the landscape's
    box (``units.unit_of``). Define the box if coordinates are not of order 1.

    Args:
        flow: the field. A parameter of its landscape, its method or its lr may have one value per run. Runs of
            different settings are integrated one setting after the other.
        w0: starts ``(run, coord)``, or one point ``(coord,)``, in the units of w. One point is the start of as many
            runs as the parameters have values.
        times: the times to save, ascending, ≥ 0, in the units of t = kη. A single number saves the end alone.
        rtol: bound on the relative local error; values below 2e-14 count as 2e-14, because of rounding.
        atol: bound on the local error, in the units of w; None for 1e-10 of the landscape's unit of length.
        box: one (low, high) pair per coordinate, in the units of w. A run that leaves the box stops.
        device: as in ``simulate``. The CPU integrates a single start.
        backend: "eager" for torch, "compiled" for code from the machine's C compiler, "auto" for the one that finishes
            first, compile time included. They take the same steps, but for rounding. Torch integrates fields that
            cannot be compiled, stiff runs and sliding runs; the attributes ``backend`` and ``backend_reason`` name the
            backend and the reason.
        max_steps: number of steps that a run may try.
        progress: show a progress bar if standard error is a terminal.

    Returns:
        A dataset like that of ``simulate``, with time in place of step. ``end`` (run) is the time that a run reached;
        it stays there at later times. ``slid`` (run) says whether the run slid along a jump of the field. Parameters
        with one value per run are coordinates (run).

    Raises:
        InputError: times do not ascend, a tolerance is ≤ 0, or the starts, box, device or backend are not valid.

    >>> import samdyn as sd
    >>> saddle = sd.Landscape("(x**2 - y**2)/2", "x y")
    >>> runs = sd.integrate(sd.Flow(saddle, sd.GD()), [(1, 0.1), (1, 0)], [0.5, 1.0])
    >>> runs.w.dims, runs.w.sel(time=1.0).values.round(3).tolist()
    (('run', 'time', 'coord'), [[0.368, 0.272], [0.368, 0.0]])
    """
    if not isinstance(flow, Flow):
        checks.reject("flow", flow, "is no flow", "Use Flow(landscape, method); simulate for a map or a scheme")
    landscape = flow.landscape
    checks.no_formula(flow)
    grid = _save_times(times)
    rtol = max(checks.positive("rtol", rtol, "Use e.g. rtol=1e-8"), 100 * torch.finfo(torch.float64).eps)
    unit = unit_of(landscape.box)
    atol = ATOL * unit if atol is None else checks.positive("atol", atol, "Use e.g. atol=1e-10")
    backend = checks.known("backend", backend, BACKENDS)
    max_steps = checks.count("max_steps", max_steps, "Use e.g. max_steps=20000")
    parameters, start = parameters_of(flow), start_points(w0, landscape, torch.float64, choose_device(device))
    start = start_of_every_run(start, parameters, None)
    check_memory("times", times, len(grid), *start.shape)
    limits = checks.box(box, landscape.dim) if box is not None else None
    settings = list(by_setting(flow, parameters, start.shape[1]))
    several = len(settings) > 1
    on, parts = torch.device("cpu"), []
    for one, runs in tracked("settings", settings, progress and several):
        scaled, w = CompiledFlow(one, unit, backend), start[:, runs]
        if len(runs) > 1:
            on = start.device
        else:
            w = w.cpu()
        each = progress and not several
        parts.append(integrated(scaled, w, grid, rtol, atol, limits, max_steps, progress=each))
    ends = _joined(parts, [runs for _, runs in settings]) if several else parts[0]
    states = ends.states.cpu()
    loss = torch.stack([landscape.value(state) for state in states])
    labels = names(parameters, tuple(MEANINGS))
    result = dataset(
        landscape,
        states.numpy(),
        loss.numpy(),
        ends.status,
        ends.t.cpu().numpy(),
        ("time", grid),
        grid,
        coords={labels[path]: ("run", values.numpy()) for path, values in parameters.items()},
        method=repr(described(flow).method),
        order=flow.order,
        **({"lr": flow.lr} if flow.lr is not None and ("lr",) not in parameters else {}),
        rtol=rtol,
        atol=atol,
        dtype="float64",
        device=str(on),
        backend=ends.backend,
        backend_reason=ends.backend_reason,
    )
    return label(result.assign(slid=("run", ends.slid.cpu().numpy())), labels.values())


def _save_times(times: Any) -> np.ndarray:
    """Return the times to save, ``(saves,)``, after a check."""
    fix = "Give one time > 0, or several in ascending order"
    try:
        grid = np.atleast_1d(np.array(times, dtype=float))
    except (TypeError, ValueError, OverflowError):
        checks.reject("times", times, "must be numbers", fix)
    ascends = grid.ndim == 1 and grid.size and np.isfinite(grid).all() and (np.diff(grid) > 0).all()
    if not ascends or grid[0] < 0 or grid[-1] <= 0:
        checks.reject("times", times, "must be finite, ascending and not negative", fix)
    return grid


@dataclass(frozen=True)
class Ends:
    """The ends of N runs.

    Attributes:
        states: (saves, d, N), in the units of w.
        status: (N,), as in ``results``.
        t: (N,), the time at which each run ended.
        slid: (N,), whether the run slid on a surface across which the field jumps, or rests where the field jumps.
        at_jump: (N,), whether the run rests where the field jumps.
        alone: (N,), whether it rests there at an isolated point, and not on a curve or a set of such points.
        backend, backend_reason: the backend that computed the steps, and why.
    """

    states: torch.Tensor
    status: np.ndarray
    t: torch.Tensor
    slid: torch.Tensor
    at_jump: torch.Tensor
    alone: torch.Tensor
    backend: str
    backend_reason: str


def _joined(parts: Sequence[Ends], runs: Sequence[torch.Tensor]) -> Ends:
    """Return the ends of all runs, on the CPU, from those of some of them, whose indices are ``runs``."""
    place = torch.cat(list(runs)).argsort()

    def whole(name: str) -> torch.Tensor:
        return torch.cat([getattr(part, name).cpu() for part in parts], -1)[..., place]

    return Ends(
        whole("states"),
        np.concatenate([part.status for part in parts])[place.numpy()],
        whole("t"),
        whole("slid"),
        whole("at_jump"),
        whole("alone"),
        " and ".join(sorted({part.backend for part in parts})),
        parts[0].backend_reason,
    )


def integrated(
    flow: CompiledFlow,
    w0: torch.Tensor,
    grid: np.ndarray,
    rtol: float,
    atol: float,
    box: Sequence[tuple[float, float]] | None,
    max_steps: int,
    *,
    progress: bool = False,
    traps: TrapRegions | None = None,
) -> Ends:
    """Integrate as ``integrate`` does, from starts ``(d, N)``. The caller has checked the arguments.

    ``traps`` are the regions that hold runs, as far as earlier calls with this flow certified them; it is updated.

    Arguments are in the units of w; in the unit of the flow the lengths below are of order 1.
    """
    unit, on, d = flow.unit, w0.device, len(w0)
    start = w0 / unit
    bounds = torch.tensor([(-LARGEST, LARGEST)] * d if box is None else box, dtype=torch.float64, device=on)
    low, high = bounds.T[..., None] / (1 if box is None else unit)
    with torch.no_grad(), progress_bar(f"{flow.flow.method}", grid[-1], progress) as show, ExitStack() as stack:
        limits = Limits(rtol, atol / unit, low, high, max_steps, show)
        runs = FilippovRuns.start(start, torch.as_tensor(grid, device=on))
        filippov = Filippov(flow, runs, limits, traps)
        chooser = stack.enter_context(filippov.chooser)
        stack.enter_context(filippov.implicit_chooser)
        if on.type == "cpu":
            stack.enter_context(threads_for(min(start.numel(), BATCH * d)))
        begins_outside = limits.outside(start)
        runs.outcome[begins_outside], runs.state[begins_outside] = OUTSIDE, State.END
        inside = (~begins_outside).nonzero().squeeze(1)
        for some in inside.split(BATCH if on.type == "cpu" else max(len(inside), 1)):
            filippov.follow(some)
        status = _status(flow, filippov, limits, start, Status.LEFT if box is not None else Status.DIVERGED)
        runs.hold(torch.arange(start.shape[1], device=on))
    at_jump = runs.state == State.RESTING
    return Ends(unit * runs.states, status, runs.t, runs.slid, at_jump, runs.isolated, chooser.name, chooser.reason)


def _status(flow: CompiledFlow, filippov: Filippov, limits: Limits, start: torch.Tensor, outside: str) -> np.ndarray:
    """Return the status of every run, (N,), and move the runs that rest to their resting points."""
    runs, status = filippov.runs, np.full(start.shape[1], Status.UNDECIDED, dtype=DTYPE)
    w = runs.w
    # A run blows up in finite time if it grew a million-fold, or its speed left the floating-point range, in steps that
    # no longer change the time. From a plateau into a well, speed grows as much, and stays finite.
    grew = w.abs().amax(0) > BLOW_UP_DISTANCE * start.abs().amax(0).clamp(min=1)
    blew_up = (runs.outcome == NO_STEP) & (grew | ~(norm(flow(w)) < LARGEST))
    status[blew_up.cpu().numpy()] = Status.DIVERGED
    status[limits.outside(w).cpu().numpy()] = outside
    tolerance = limits.resting_distance
    candidates = (runs.outcome == AT_END).nonzero().squeeze(1)
    candidates = candidates[_hardly_moves(flow, w[:, candidates], tolerance)]
    rests = runs.state[candidates] == State.RESTING
    rests[~rests] = settled(flow.eager, w[:, candidates[~rests]], len(w), tolerance, discrete=False)
    rests[~rests] = filippov.rests(candidates[~rests])
    status[candidates[rests].cpu().numpy()] = Status.SETTLED
    return status


def _hardly_moves(flow: CompiledFlow, w: torch.Tensor, tolerance: float) -> torch.Tensor:
    """Say which runs ``(d, n)`` may rest, from a few values of the field: ``(n,)``. The others have no certificate.

    ``settled`` requires ‖ẇ‖ ≤ near · ‖A‖ where the field is linear to 5 % over the distance ``near``.
    ``Filippov.rests`` requires that the field changes over such distances by more than its value at the point.
    """
    if len(w) > FEW_AXES:
        return torch.ones_like(w[0], dtype=torch.bool)
    here, near = flow(w), tolerance * size(w)
    axes = torch.eye(len(w), dtype=w.dtype, device=w.device)[..., None]
    changes = sum(norm(flow(w + s * near * axis) - here) for axis in axes.unbind(1) for s in (1, -1))
    return norm(here) <= changes
