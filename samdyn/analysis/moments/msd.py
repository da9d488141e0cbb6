"""How far noise carries runs: mean squared displacements."""

from typing import TYPE_CHECKING

import numpy as np

from ... import checks
from ...arguments import checked
from ...simulation import Status

if TYPE_CHECKING:
    import xarray


@checked
def msd(runs: "xarray.Dataset", directions: np.ndarray) -> "xarray.Dataset":
    """Return the mean squared displacement from the start along some directions, with its standard error.

    Args:
        runs: from ``simulate`` with ``save_every``, so that the starts are there; runs that left the box count
            where they are held. From the step at which the first run diverged there is no mean: NaN.
        directions: one per column, ``(d, m)``: for those of a critical point, its ``eigenvectors``.

    Returns:
        A dataset with dims step, direction: ``msd`` = mean over runs of ((w(t) − w(0))·e)², and ``error``.

    Raises:
        InputError: runs without their starts, or directions of another dimension.
    """
    checks.holds(runs, "w", "status", "end", "step")
    if int(runs.step[0]) != 0:
        checks.reject("step", runs.step.values.tolist(), "the starts were not saved", "Use simulate(…, save_every=…)")
    directions = np.asarray(directions, dtype=float)
    if directions.ndim != 2 or len(directions) != runs.sizes["coord"]:
        rule = f"is the shape of directions for runs of {runs.sizes['coord']} coordinates"
        checks.reject("directions", directions.shape, rule, "Give one direction per column")
    gone = runs.step >= runs.end.where(runs.status == Status.DIVERGED, np.inf).min()
    moved = (runs.w - runs.w[:, 0]).where(~gone).transpose("run", "step", "coord").values
    dims = ("step", "direction")
    with np.errstate(over="ignore", invalid="ignore"):  # just before a run diverges its square already overflows
        squares = (moved @ directions) ** 2
        error = np.full(squares.shape[1:], np.nan)
        if len(squares) > 1:
            error = squares.std(0, ddof=1) / np.sqrt(len(squares))
        mean = squares.mean(0)
    out = runs[["step", "time"]].assign(msd=(dims, mean), error=(dims, error))
    return out.drop_vars("run", errors="ignore")
