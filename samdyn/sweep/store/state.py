"""How far the sweep of a store is, also while it runs."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ... import checks
from ...output.workspace import lock
from ..cells.grid import ERROR, STATUS
from ..memory import DONE, FAILED, MISSING
from . import records
from .journal import NAME, read
from .manifest import manifest_in


@dataclass(frozen=True)
class State:
    """How far a sweep is.

    Attributes:
        function: the name of its function.
        done: the number of cells with a result.
        missing: the number of cells that have not been run.
        errors: the parameters and the traceback of each failed cell.
        runs: whether a process writes to the store.
    """

    function: str
    done: int
    missing: int
    errors: list[str]
    runs: bool


def state(path: Path) -> State:
    """Return how far the sweep of a store is.

    Raises:
        InputError: there is no store of a sweep.
    """
    import zarr

    try:
        function = manifest_in(path)["function"]
    except (OSError, ValueError, KeyError, TypeError):
        checks.reject("store", str(path), "is not the store of a sweep", "Give the folder that a sweep has made")
    waiting = [records.decode(record) for _, record in read(path / NAME)]  # before the arrays, to which they move
    group = zarr.open_group(path, mode="r")
    status = np.asarray(group[STATUS][...]).astype("U7").ravel()  # type: ignore[index]
    errors = np.asarray(group[ERROR][...]).astype(object).ravel()  # type: ignore[index]
    for outcome in waiting:
        status[outcome.cells] = FAILED if outcome.values is None else DONE
        errors[outcome.cells] = outcome.error
    failed = [str(errors[cell]) for cell in np.flatnonzero(status == FAILED)]
    return State(function, int((status == DONE).sum()), int((status == MISSING).sum()), failed, _is_locked(path))


def _is_locked(path: Path) -> bool:
    try:
        handle = lock(path)
    except BlockingIOError:
        return True
    if handle is not None:
        os.close(handle)
    return False
