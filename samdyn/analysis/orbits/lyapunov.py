"""Measures Lyapunov exponents: the rates at which neighbouring runs separate along an orbit."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ... import checks
from ...arguments import checked
from ...dynamics import Flow, Map
from ...dynamics.settings import filled, per_run
from ...noise import Draws
from ...ops import jacobian
from ...simulation.progress import progress_bar
from ...simulation.results import OF_W, TIME, meaning
from ...simulation.starts import start_points
from ...simulation.units import unit_of
from ...statistics import batch_means
from .tangent import RungeKutta, TangentRuns, TangentStep, axes, local_error

if TYPE_CHECKING:
    import xarray

BATCHES = 64  # number of parts of a run whose mean growth enters the interval
BOX_FACTOR = 10.0  # in units of the landscape's box; a run that leaves the box enlarged by this factor has left
TURN = 0.05  # largest change of tangent vectors in one step of a flow's solver, relative to their length
PROBE = 1e-9  # relative to the unit of length and ‖w‖∞; distance at which the Jacobian at a start must hold
MAX_ERROR = 0.25  # relative to the Jacobian; the largest error of its prediction there
LOCAL_ERROR = 1e-9  # of a step of a flow's solver, relative to the larger of the unit of length and ‖w‖∞
HALVINGS = 6  # number of times that the solver's step is halved before the field counts as not smooth
MAX_FLOW_STEPS = 20_000_000  # number of steps of a flow's solver, summed over the runs, that take about ten minutes


@checked
def lyapunov(
    system: Map | Flow,
    w0: Any,
    *,
    steps: int = 20_000,
    time: float = 1000.0,
    transient: float = 0.25,
    count: int | None = None,
    box: Sequence[tuple[float, float]] | None = None,
    seed: int = 0,
    progress: bool = True,
) -> "xarray.Dataset":
    """Measure the Lyapunov exponents of the run from every start.

    A frame of tangent vectors goes with each run. The Jacobian of each step, by automatic differentiation, moves it,
    and a QR decomposition makes it orthonormal again. The exponents are the means of the logarithms of R's diagonal,
    after a transient in which the run reaches its attractor and the frame its directions. For a map with momentum they
    are those of the joint state (w, v). For a map with noise the tangent vectors get the draws of the run, so that the
    exponents are those of the random map, averaged over its noise. A flow's run and frame take equal steps of the
    classical Runge–Kutta method of order 4, so short that its local error is below 1e-9.

    An exponent is negative if neighbouring runs approach each other, as they do at a stable fixed point or on a stable
    cycle, where the exponents are the logarithms of the multipliers per step. It is zero along a neutral direction:
    along the orbit of a flow that does not rest, or around a curve on which a map's orbit turns. It is positive in
    chaos. The run itself must stay bounded.

    The half-widths are those of 95 % intervals, by ``statistics.batch_means`` of 64 successive parts of the run, which
    allow for correlation within and between parts. They do not cover a transient that was too short, nor another
    orbit. Where a step jumps, as SAM's does at zeros of the gradient, the Jacobian is the one between the jumps. That
    is right for maps. For flows it omits the change of tangent vectors at the jump, and such flows are refused.

    Args:
        system: a map or a flow. A map's lr, momentum, radius and noise may have one value per run.
        w0: starts ``(run, coord)``, or one point ``(coord,)``. Runs start at rest.
        steps: the number of steps of a map's runs, the transient included.
        time: the duration of a flow's runs in units of t, the transient included.
        transient: the share of the run that passes before the measurement, in [0, 1).
        count: the number of exponents, the largest first. Default: all, one per coordinate of the state.
        box: one (low, high) pair per coordinate; a run that leaves it has no exponents. Default: the landscape's box,
            enlarged tenfold.
        seed: the seed of the noise.
        progress: show a progress bar if standard error is a terminal.

    Returns:
        Over ``run`` and ``exponent``: ``per_time``, the exponents per unit of t = kη, and ``per_time_half_width``; for
        a map also ``per_step``, the exponents per step, and ``per_step_half_width``: per_step = η · per_time. An
        exponent is −inf where a step maps a direction to a point. Over ``run``: ``left``, whether the run left the box,
        which makes its exponents NaN; ``end``, the number of steps or about the time up to which it was followed. ``w``
        (run, coord) is the position at the end.

    Raises:
        InputError: every run leaves the box; the step or the field has no Jacobian at a start, like those of normalised
            SAM at a critical point, or a flow's field is not smooth along a run; the transient leaves fewer than 64
            steps; or another argument is not valid.

    Source: Benettin, Galgani, Giorgilli and Strelcyn (1980), Meccanica 15, 9.

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.Landscape("-x**2/2", "x"), sd.SAM(0.5), lr=0.1)  # λ = −1: chaos of exponent ln(1 + η|λ|)
    >>> found = sd.lyapunov(map_, (0.02,), steps=1000)
    >>> found.per_step.values.round(4), found.per_time.values.round(4)
    (array([[0.0953]]), array([[0.9531]]))
    >>> flow = sd.Flow(sd.Landscape("x**2 + y**2/2", "x y"), sd.GD())
    >>> sd.lyapunov(flow, (1, 1), time=50).per_time.values.round(4)  # −λ at the minimum
    array([[-1., -2.]])
    """
    checks.no_formula(system)
    if isinstance(system, Flow):
        checks.numeric(system)
    steps = checks.count("steps", steps, "Use e.g. steps=20000")
    time = checks.positive("time", time, "Use e.g. time=1000.0")
    rule = "must lie in [0, 1): the share of the run before the measurement"
    transient = checks.number("transient", transient, rule, "Use e.g. transient=0.25", lambda x: 0 <= x < 1)
    landscape, d = system.landscape, system.landscape.dim
    low, high = axes(landscape.box, BOX_FACTOR) if box is None else axes(checks.box(box, d), 1.0)
    seed = checks.word("seed", seed, "Use e.g. seed=0")
    w = start_points(w0, landscape, torch.float64, torch.device("cpu"))
    w, system = _one_start_per_run(w, system)
    outside = ~((w >= low) & (w <= high)).all(0)
    if outside.any():
        which = int(outside.nonzero()[0, 0])
        checks.reject("w0", w[:, which].tolist(), f"start {which} lies outside the box", "Give a larger box")
    z = system.flat_start(w) if isinstance(system, Map) else w
    _check_jacobian(system, z, unit_of(landscape.box), seed)
    number = len(z) if count is None else checks.count("count", count, "Use e.g. count=1")
    if number > len(z):
        checks.reject("count", count, f"the state has {len(z)} coordinate(s), and as many exponents", "Use fewer")
    with progress_bar("exponents", 1.0, progress) as show:
        if isinstance(system, Map):
            growth, runs = _growth_of_map(system, z, number, low, high, steps, transient, seed, show)
            dt, step = 1.0, system.lr
        else:
            growth, runs, dt = growth_of_flow(system, z, number, low, high, time, transient, show)
            step = 1.0
    left = ~runs.running.numpy()
    end = runs.end.numpy() * dt
    if left.all():
        what = f"{end[0]:.0f} steps" if isinstance(system, Map) else f"t = {end[0]:.3g}"
        rule = f"the run leaves the box after {what}, so that it has no exponents"
        rule += f", and so do the other {len(left) - 1} runs" if len(left) > 1 else ""
        fix = "Start in the basin of an attractor, use a smaller lr, or give a larger box"
        checks.reject("w0", w[:, 0].tolist(), rule, fix)
    mean, half = exponents_of(growth)  # (m, N)
    mean[:, left], half[:, left] = np.nan, np.nan
    return _dataset(system, runs.z[:d].numpy(), mean, half, np.asarray(step, dtype=float), left, end, seed)


def exponents_of(growth: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Return exponents and half-widths ``(m, N)``, the largest first, from mean rates of growth ``(B, m, N)``."""
    mean, half = batch_means(growth.numpy())
    order = np.argsort(-mean, axis=0, kind="stable")
    return np.take_along_axis(mean, order, 0), np.take_along_axis(half, order, 0)


def _one_start_per_run(w: torch.Tensor, system: Map | Flow) -> tuple[torch.Tensor, Map | Flow]:
    """Return starts ``(d, N)``, one for every value of the parameters with one value per run, and the system.

    Raises:
        InputError: the numbers of starts and of values differ.
    """
    values = per_run(system)
    sizes = {len(tensor) for tensor in values.values()} - {1}
    if not values or not sizes:
        return w, system
    n = w.shape[1] if w.shape[1] > 1 else max(sizes)
    if sizes != {n}:
        rule = f"is the number of starts; parameters have {', '.join(map(str, sorted(sizes)))} values"
        checks.reject("w0", w.shape[1], rule, "Give one start, or one per value")
    return w.expand(-1, n).clone(), filled(system, {path: t.expand(n).clone() for path, t in values.items()})


def _check_jacobian(system: Map | Flow, z: torch.Tensor, unit: float, seed: int) -> None:
    """Refuse starts ``(D, N)`` near which the Jacobian does not predict the step, or the field.

    Raises:
        InputError: there is such a start.
    """
    draws = Draws(seed, torch.arange(z.shape[1]), 1)

    def function(at: torch.Tensor) -> torch.Tensor:
        return system.flat_step(at, draws) - at if isinstance(system, Map) else system(at)

    matrix, here = jacobian(function, z), function(z)
    h = PROBE * z.abs().amax(0).clamp(min=unit)
    error = torch.zeros_like(h)
    for column, axis in enumerate(torch.eye(len(z), dtype=z.dtype)):
        for side in (h, -h):
            change = (function(z + side * axis[:, None]) - here) / side
            error = torch.maximum(error, (change - matrix[:, column]).abs().amax(0))
    strength = matrix.abs().amax((0, 1))
    rounding = 1e3 * torch.finfo(z.dtype).eps * (here.abs().amax(0) + z.abs().amax(0) * strength + 1e-300) / h
    bad = error > MAX_ERROR * strength + rounding
    if bad.any():
        which = int(bad.nonzero()[0, 0])
        what = "step" if isinstance(system, Map) else "field"
        rule = f"the {what} of {type(system.method).__name__} has no Jacobian there"
        checks.reject("w0", z[: system.landscape.dim, which].tolist(), rule, "Start beside this point")


def _growth_of_map(
    map_: Map,
    z: torch.Tensor,
    count: int,
    low: torch.Tensor,
    high: torch.Tensor,
    steps: int,
    transient: float,
    seed: int,
    show: Any,
) -> tuple[torch.Tensor, TangentRuns]:
    """Return the mean growth per step in every part of the runs, ``(B, m, N)``, and the runs at their ends."""
    before = int(transient * steps)
    length = (steps - before) // BATCHES
    if not length:
        rule = f"{steps - before} step(s) remain after the transient, and {BATCHES} are needed"
        checks.reject("steps", steps, rule, "Use e.g. steps=20000")
    runs = TangentRuns(TangentStep(map_, low, high), z, count, steps=steps, seed=seed, runs=torch.arange(z.shape[1]))
    if before := steps - BATCHES * length:
        runs.advance(before)
    return batches(runs, length, show), runs


def batches(
    runs: TangentRuns,
    length: int,
    show: Callable[[float], object] = lambda share: None,
    check: Callable[[], object] = lambda: None,
) -> torch.Tensor:
    """Return the mean growth per step in each of BATCHES parts of some length: ``(B, m, N)``.

    Args:
        runs: the runs. The parts are NaN from where none goes on.
        length: the number of steps of a part.
        show: called with the share of the work that is done.
        check: called before each part.
    """
    parts: list[torch.Tensor] = []
    for part in range(BATCHES):
        check()
        parts.append(runs.advance(length) / length)
        show((part + 1) / BATCHES)
        if not runs.running.any():
            parts += [torch.full_like(parts[-1], torch.nan)] * (BATCHES - part - 1)
            break
    return torch.stack(parts)


def growth_of_flow(
    flow: Flow,
    z: torch.Tensor,
    count: int,
    low: torch.Tensor,
    high: torch.Tensor,
    time: float,
    transient: float,
    show: Any,
) -> tuple[torch.Tensor, TangentRuns, float]:
    """Return the mean growth per unit of t in every part ``(B, m, N)``, the runs, and the length of a step.

    The arguments are those of ``lyapunov``; z are starts ``(d, N)``, count is m, and low and high are ``(d, 1)``.

    Raises:
        InputError: the field is not smooth along a run, or the steps are so short that they would take too long.
    """
    rate = float(torch.linalg.matrix_norm(flow.jacobian_at(z).movedim(-1, 0), 2).nan_to_num(0, 0, 0).max())
    h = min(TURN / rate if rate > 0 else time, (1 - transient) * time / BATCHES)
    unit = unit_of(flow.landscape.box)
    for _ in range(HALVINGS + 1):
        length = int(np.ceil((1 - transient) * time / BATCHES / h))
        h = (1 - transient) * time / BATCHES / length
        before = round(transient * time / h)
        if (before + BATCHES * length) * z.shape[1] > MAX_FLOW_STEPS:
            rule = f"the field turns so fast that {z.shape[1]} run(s) need steps of {h:.2g}"
            checks.reject("time", time, rule, f"Use a shorter time, e.g. time={time * _share(before, length, z):.2g}")
        step = TangentStep(RungeKutta(flow, h), low, high)
        runs = TangentRuns(step, z, count, steps=4 * (before + BATCHES * length), seed=0, runs=torch.arange(z.shape[1]))
        try:
            return _checked_batches(flow, runs, h, before, length, unit, show) / h, runs, h
        except _StepTooLongError:
            h /= 2
    rule = f"the field is not smooth along a run: steps of {2 * h:.2g} still have errors above {LOCAL_ERROR:g}"
    fix = "Measure the exponents of the Map of the method instead, whose steps may jump"
    return checks.reject("system", flow.method, rule, fix)


def _share(before: int, length: int, z: torch.Tensor) -> float:
    return MAX_FLOW_STEPS / ((before + BATCHES * length) * z.shape[1])


class _StepTooLongError(Exception):
    """The local error of a step is too large."""


def _checked_batches(
    flow: Flow, runs: TangentRuns, h: float, before: int, length: int, unit: float, show: Any
) -> torch.Tensor:
    """Return ``batches`` after a transient. The local error is checked throughout.

    Raises:
        _StepTooLongError: it is too large somewhere on the way.
    """

    def check() -> None:
        z = runs.z[:, runs.running]
        with torch.no_grad():
            if not bool((local_error(flow, z, h, unit) <= LOCAL_ERROR).all()):
                raise _StepTooLongError

    checks_before = BATCHES // 4
    share = before // checks_before
    for part in range(checks_before):
        check()
        if steps := share if part < checks_before - 1 else before - (checks_before - 1) * share:
            runs.advance(steps)
    return batches(runs, length, show, check)


def _dataset(
    system: Map | Flow,
    w: np.ndarray,
    mean: np.ndarray,
    half: np.ndarray,
    step: np.ndarray,
    left: np.ndarray,
    end: np.ndarray,
    seed: int,
) -> "xarray.Dataset":
    """Label exponents and half-widths ``(m, N)`` per step of length ``step`` in t; a flow's step is 1."""
    import xarray

    dims, discrete = ("run", "exponent"), isinstance(system, Map)
    variables: dict[str, Any] = {
        "per_time": (dims, (mean / step).T, meaning("Lyapunov exponent per unit of t", "1 / (steps × lr)")),
        "per_time_half_width": (dims, (half / step).T, meaning("half-width of its 95 % interval", "1 / (steps × lr)")),
    }
    if discrete:
        variables |= {
            "per_step": (dims, mean.T, meaning("Lyapunov exponent per step", "1")),
            "per_step_half_width": (dims, half.T, meaning("half-width of its 95 % interval", "1")),
        }
    variables |= {
        "left": ("run", left, meaning("whether the run left the box", "1")),
        "end": ("run", end, meaning("how far the run was followed", "steps" if discrete else TIME)),
        "w": (("run", "coord"), w.T, meaning("position at the end", OF_W)),
    }
    coords = {
        "run": np.arange(w.shape[1]),
        "exponent": np.arange(1, len(mean) + 1),
        "coord": [str(s) for s in system.landscape.symbols],
    }
    attributes: dict[str, Any] = {"landscape": system.landscape.formula, "method": repr(system.method)}
    if system_noise := getattr(system, "noise", None):
        attributes |= {"noise": repr(system_noise), "seed": seed}
    return xarray.Dataset(variables, coords=coords, attrs=attributes)
