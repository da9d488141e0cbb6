"""Computes mean squared displacements of noisy runs."""

from typing import TYPE_CHECKING

import numpy as np

from ... import checks
from ...arguments import checked
from ...simulation import Status

if TYPE_CHECKING:
    import xarray


@checked
def msd(runs: "xarray.Dataset", directions: np.ndarray) -> "xarray.Dataset":
    """Return the mean squared displacement from the start along given directions, with its standard error.

    Args:
        runs: the results of ``simulate`` with ``save_every``, which saves the starts. A run that left the box counts
            with the state at which it stopped.
        directions: the directions e, one per column, ``(d, m)``, e.g. the ``eigenvectors`` of a critical point.

    Returns:
        A dataset with dims step and direction: ``msd``, the mean over runs of ((w(t) − w(0))·e)², in the units of w²,
        and ``error``, its standard error. Both are NaN from the step at which the first run diverged.

    Raises:
        InputError: the runs lack their starts, or the directions have another dimension.

    >>> import numpy as np
    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.landscapes.saddle(), sd.GD(), lr=0.1)
    >>> runs = sd.simulate(map_, np.ones((10, 2)), steps=1, save_every=1)
    >>> sd.analysis.msd(runs, np.eye(2)).msd.values.round(6)  # (2η)²
    array([[0.  , 0.  ],
           [0.04, 0.04]])
    """
    checks.holds(runs, "w", "status", "end", "step")
    if int(runs.step[0]) != 0:
        checks.reject("step", runs.step.values.tolist(), "the starts were not saved", "Use simulate(…, save_every=…)")
    directions = np.asarray(directions, dtype=float)
    if directions.ndim != 2 or len(directions) != runs.sizes["coord"]:
        rule = f"is the shape of directions for runs of {runs.sizes['coord']} coordinates"
        checks.reject("directions", directions.shape, rule, "Give one direction per column")
    after_divergence = runs.step >= runs.end.where(runs.status == Status.DIVERGED, np.inf).min()
    displacement = (runs.w - runs.w[:, 0]).where(~after_divergence).transpose("run", "step", "coord").values
    dims = ("step", "direction")
    with np.errstate(over="ignore", invalid="ignore"):  # squares overflow shortly before a run diverges
        squares = (displacement @ directions) ** 2
        error = np.full(squares.shape[1:], np.nan)
        if len(squares) > 1:
            error = squares.std(0, ddof=1) / np.sqrt(len(squares))
        mean = squares.mean(0)
    result = runs[["step", "time"]].assign(msd=(dims, mean), error=(dims, error))
    return result.drop_vars("run", errors="ignore")
