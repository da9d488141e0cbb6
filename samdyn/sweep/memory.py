"""The results of a sweep in memory."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .calls.call import Outcome
from .calls.layout import Layout, missing
from .cells.grid import ERROR, STATUS, Grid

if TYPE_CHECKING:
    import xarray

DONE, FAILED, MISSING = "done", "failed", "missing"  # values of cell_status

MEANINGS = {
    STATUS: {"long_name": "what became of the cell", "units": "1"},
    ERROR: {"long_name": "parameters and traceback of a failed cell", "units": "1"},
}


def checked(layout: Layout, outcome: Outcome, described: str) -> Outcome:
    """Return an outcome, or a failure if its values do not have the layout of the other cells."""
    difference = layout.difference(outcome.values) if outcome.values is not None else ""
    if not difference:
        return outcome
    return Outcome(outcome.block, outcome.cells, None, f"{described}\nValueError: {difference}")


def dataset(grid: Grid, outcomes: Sequence[Outcome], describe: Any) -> "xarray.Dataset":
    """Return the result of a sweep.

    Args:
        grid: the grid.
        outcomes: what became of its cells.
        describe: a function that returns the parameters of an outcome as words.
    """
    import xarray

    outcomes = sorted(outcomes, key=lambda outcome: (outcome.block, int(outcome.cells[0])))
    first = next((outcome.values for outcome in outcomes if outcome.values is not None), None)
    layout = Layout({}, {}) if first is None else Layout.of(first)
    arrays = {
        name: np.full((grid.size, *one.array.shape[1:]), missing(one.array), _dtype(one.array))
        for name, one in layout.variables.items()
    }
    status = np.full(grid.size, MISSING, object)
    errors = np.full(grid.size, "", object)
    for outcome in (checked(layout, outcome, describe(outcome)) for outcome in outcomes):
        status[outcome.cells] = FAILED if outcome.values is None else DONE
        errors[outcome.cells] = outcome.error
        for name, one in outcome.values.variables.items() if outcome.values is not None else ():
            arrays[name][outcome.cells] = one.array
    whole = {
        name: ((*grid.dims, *one.dims), arrays[name].reshape((*grid.shape, *one.array.shape[1:])), one.attrs)
        for name, one in layout.variables.items()
    }
    indexes = {name: (name, one.array[0], one.attrs) for name, one in layout.indexes.items()}
    return xarray.Dataset(
        {
            **{name: entry for name, entry in whole.items() if not layout.variables[name].is_coord},
            STATUS: (grid.dims, status.reshape(grid.shape), MEANINGS[STATUS]),
            ERROR: (grid.dims, errors.reshape(grid.shape), MEANINGS[ERROR]),
        },
        coords={
            **grid.coords(),
            **indexes,
            **{name: entry for name, entry in whole.items() if layout.variables[name].is_coord},
        },
    )


def _dtype(array: np.ndarray) -> Any:
    return object if array.dtype.kind == "U" else array.dtype
