"""Measures when runs leave a box: exit times, which the end of the observation censors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ... import checks
from ...arguments import checked, for_any_map
from ...dynamics import Map
from ...schedules import Schedule
from ...simulation import Scheme, Status, simulate
from ...simulation.starts import start_points
from ...statistics import Survival, survival
from ..moments.linear_step import start_point

WIDE = 1e6  # distance of the walls that no run reaches, over the distance of those at which runs leave


@dataclass(frozen=True)
class Exits:
    """The exit times of N runs.

    Attributes:
        t: the time at which a run left the box, or at which its observation ended, in t = kη: ``(N,)``.
        exited: whether a run left, ``(N,)`` bool; the times of the others are censored.

    >>> import numpy as np
    >>> import samdyn as sd
    >>> exits = sd.analysis.Exits(t=np.array([1.0, 2.0, 3.0]), exited=np.array([True, True, True]))
    >>> [round(float(value), 2) for value in exits.mean()]
    [2.0, 0.87, 3.13]
    >>> exits.survival().median()[0]
    2.0
    """

    t: np.ndarray
    exited: np.ndarray

    def survival(self) -> Survival:
        """Return the Kaplan–Meier estimate of P(T > t)."""
        return survival(self.t, self.exited)

    def mean(self) -> tuple[float, float, float]:
        """Return the mean exit time and the lower and upper end of its 95 % interval, in t = kη.

        If runs are still inside at the end, the estimate assumes an exponential tail of the law from two thirds of the
        observed time on, as exit from a metastable state has. It assumes nothing about earlier times, when runs spread
        from their starts. If no run left in the last third, the mean is inf, and the interval has a lower end only.
        """
        if self.exited.all():
            mean = float(self.t.mean())
            error = 1.96 * float(self.t.std(ddof=1)) / np.sqrt(len(self.t)) if len(self.t) > 1 else np.inf
            return mean, mean - error, mean + error
        from scipy.stats import chi2

        from_there = self.t.max() * 2 / 3
        late = self.t > from_there
        late_exits = int((self.exited & late).sum())
        early, exposure = np.minimum(self.t, from_there), float((self.t[late] - from_there).sum())
        # The interval of a Poisson count; without late exits, a one-sided 95 % bound.
        most = chi2.ppf(0.975 if late_exits else 0.95, 2 * late_exits + 2) / 2
        if not late_exits:
            return np.inf, float(early.mean() + late.mean() * exposure / most), np.inf
        beyond, shortest, longest = (
            exposure / count for count in (late_exits, most, chi2.ppf(0.025, 2 * late_exits) / 2)
        )
        # The expected time of each run, from its observation before the tail, then the uncertainty of the tail.
        expected_times = early + late * beyond
        mean, error = float(expected_times.mean()), 1.96 * float(expected_times.std(ddof=1)) / np.sqrt(len(early))
        low, high = (late.mean() * abs(edge - beyond) for edge in (shortest, longest))
        return mean, float(mean - np.hypot(error, low)), float(mean + np.hypot(error, high))


@checked
@for_any_map
def exit_times(
    map_: Map | Scheme,
    w0: Any,
    box: Sequence[tuple[float, float]],
    steps: int,
    *,
    seed: int = 0,
    first_run: int = 0,
    device: str = "auto",
) -> Exits:
    """Run a map until the runs leave a box, and return their exit times.

    The box is checked once a step. A diffusion may cross the edge and come back within a step, so that the exit times
    of its discretisation are too late by O(√dt).

    Args:
        map_: the iterates, or a scheme that turns a diffusion into steps.
        w0: the starts ``(N, d)``, inside the box.
        box: one (low, high) pair per coordinate, in the units of w; a wide pair excludes a coordinate from the exit.
        steps: the number of steps of the observation.
        seed, first_run, device: as in ``simulate``.

    Raises:
        InputError: ``simulate`` refuses an argument, or a start lies outside the box.

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.landscapes.saddle(), sd.GD(), lr=0.1)
    >>> exits = sd.analysis.exit_times(map_, [(0, 0.1), (0, 0.2)], [(-1, 1), (-1, 1)], steps=100)
    >>> exits.t.round(3).tolist(), exits.exited.tolist()
    ([1.3, 0.9], [True, True])
    """
    limits = checks.box(box, map_.landscape.dim)
    starts = start_points(w0, map_.landscape, torch.float64, torch.device("cpu")).T.numpy()
    low, high = np.array(limits).T
    outside = ((starts < low) | (starts > high)).any(1)
    if outside.any():
        checks.reject("w0", starts[outside][0].tolist(), f"is outside of the box {limits}", "Start all runs inside")
    runs = simulate(map_, starts, steps, box=limits, seed=seed, first_run=first_run, device=device, progress=False)
    # A run that left the floating-point range has left the box.
    exited = np.isin(runs.status.values, (Status.LEFT, Status.DIVERGED))
    ends, dt = runs.end.values, map_.dt
    return Exits(map_.times(ends) if isinstance(dt, Schedule) else ends * np.asarray(dt), exited)


@checked
@for_any_map
def exits_along(
    map_: Map | Scheme,
    w0: Any,
    coordinate: int,
    distance: float,
    steps: int,
    *,
    runs: int = 1000,
    seed: int = 0,
    first_run: int = 0,
    device: str = "auto",
) -> Exits:
    """Run a map from one point until the runs are a distance away along a coordinate, and return their exit times.

    Args:
        map_: the iterates, or a scheme that turns a diffusion into steps.
        w0: the start of all runs, ``(d,)``, such as a saddle.
        coordinate: the index of the coordinate, from 0 on.
        distance: the distance, in the units of w. Along the other coordinates runs leave at 10⁶ times this distance.
        steps: the number of steps of the observation.
        runs: the number of runs.
        seed, first_run, device: as in ``simulate``.

    Raises:
        InputError: no such coordinate, a distance that is not > 0, or what ``exit_times`` refuses.

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.landscapes.saddle(), sd.GD(), lr=0.1, noise=sd.noise.Gaussian(0.01))
    >>> exits = sd.analysis.exits_along(map_, (0, 0), 1, 1.0, steps=100, runs=50)
    >>> bool(exits.exited.all())
    True
    """
    start = start_point(w0, map_.landscape.dim)
    if not 0 <= coordinate < len(start):
        checks.reject("coordinate", coordinate, f"there are {len(start)}", f"Use 0 to {len(start) - 1}")
    distance = checks.positive("distance", distance, "Use e.g. distance=1")
    width = np.where(np.arange(len(start)) == coordinate, distance, WIDE * distance)
    starts = np.tile(start, (checks.count("runs", runs, "Use e.g. runs=1000"), 1))
    box = list(zip(start - width, start + width, strict=True))
    return exit_times(map_, starts, box, steps, seed=seed, first_run=first_run, device=device)
