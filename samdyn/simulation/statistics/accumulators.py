"""Statistics of an ensemble while it runs: the accumulators of those that were chosen, and the counts of all runs."""

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

TRIAL_SAVES = 3  # saves of the trial that every statistic is put to
PIECE = {"cpu": 2**18, "cuda": 2**24}  # numbers reduced at once: what a cache holds, what makes a kernel worth starting


class Accumulators:
    """What is known of the runs so far. Its size depends on the statistics and the number of saves, not on the runs.

    Beside what its statistics give, every result has ``runs`` (step), how many had not diverged by then: who counts;
    and ``largest`` (step), the largest |coordinate| of those, nan if there are none. A run farther out than FAR is
    about to diverge and is left out where it is, as one that has diverged; of one that is nearer nobody knows yet.
    ``largest`` says whether the means are those of a few such runs.
    """

    def __init__(self, statistics: Sequence[Statistic], setting: Setting) -> None:
        """Start with no run.

        Raises:
            InputError: a statistic that makes no accumulator, or refuses the setting.
        """
        self.statistics, self.setting = tuple(statistics), setting
        self.runs = np.zeros(setting.saves, dtype=np.int64)
        self.largest = np.full(setting.saves, np.nan)
        self.accumulators = [statistic.accumulator(setting) for statistic in self.statistics]
        for statistic, made in zip(self.statistics, self.accumulators, strict=True):
            if not isinstance(made, Accumulator):
                fix = "Return an object of a class derived from samdyn.Accumulator"
                checks.reject(f"accumulator of {statistic}", made, "is no accumulator", fix)

    def copy(self) -> Self:
        """Return what is known so far, to go back to."""
        shared = (self.statistics, self.setting, self.setting.landscape)
        return deepcopy(self, {id(one): one for one in shared})

    def chunk(self, part: slice, start: torch.Tensor) -> "Chunk":
        """Go on with some of the runs, which start at ``(d, n)``: whole blocks, but for the last chunk."""
        return Chunk(self, start)

    @torch.no_grad()
    def rehearse(self, start: torch.Tensor) -> None:
        """Try the statistics on one start ``(d, 1)``, so that a mistake in one shows before anything is simulated.

        Raises:
            InputError: a statistic returns what has no place in a result, or two return the same.
        """
        trial = Accumulators(self.statistics, replace(self.setting, saves=min(self.setting.saves, TRIAL_SAVES)))
        chunk, no = trial.chunk(slice(0, 1), start), torch.zeros(1, dtype=torch.bool, device=start.device)
        for slot in range(trial.setting.saves):
            chunk.observe(slot, start, no, no)
        chunk.finish(np.array([Status.UNDECIDED]), torch.zeros(1, dtype=torch.int64), (start,))
        trial.results(refuse=True)

    def results(self, *, refuse: bool = False) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the variables and coordinates of all statistics, as xarray takes them.

        A statistic that fails, or returns what has no place in a result, is left out with a warning, since what was
        simulated must not be lost with it; with ``refuse`` its error is raised.

        Raises:
            InputError: as said.
        """
        variables: dict[str, Any] = {
            "runs": (("step",), self.runs, meaning("runs that are counted", "runs")),
            "largest": (("step",), self.largest, meaning("largest |coordinate| of the runs that are counted", OF_W)),
        }
        coords: dict[str, Any] = {}
        owners: dict[str, Statistic] = {}
        for statistic, accumulator in zip(self.statistics, self.accumulators, strict=True):
            try:
                found = read_results(statistic, accumulator, self.setting)
                _claim(owners, statistic, *found)
            except Exception as error:  # whatever a user's code may raise
                if refuse:
                    raise
                why = f"{type(error).__name__}: {error}"
                warnings.warn(f"the result is without {statistic}. {why}", RuntimeWarning, stacklevel=3)
            else:
                variables |= found[0]
                coords |= found[1]
        used = {dim for dims, *_ in variables.values() for dim in dims}
        for dim, what in (("coord", "coordinate of w"), ("coord_2", "other coordinate of w")):
            if dim in used:
                coords[dim] = ((dim,), self.setting.coordinates, meaning(what, "1"))
        return variables, coords


def _claim(
    owners: dict[str, Statistic], statistic: Statistic, variables: dict[str, Any], coords: dict[str, Any]
) -> None:
    """Enter a statistic as the owner of its variables, coordinates and dims; refuse those that another owns."""
    dims = {dim for dims, *_ in (*variables.values(), *coords.values()) for dim in dims} - set(RESERVED_NAMES)
    names = [*variables, *coords, *dims]
    for name in names:
        if name in owners:
            rule = f"is asked for twice, by {owners[name]} and {statistic}"
            checks.reject("statistics", name, rule, "Ask for it once, or use another name")
    owners |= dict.fromkeys(names, statistic)


class Chunk:
    """Some of the runs on their way through all steps."""

    def __init__(self, whole: Accumulators, start: torch.Tensor) -> None:
        self._whole, self._start = whole, start

    def observe(self, slot: int, w: torch.Tensor, diverged: torch.Tensor, outside: torch.Tensor) -> None:
        """Take in where the runs are at a save.

        Args:
            slot: which save, from 0.
            w: ``(d, n)``, float64 or float32, on any device; runs that are out are held where they were last.
            diverged, outside: ``(n,)`` bool, whether a run left the floating-point range, or the box, by then.
        """
        whole, landscape, (d, n) = self._whole, self._whole.setting.landscape, w.shape
        # Not "farther than", which nan is not.
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
                those = (counts[piece], diverged[piece], outside[piece])
                snapshot = Snapshot(slot, w[:, piece], start, *those, landscape)
                for accumulator in whole.accumulators:
                    accumulator.observe(snapshot)

    def _start_of(self, piece: slice, device: torch.device) -> torch.Tensor:
        self._start = self._start.to(device)
        return self._start[:, piece]

    def finish(self, status: np.ndarray, steps: torch.Tensor, state: State) -> None:
        """Take in what became of the runs.

        Args:
            status: ``(n,)`` of str.
            steps: ``(n,)`` of int: how many steps a run took, or for one that is out, after how many it left.
            state: their last state, which was observed.
        """
        taken = steps.cpu().numpy()
        for accumulator in self._whole.accumulators:
            accumulator.finish(status, taken)
