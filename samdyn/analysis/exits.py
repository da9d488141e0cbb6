"""When runs leave a region: exit times, of which those beyond the end of observation are censored."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..dynamics import Map
from ..simulate import simulate
from .escape import Survival, survival


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

    def mean(self) -> tuple[float, float]:
        """Return the mean exit time and its standard error, from all of the time observed.

        If every run left they are those of the sample. Otherwise they are those of an exponential law, time observed
        per exit: right for exits from a metastable state, whose rate is constant, and to be held against the survival
        curve elsewhere. With no exit at all: (inf, nan).
        """
        count = int(self.exited.sum())
        if not count:
            return np.inf, np.nan
        if count == len(self.t):
            return float(self.t.mean()), float(self.t.std(ddof=1) / np.sqrt(count)) if count > 1 else np.nan
        mean = float(self.t.sum() / count)
        return mean, mean / np.sqrt(count)


def exit_times(
    map_: Map,
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
        map_: the iterates, or a diffusion's.
        w0: starts ``(N, d)``, inside the box.
        box: one (low, high) pair per coordinate; a coordinate that does not matter may have wide ones.
        steps: how long to observe.
        seed, first_run, device: as in ``simulate``.

    Raises:
        InputError: what ``simulate`` refuses.
    """
    runs = simulate(
        map_, w0, steps, box=box, seed=seed, first_run=first_run, device=device, progress=False
    )  # a run that left the floating-point range has left the box
    left = np.isin(runs.status.values, ("left the box", "diverged"))
    return Exits(runs.end.values * float(map_.lr), left)
