"""When runs leave a region: exit times, of which those beyond the end of observation are censored."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ... import checks
from ...arguments import checked
from ...dynamics import Map
from ...simulation import Scheme, Status, simulate
from ...simulation.starts import start_points
from ...statistics import Survival, survival


@dataclass(frozen=True)
class Exits:
    """Exit times of N runs.

    Attributes:
        t: when a run left, or was last seen inside, in t = kη: ``(N,)``.
        exited: whether it left, ``(N,)``; the others are censored on the right.
    """

    t: np.ndarray
    exited: np.ndarray

    def survival(self) -> Survival:
        """Return the Kaplan–Meier estimate of P(T > t)."""
        return survival(self.t, self.exited)

    def mean(self) -> tuple[float, float, float]:
        """Return the mean exit time and its 95 % interval.

        Where runs were still inside at the end, the law's tail, from two thirds of the time observed, is taken for
        exponential, as it is from a metastable state; what came before, where runs spread from their start, is not.
        If none left in the last third, the mean is inf, and known from below alone.
        """
        if self.exited.all():
            mean = float(self.t.mean())
            error = 1.96 * float(self.t.std(ddof=1)) / np.sqrt(len(self.t)) if len(self.t) > 1 else np.inf
            return mean, mean - error, mean + error
        from scipy.stats import chi2

        from_there = self.t.max() * 2 / 3
        late = self.t > from_there
        left = int((self.exited & late).sum())
        early, exposure = np.minimum(self.t, from_there), float((self.t[late] - from_there).sum())
        # Of a count of a Poisson process; with none, a bound of 95 % on one side.
        most = chi2.ppf(0.975 if left else 0.95, 2 * left + 2) / 2
        if not left:
            return np.inf, float(early.mean() + late.mean() * exposure / most), np.inf
        beyond, shortest, longest = (exposure / count for count in (left, most, chi2.ppf(0.025, 2 * left) / 2))
        # What a run is expected to take by what was seen of it before the tail; then, how uncertain the tail is.
        expected = early + late * beyond
        mean, error = float(expected.mean()), 1.96 * float(expected.std(ddof=1)) / np.sqrt(len(early))
        low, high = (late.mean() * abs(edge - beyond) for edge in (shortest, longest))
        return mean, float(mean - np.hypot(error, low)), float(mean + np.hypot(error, high))


@checked
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
    """Run a map until the runs leave a box.

    A run is looked at once a step: what crosses the edge and comes back within a step has not left, which makes the
    exit times of a discretised diffusion too late by O(√dt).

    Args:
        map_: the iterates, or a scheme that turns a diffusion into steps.
        w0: starts ``(N, d)``, inside the box.
        box: one (low, high) pair per coordinate; a coordinate that does not matter may have wide ones.
        steps: how long to observe.
        seed, first_run, device: as in ``simulate``.

    Raises:
        InputError: what ``simulate`` refuses; a start outside the box.
    """
    limits = checks.box(box, map_.landscape.dim)
    starts = start_points(w0, map_.landscape, torch.float64, torch.device("cpu")).T.numpy()
    low, high = np.array(limits).T
    outside = ((starts < low) | (starts > high)).any(1)
    if outside.any():
        checks.reject("w0", starts[outside][0].tolist(), f"is outside of the box {limits}", "Start all runs inside")
    runs = simulate(map_, starts, steps, box=limits, seed=seed, first_run=first_run, device=device, progress=False)
    # A run that left the floating-point range has left the box.
    left = np.isin(runs.status.values, (Status.LEFT, Status.DIVERGED))
    return Exits(runs.end.values * float(map_.dt), left)
