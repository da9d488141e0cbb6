"""Distinguishes the motions of a map's runs that neither rest nor go away: long cycles, quasi-periodic and chaotic."""

from dataclasses import dataclass

import numpy as np
import torch

from .....dynamics import Map
from .....statistics import batch_means
from ....orbits.lyapunov import BATCHES, batches
from ....orbits.tangent import TangentRuns, TangentStep

TRANSIENT, MEASURED = 2048, 16384  # numbers of steps of the tangent vectors before, and in, the measurement
MAX_RUNS = 8  # number of runs on one set whose growth is averaged
E_FOLDS = 10.0  # growth of distances in MEASURED steps above which a set may be chaotic
MAX_HALF_WIDTH = 5e-3  # per step; an exponent that is 0 to within a wider interval decides nothing
NOTHING = 1e-9  # per step; a smaller exponent is a rounding error
SAME_STATE = 1e-4  # in units of the orbit's extent; a run recurs if it comes back as close as this
ROUNDING = 1e-12  # relative to ‖w‖∞; it recurs in any case if it comes back as close as this


@dataclass(frozen=True)
class Exponent:
    """A Lyapunov exponent of a set, per step of a map or per unit of t of a flow.

    Attributes:
        value: the exponent, averaged over runs on the set.
        low, high: the ends of its 95 % interval.

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.landscapes.double_well(), sd.GD(), lr=1.35)
    >>> chaos = sd.attractors(map_, starts=16, steps=4096)[0]
    >>> chaos.kind, chaos.exponent.low > 0
    ('chaotic', True)
    """

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3g} [{self.low:.3g}, {self.high:.3g}]"


def motion(map_: Map, z: torch.Tensor, low: torch.Tensor, high: torch.Tensor) -> tuple[str, Exponent | None]:
    """Return the kind of the set on which runs of a map move, and its largest Lyapunov exponent.

    The kind is "chaotic" if the interval of the exponent lies above 0 and distances grew by more than ten e-folds. It
    is "quasi-periodic" if the interval contains 0, is narrow, and distances changed less. Otherwise it is "wandering":
    also if the exponent is negative, as on a cycle that is longer than the search allows.

    Args:
        map_: the map, without noise.
        z: the states of runs on the set, ``(D, n)``.
        low, high: the box that no run on the set leaves, ``(d, 1)`` each.
    """
    z = z[:, :MAX_RUNS]
    runs = TangentRuns(
        TangentStep(map_, low, high), z, 1, steps=TRANSIENT + MEASURED, seed=0, runs=torch.arange(z.shape[1])
    )
    runs.advance(TRANSIENT)
    growth = batches(runs, MEASURED // BATCHES)  # (B, 1, n)
    if not runs.running.all():
        return "wandering", None
    mean, half = (float(part) for part in batch_means(growth.mean((1, 2)).numpy()))
    exponent = Exponent(mean, mean - half, mean + half)
    return kind_of(exponent), exponent


def kind_of(exponent: Exponent) -> str:
    """Return the kind of a set without a period, from its largest exponent over MEASURED steps."""
    e_folds, half = abs(exponent.value) * MEASURED, (exponent.high - exponent.low) / 2
    if exponent.low > 0 and e_folds > E_FOLDS:
        return "chaotic"
    contains_zero = exponent.low <= NOTHING and exponent.high >= -NOTHING
    return "quasi-periodic" if contains_zero and half < MAX_HALF_WIDTH and e_folds <= E_FOLDS else "wandering"


def recurrence(paths: np.ndarray, shortest: int, longest: int) -> np.ndarray:
    """Return the least number of steps, in a range, after which runs come back to where they were: ``(n,)``.

    It is 0 for runs that do not. It is the period of a run on a cycle, which a certificate must confirm.

    Args:
        paths: positions at k ≥ 2·longest successive steps, ``(k, d, n)``.
        shortest, longest: the range of the number.
    """
    late = paths[len(paths) // 2 :]
    near = np.maximum(SAME_STATE * np.ptp(late, axis=0).max(0), ROUNDING * np.abs(late).max((0, 1)))
    period = np.zeros(paths.shape[2], dtype=int)
    for p in range(shortest, longest + 1):
        open_runs = np.flatnonzero(period == 0)
        if not open_runs.size:
            break
        before = paths[len(paths) - len(late) - p : len(paths) - p][:, :, open_runs]
        apart = np.abs(late[:, :, open_runs] - before).max((0, 1))
        period[open_runs[apart <= near[open_runs]]] = p
    return period
