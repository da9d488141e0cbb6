"""Where runs are in the end, over one parameter: brute force."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from .. import checks
from ..dynamics import Flow, Map
from ..simulate import integrate
from ..simulate.starts import check_numeric
from .parameters import with_parameters


@dataclass(frozen=True, eq=False)
class OrbitDiagram:
    """Where runs are in the end, over one parameter.

    Attributes:
        name: of the parameter.
        coordinates: the names of those of w.
        parameter: its values, ``(m,)``.
        w: the last points of every run, ``(m, k, d)``; NaN for runs that diverged and flows that have not settled.
    """

    name: str
    coordinates: tuple[str, ...]
    parameter: np.ndarray
    w: np.ndarray


def orbit_diagram(
    system: Map | Flow,
    parameter: str,
    values: Sequence[float] | np.ndarray,
    starts: Sequence[Sequence[float]] | np.ndarray,
    *,
    transient: int = 5000,
    keep: int = 64,
    time: float = 100.0,
) -> OrbitDiagram:
    """Run a system at many values of a parameter and keep where it is in the end: brute force, without any Jacobian.

    A map's last points are where its runs are after the transient, be that an attractor or slow passage near a saddle;
    a flow's are those certified to rest.

    Args:
        system: a map or a flow; its own value of the parameter is not used.
        parameter: "rho", "lr", "momentum" or "ascent_steps".
        values: its values, ``(m,)``.
        starts: points ``(s, d)``; every value gets them all.
        transient: how many steps of a map are thrown away before ``keep`` are kept, of every run.
        keep: how many.
        time: how long flows run, t = kη.

    Returns:
        The last points, with k = s · keep for maps and k = s for flows.

    Raises:
        InputError: a parameter that the system does not have, values out of its range, bad starts or numbers of steps.
    """
    rule, fix = "must be one or more finite numbers", "Use e.g. np.linspace(0.1, 1, 200)"
    try:
        grid = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        checks.reject("values", values, rule, fix)
    if grid.ndim != 1 or not grid.size or not np.isfinite(grid).all():
        checks.reject("values", values, rule, fix)
    transient = checks.count("transient", transient, "Use e.g. transient=5000")
    keep = checks.count("keep", keep, "Use e.g. keep=64")
    time = checks.positive("time", time, "Use e.g. time=100.0")
    names = tuple(str(s) for s in system.landscape.symbols)
    rule, fix = f"must be finite, of shape (s, {len(names)})", "Give one row per start"
    try:
        points = np.asarray(starts, dtype=float)
    except (TypeError, ValueError):
        checks.reject("starts", starts, rule, fix)
    if points.ndim != 2 or points.shape[1] != len(names) or not points.size or not np.isfinite(points).all():
        checks.reject("starts", starts, rule, fix)
    whole = parameter == "ascent_steps"
    # Numbers first: they are refused one by one if they are out of range.
    systems = [with_parameters(system, {parameter: int(v) if whole and v == int(v) else float(v)}) for v in grid]
    check_numeric(systems[0])
    if isinstance(system, Flow) or whole:
        w = np.array([_rests(at, points, time) if isinstance(at, Flow) else _orbits(at, points, transient, keep)
                      for at in systems])  # fmt: skip
    else:
        many = with_parameters(system, {parameter: torch.as_tensor(np.repeat(grid, len(points)))})
        w = _orbits(many, np.tile(points, (len(grid), 1)), transient, keep).reshape(len(grid), -1, len(names))
    return OrbitDiagram(parameter, names, grid, w)


def _orbits(map_: Map, starts: np.ndarray, transient: int, keep: int) -> np.ndarray:
    """Return the last points of runs, run after run, ``(n · keep, d)``; NaN for those that overflowed."""
    state = map_.start(torch.as_tensor(starts.T.copy()))
    last = []
    with torch.no_grad():
        for step in range(transient + keep):
            state = map_.step(state)
            if step >= transient:
                last.append(state[0])
    w = torch.stack(last)  # (keep, d, n)
    w = torch.where(torch.isfinite(w).all(0).all(0), w, torch.nan)
    return w.permute(2, 0, 1).reshape(-1, starts.shape[1]).numpy()


def _rests(flow: Flow, starts: np.ndarray, time: float) -> np.ndarray:
    """Return where runs rest ``(n, d)``, NaN for those that do not."""
    runs = integrate(flow, starts, time, progress=False)
    return np.where(runs.status.values[:, None] == "settled", runs.w.values[:, -1], np.nan)
