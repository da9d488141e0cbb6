"""Computes orbit diagrams: the last states of runs over one parameter."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ... import checks
from ...arguments import checked
from ...dynamics import Flow, Map
from ...simulation import integrate
from ...simulation.iterates.iterate import Iterates
from ...simulation.iterates.stepping import Steps
from ..parameters import with_parameters


@dataclass(frozen=True, eq=False)
class OrbitDiagram:
    """The last states of runs over one parameter, which ``plot.orbits`` draws under branches.

    Attributes:
        name: the name of the parameter.
        parameter: its values, ``(m,)``.
        w: the last positions of the runs at each value, ``(m, k, d)``; NaN for runs that diverged.

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.Landscape("(x**2 - 1)**2/4", "x"), sd.GD(), lr=0.1)
    >>> sd.analysis.orbit_diagram(map_, "lr", [0.5, 1.1], [[0.5]], transient=200, keep=2).w.shape
    (2, 2, 1)
    """

    name: str
    parameter: np.ndarray
    w: np.ndarray


@checked
def orbit_diagram(
    system: Map | Flow,
    parameter: str,
    values: Sequence[float] | np.ndarray,
    starts: np.ndarray,
    *,
    transient: int = 5000,
    keep: int = 64,
    time: float = 100.0,
) -> OrbitDiagram:
    """Run a system at many values of a parameter and return its last states. No Jacobian is needed.

    Args:
        system: a map or a flow.
        parameter: the name of the parameter.
        values: its values, ``(m,)``.
        starts: the starts ``(s, d)`` of the runs at every value.
        transient: the number of steps of a map before the states that the diagram saves.
        keep: the number of steps of a map after that; the diagram saves the state after each of them.
        time: the duration of a flow's runs, in units of t; the diagram saves their last state.

    Raises:
        InputError: the system does not have the parameter, a value is out of its range, or the starts are not valid.

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.Landscape("(x**2 - 1)**2/4", "x"), sd.GD(), lr=0.1)
    >>> orbits = sd.analysis.orbit_diagram(map_, "lr", [0.5, 1.1], [[0.5]], transient=200, keep=2)
    >>> [sorted(w.round(3).ravel().tolist()) for w in orbits.w]  # a fixed point and a 2-cycle
    [[1.0, 1.0], [0.815, 1.116]]
    """
    grid = np.asarray(values, dtype=float)
    if grid.ndim != 1 or not grid.size:
        checks.reject("values", grid.tolist(), "must be one or more numbers", "Use e.g. [0.1, 0.2]")
    transient = checks.count("transient", transient, "Use e.g. transient=5000")
    keep = checks.count("keep", keep, "Use e.g. keep=64")
    points = np.atleast_2d(np.asarray(starts, dtype=float))
    d = system.landscape.dim
    if points.ndim != 2 or points.shape[1] != d or not np.isfinite(points).all():
        checks.reject("starts", points.shape, f"must be finite, of shape (s, {d})", "Give one row per start")
    if isinstance(system, Flow) or parameter == "ascent_steps":
        rows = []
        for value in grid:
            at = with_parameters(system, {parameter: int(value) if parameter == "ascent_steps" else float(value)})
            rows.append(
                integrate(at, points, checks.positive("time", time, "Use e.g. 100.0"), progress=False).w.values[:, -1]
                if isinstance(at, Flow)
                else _orbits(at, torch.as_tensor(points.T.copy()), transient, keep).reshape(-1, d)
            )
        return OrbitDiagram(parameter, grid, np.array(rows))
    many = with_parameters(system, {parameter: torch.as_tensor(np.repeat(grid, len(points)))})
    w = _orbits(many, torch.as_tensor(np.tile(points, (len(grid), 1)).T.copy()), transient, keep)
    return OrbitDiagram(parameter, grid, w.reshape(len(grid), len(points) * keep, d))


def _orbits(map_: Map, start: torch.Tensor, transient: int, keep: int) -> np.ndarray:
    """Return the last positions of runs ``(n, keep, d)``, NaN for those that left the floating-point range."""
    map_.refuse_noise()
    last = []
    with Iterates(Steps(map_, None), start, number=transient + keep) as runs:
        runs.advance(transient)
        for _ in range(keep):
            runs.advance(1)
            last.append(runs.w.clone())
        w = torch.where(runs.running, torch.stack(last), torch.nan)  # (keep, d, n)
    return w.permute(2, 0, 1).numpy()
