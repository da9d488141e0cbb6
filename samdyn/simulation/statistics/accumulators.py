"""The record of statistics: the accumulators of all statistics of a simulation, and the count of its runs."""

import warnings
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from functools import partial
from typing import Any, Self

import numpy as np
import torch

from ... import checks
from ...dynamics import State
from ..results import OF_W, meaning
from ..status import Status
from ..threads import one_thread
from .labels import RESERVED_NAMES, read_results
from .moments import block
from .statistic import FAR, Accumulator, Setting, Snapshot, Statistic

TRIAL_SAVES = 3  # number of saves at which statistics are tried before the simulation starts
PIECE = {
    "cpu": 2**18,
    "cuda": 2**24,
}  # numbers reduced at once; a cache holds them, or they are worth a kernel's launch


class Accumulators:
    """The accumulators of some statistics. Their size depends on the statistics and the saves, not on the runs.

    Every result also has ``runs`` (step), the number of runs that count, and ``largest`` (step), the largest
    |coordinate| of those, nan if there are none. A run counts until it diverges or goes beyond FAR, where it is about
    to diverge. A large value of ``largest`` warns that a few runs on their way to infinity dominate the means.
    """

    def __init__(self, statistics: Sequence[Statistic], setting: Setting) -> None:
        """Start with no run.

        Raises:
            InputError: a statistic returns no accumulator, or refuses the setting.
        """
        self.statistics, self.setting = tuple(statistics), setting
        self.runs = np.zeros(setting.saves, dtype=np.int64)
        self.largest = np.full(setting.saves, np.nan)
        self.accumulators = [statistic.accumulator(setting) for statistic in self.statistics]
        for statistic, accumulator in zip(self.statistics, self.accumulators, strict=True):
            if not isinstance(accumulator, Accumulator):
                fix = "Return an object of a class derived from samdyn.Accumulator"
                checks.reject(f"accumulator of {statistic}", accumulator, "is no accumulator", fix)

    def copy(self) -> Self:
        """Return a copy to go back to."""
        shared = (self.statistics, self.setting, self.setting.landscape)
        return deepcopy(self, {id(one): one for one in shared})

    def chunk(self, part: slice, start: torch.Tensor) -> "Chunk":
        """Return the recorder of a chunk with the starts ``(d, n)``. It has whole blocks unless it is the last."""
        return Chunk(self, start)

    @torch.no_grad()
    def rehearse(self, start: torch.Tensor) -> None:
        """Try the statistics on one start ``(d, 1)``, so that their errors are raised before the simulation.

        Raises:
            InputError: a statistic returns values that do not fit a result, or two return the same name.
        """
        trial = Accumulators(self.statistics, replace(self.setting, saves=min(self.setting.saves, TRIAL_SAVES)))
        chunk, no = trial.chunk(slice(0, 1), start), torch.zeros(1, dtype=torch.bool, device=start.device)
        for slot in range(trial.setting.saves):
            chunk.observe(slot, start, no, no)
        chunk.finish(np.array([Status.UNDECIDED]), torch.zeros(1, dtype=torch.int64), (start,))
        trial.results(refuse=True)

    def results(self, *, refuse: bool = False) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the variables and coordinates of all statistics, as xarray takes them.

        A statistic that fails, or returns values that do not fit a result, is left out with a warning, so that the
        others are not lost. With ``refuse`` its error is raised.

        Raises:
            InputError: with ``refuse``, a statistic returns values that do not fit a result.
        """
        variables: dict[str, Any] = {
            "runs": (("step",), self.runs, meaning("runs that are counted", "runs")),
            "largest": (("step",), self.largest, meaning("largest |coordinate| of the runs that are counted", OF_W)),
        }
        coords: dict[str, Any] = {}
        owners: dict[str, Statistic] = {}
        for statistic, accumulator in zip(self.statistics, self.accumulators, strict=True):
            try:
                new_variables, new_coords = read_results(statistic, accumulator, self.setting)
                _claim(owners, statistic, new_variables, new_coords)
            except Exception as error:  # a user's code may raise anything
                if refuse:
                    raise
                why = f"{type(error).__name__}: {error}"
                warnings.warn(f"the result is without {statistic}. {why}", RuntimeWarning, stacklevel=3)
            else:
                variables |= new_variables
                coords |= new_coords
        dims = {dim for dims, *_ in variables.values() for dim in dims}
        for dim, what in (("coord", "coordinate of w"), ("coord_2", "other coordinate of w")):
            if dim in dims:
                coords[dim] = ((dim,), self.setting.coordinates, meaning(what, "1"))
        return variables, coords


def _claim(
    owners: dict[str, Statistic], statistic: Statistic, variables: dict[str, Any], coords: dict[str, Any]
) -> None:
    """Register a statistic as the owner of its variables, coordinates and dims; refuse those that another one owns."""
    dims = {dim for dims, *_ in (*variables.values(), *coords.values()) for dim in dims} - set(RESERVED_NAMES)
    names = [*variables, *coords, *dims]
    for name in names:
        if name in owners:
            rule = f"is asked for twice, by {owners[name]} and {statistic}"
            checks.reject("statistics", name, rule, "Ask for it once, or use another name")
    owners |= dict.fromkeys(names, statistic)


class Chunk:
    """Records some of the runs."""

    def __init__(self, whole: Accumulators, start: torch.Tensor) -> None:
        self._whole, self._start = whole, start

    def observe(self, slot: int, w: torch.Tensor, diverged: torch.Tensor, outside: torch.Tensor) -> None:
        """Pass the positions of the runs at a save to all accumulators.

        Args:
            slot: index of the save, from 0.
            w: ``(d, n)``, float64 or float32, on any device. A run that stopped stays where it stopped.
            diverged, outside: ``(n,)`` bool, whether the run has left the floating-point range, or the box.
        """
        whole, landscape, (d, n) = self._whole, self._whole.setting.landscape, w.shape
        # "distance > FAR" would be false for nan.
        distance = w.abs().amax(0)
        counts = ~diverged & (distance <= FAR)
        whole.runs[slot] += int(counts.sum())
        if n:
            largest = float(torch.where(counts, distance, -1).max())
            whole.largest[slot] = np.fmax(whole.largest[slot], largest if largest >= 0 else np.nan)
        size = block(d)
        length = size * max(1, PIECE[w.device.type] // (size * d))
        with one_thread():
            for first in range(0, n, length):
                piece = slice(first, first + length)
                start = partial(self._start_of, piece, w.device)
                masks = (counts[piece], diverged[piece], outside[piece])
                snapshot = Snapshot(slot, w[:, piece], start, *masks, landscape)
                for accumulator in whole.accumulators:
                    accumulator.observe(snapshot)

    def _start_of(self, piece: slice, device: torch.device) -> torch.Tensor:
        self._start = self._start.to(device)
        return self._start[:, piece]

    def finish(self, status: np.ndarray, steps: torch.Tensor, state: State) -> None:
        """Pass the ends of the runs to all accumulators.

        Args:
            status: ``(n,)`` of str.
            steps: ``(n,)`` of int, the number of steps that the run took.
            state: the last state, which ``observe`` has passed on.
        """
        counts = steps.cpu().numpy()
        for accumulator in self._whole.accumulators:
            accumulator.finish(status, counts)
