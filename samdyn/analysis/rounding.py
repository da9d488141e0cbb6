"""Measures how long a run can be compared with another implementation before rounding separates them."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np
import torch

from .. import checks, html
from ..arguments import checked, for_any_map
from ..dynamics import Flow, Map
from ..ops import norm
from ..simulation.flows.velocity import CompiledFlow
from ..simulation.ode import integrated
from ..simulation.progress import progress_bar
from ..simulation.starts import start_points
from ..simulation.units import unit_of
from ..statistics import median_interval

ROUNDING = float(torch.finfo(torch.float64).eps)  # size of a map's perturbation, relative to the largest coordinate
FLOW_ERROR = (
    1e-8  # size of a flow's perturbation, relative to the largest coordinate: the default rtol of ``integrate``
)
SAVES = 100  # number of times at which the distances between a flow's runs are measured
MAX_STEPS = 20_000  # number of solver steps of a flow between two of these times
TURNING = 0.25  # share of the growth, in e-folds, in which differences turn to the direction of fastest growth
MIN_SAVES_OF_RATE = 3  # number of distances to which a rate is fitted


@dataclass(frozen=True, eq=False)
class Predictability:
    """How copies of a run, which differ by rounding errors, separate.

    Attributes:
        unit: "steps" of a map, or "t", the time of a flow.
        at: the steps or times at which distances were measured, from 0, ``(k,)``.
        distances: the Euclidean distances of the copies from the run, in units of w, ``(k, copies)``; inf from where
            one of the two left the floating-point range.
        tolerance: the distance, in units of w, up to which runs count as the same.
        horizons: the first step or time at which each copy is farther away than that, inf if never, ``(copies,)``.
        horizon: their median: the run can be compared so far, and no farther.
        interval: the ends of the median's 95 % interval, by ``statistics.median_interval``.
        rate: the growth rate of the distances, per step or per unit of t: the slope of their logarithm by least
            squares, averaged over the copies. It leaves out the first quarter of the e-folds up to the tolerance, or
            the first half of a run in which no copy gets there; it is nan if copies are equal to the run. It is the
            finite-time Lyapunov exponent of this run, and tends to the largest of ``lyapunov`` on an attractor.

    >>> import samdyn as sd
    >>> saddle = sd.Map(sd.Landscape("x**2 - y**2", "x y"), sd.GD(), lr=0.1)
    >>> found = sd.predictability(saddle, (1, 0), steps=300, progress=False)
    >>> round(found.rate, 3), round(float(np.log(1 + 0.1 * 2)), 3)  # ln(1 + η|λ|)
    (0.182, 0.182)
    """

    unit: str
    at: np.ndarray
    distances: np.ndarray
    tolerance: float
    horizons: np.ndarray
    horizon: float
    interval: tuple[float, float]
    rate: float

    @property
    def lyapunov_time(self) -> float:
        """The steps or the time in which the distances grow e-fold, 1/rate; inf if they do not grow."""
        return 1 / self.rate if self.rate > 0 else np.inf

    def __str__(self) -> str:
        if np.isinf(self.horizon):
            return f"copies stay within {self.tolerance:g} of the run for all {self._written(self.at[-1])}"
        low, high = ("never" if np.isinf(end) else f"{end:.4g}" for end in self.interval)
        return (
            f"comparable for {self._written(self.horizon)} [{low}, {high}]: then rounding separates copies by more than"
            f" {self.tolerance:g}; it grows e-fold in {self._written(self.lyapunov_time)}"
        )

    def _written(self, value: float) -> str:
        return f"{value:.4g} steps" if self.unit == "steps" else f"t = {value:.4g}"

    def _repr_html_(self) -> str:
        return html.block(str(self))


@checked
@for_any_map
def predictability(
    system: Map | Flow,
    w0: Any,
    *,
    steps: int = 1000,
    time: float = 100.0,
    tolerance: float | None = None,
    copies: int = 32,
    perturbation: float | None = None,
    seed: int = 0,
    progress: bool = True,
) -> Predictability:
    """Measure how long a run can be compared with another implementation of the same formulas.

    Two implementations, processors or backends round differently. Each copy of the run imitates one: its start, and its
    state after every step, get random errors of the size of rounding. Where neighbouring runs separate, as past a
    saddle or in chaos, such errors grow e-fold in every Lyapunov time, until the copies have nothing in common with the
    run but the set on which they move. After the horizon only statistics can be compared.

    The copies of a flow get errors of the size of a solver's tolerance at their start and at 100 times of the run:
    solvers differ by that, and by far more than rounding.

    Source: finite-time Lyapunov exponents and the horizon ln(tolerance/error)/λ, [E.N. Lorenz, *J. Atmos. Sci.* 20,
    130, 1963].

    Args:
        system: a map without noise, or a flow.
        w0: the start ``(coord,)``, in the units of w. Runs start at rest.
        steps: the number of steps of a map's run.
        time: the duration of a flow's run, in the units of t.
        tolerance: the distance, in units of w, from which on runs count as different. Default: 1e-3 of the landscape's
            unit of length.
        copies: the number of copies, ≥ 2.
        perturbation: the size of the errors, relative to the largest |coordinate| of w or of the velocity. Default:
            2.2e-16 for maps, which is float64's; 1e-8 for flows, the default ``rtol`` of ``integrate``.
        seed: the seed of the errors.
        progress: show a progress bar if standard error is a terminal.

    Raises:
        InputError: w0 is more than one start, a number is out of range, or the map has noise.

    >>> import samdyn as sd
    >>> chaotic = sd.Map(sd.landscapes.double_well(), sd.GD(), lr=1.35)
    >>> print(sd.predictability(chaotic, (0.3, 0.2), steps=300, progress=False))
    comparable for ... steps [...]: then rounding separates copies by more than 0.001; it grows e-fold in ... steps
    >>> bowl = sd.Map(sd.Landscape("x**2", "x"), sd.GD(), lr=0.1)
    >>> print(sd.predictability(bowl, (1,), steps=300, progress=False))
    copies stay within 0.001 of the run for all 300 steps
    """
    checks.numeric(system)
    d, unit = system.landscape.dim, unit_of(system.landscape.box)
    start = start_points(w0, system.landscape, torch.float64, torch.device("cpu"))
    if start.shape[1] != 1:
        checks.reject("w0", tuple(np.shape(w0)), "must be one start", "Call predictability for each start")
    steps, time = checks.count("steps", steps, "Use e.g. steps=1000"), checks.positive("time", time, "Use e.g. 100.0")
    if checks.count("copies", copies, "Use e.g. copies=32") < 2:
        checks.reject("copies", copies, "must be at least 2: one copy has no interval", "Use e.g. copies=32")
    limit = 1e-3 * unit if tolerance is None else checks.positive("tolerance", tolerance, "Use e.g. tolerance=1e-3")
    size = ROUNDING if isinstance(system, Map) else FLOW_ERROR
    if perturbation is not None:
        size = checks.positive("perturbation", perturbation, "Use e.g. perturbation=1e-12")
    generator = torch.Generator().manual_seed(checks.word("seed", seed, "Use e.g. seed=0"))

    def perturbed(z: torch.Tensor) -> torch.Tensor:
        """Add errors to all states but the first, ``(D, 1 + copies)``, relative to the largest coordinate of w or v."""
        parts = []
        for part in z.split(d):
            error = 2 * torch.rand(part.shape, generator=generator, dtype=part.dtype) - 1
            error[:, 0] = 0
            parts.append(part + size * part.abs().amax(0) * error)
        return torch.cat(parts)

    with progress_bar("copies", 1.0, progress) as show:
        if isinstance(system, Map):
            system.refuse_noise()
            at = np.arange(steps + 1.0)
            z = system.flat_start(start.expand(-1, 1 + copies))
            states = _iterates(system, z, perturbed)
        else:
            at = np.linspace(0, time, SAVES + 1)
            states = _flow_states(system, start.expand(-1, 1 + copies), time / SAVES, unit, perturbed)
        distances = []
        for number in range(len(at)):
            w = next(states)[:d]
            distances.append(norm(w[:, 1:] - w[:, :1]).nan_to_num(torch.inf).numpy())
            show(number / len(at))
    return _measured("steps" if isinstance(system, Map) else "t", at, np.array(distances), limit)


def _iterates(map_: Map, z: torch.Tensor, perturbed: Any) -> Iterator[torch.Tensor]:
    """Yield the states ``(D, n)`` of a map's runs, with errors after every step."""
    with torch.no_grad():
        z = perturbed(z)
        for number in count(1):
            yield z
            z = perturbed(map_.flat_step(z, None, number))


def _flow_states(flow: Flow, w: torch.Tensor, duration: float, unit: float, perturbed: Any) -> Iterator[torch.Tensor]:
    """Yield the states ``(d, n)`` of a flow's runs after equal durations, with errors after each."""
    scaled, w = CompiledFlow(flow, unit, "auto"), perturbed(w)
    while True:
        yield w
        w = perturbed(integrated(scaled, w, np.array([duration]), FLOW_ERROR, 1e-10 * unit, None, MAX_STEPS).states[-1])


def _measured(unit: str, at: np.ndarray, distances: np.ndarray, tolerance: float) -> Predictability:
    """Return the horizons and the rate of distances ``(k, copies)``."""
    import xarray

    beyond = distances > tolerance
    horizons = np.where(beyond.any(axis=0), at[beyond.argmax(axis=0)], np.inf)
    median, low, high = median_interval(xarray.DataArray(horizons, dims="copy"), "copy")
    separated = np.isfinite(horizons)
    some = separated if np.isfinite(float(median)) else ~separated
    rates = [_rate(at, distance, tolerance) for distance in distances.T[some]]
    rate = float(np.mean(rates))
    return Predictability(unit, at, distances, tolerance, horizons, float(median), (float(low), float(high)), rate)


def _rate(at: np.ndarray, distance: np.ndarray, tolerance: float) -> float:
    """Return the growth rate of a copy's distance ``(k,)``, up to the tolerance or over the later half of the run."""
    beyond = np.flatnonzero(distance > tolerance)
    last = int(beyond[0]) if beyond.size else len(at) - 1
    nonzero = distance[: last + 1] > 0  # a copy may round to the same numbers as the run
    if nonzero.sum() < MIN_SAVES_OF_RATE:
        return np.nan
    when, logarithm = at[: last + 1][nonzero], np.log(np.minimum(distance[: last + 1][nonzero], np.finfo(float).max))
    early = logarithm <= logarithm.min() + TURNING * (np.log(tolerance) - logarithm.min())
    first = int(np.flatnonzero(early)[-1]) if beyond.size else len(when) // 2
    first = min(first, len(when) - MIN_SAVES_OF_RATE)
    return float(np.polyfit(when[first:], logarithm[first:], 1)[0])
