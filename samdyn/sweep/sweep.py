"""A measurement over a grid of parameters."""

import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import checks
from ..simulation.progress import progress_bar
from . import memory
from .calls import execute
from .calls.call import Outcome
from .cells.blocks import Block, Blocks
from .cells.function import check_parameters, check_picklable, name_of
from .cells.grid import grid_of

if TYPE_CHECKING:
    import xarray


def sweep(
    function: Callable[..., Any],
    grid: Mapping[Any, Any],
    store: "str | os.PathLike[str] | None" = None,
    executor: Executor | None = None,
    *,
    processes: int = 1,
    batch: str | Iterable[str] = (),
    retry_failed: bool = False,
    progress: bool = True,
) -> "xarray.Dataset":
    """Call a function for every cell of a grid, and return the results as one labelled Dataset.

    A cell is one choice of all parameters. The function must be pure: what it returns depends on its parameters alone,
    of which a seed may be one. A cell that raises is recorded, with NaN in its place, and the others go on.

    Args:
        function: a function with the parameters of the grid as keywords. It returns a number, an array, a DataArray, a
            Dataset, or a mapping of those, with the same variables, dimensions and labels for every cell. Objects
            that are not numbers or names go in by ``functools.partial(function, landscape=landscape)``.
        grid: the values of each parameter. A list is an axis, a number or a name is the same for all cells, and a tuple
            of parameters with a list of tuples is one axis on which they go together. A DataArray gives its
            coordinate long_name and units.
        store: a folder for the results, a Zarr store: ``xarray.open_zarr`` reads it, also while the sweep runs. If it
            is the store of the same sweep, only the cells that it lacks are run. None keeps all in memory.
        executor: an executor of ``concurrent.futures`` or one like it, such as that of a dask cluster. It keeps
            running.
        processes: the number of processes of this machine, each with one thread. 1 means this process. Other
            processes import the function, so it must have a name at the top level of a file, and a script must call
            ``sweep`` below ``if __name__ == "__main__":``.
        batch: names of axes. Cells that differ in these alone are given in one call, at most 256 at once: these
            parameters are arrays with one entry per cell, and the leading dimension of all that the function returns
            is the cell.
        retry_failed: whether to run the failed cells of the store again too.
        progress: whether to show the progress.

    Returns:
        A Dataset with a dimension for every axis. Integers and truth values that the function returns become float64,
        so that a missing one is NaN; a missing text is empty. ``cell_status`` is "done" or "failed", and
        ``cell_error`` has the parameters and the traceback of a failed cell. With a store, variables are read from it
        when they are used.

    Raises:
        InputError: an axis that is empty, has a value twice, or has other values than numbers or names; a
            parameter that the function does not take, or one that it lacks; a function that other processes cannot
            import; a store that cannot be written, that another sweep writes to, or that is one of another function,
            grid or version.

    >>> import samdyn as sd
    >>> def growth(rho, lr):
    ...     map_ = sd.Map(sd.landscapes.saddle(), sd.USAM(rho), lr=lr)
    ...     return sd.simulate(map_, (0, 1e-3), steps=10).w.values[0, -1, 1] / 1e-3
    >>> result = sd.sweep(growth, {"rho": [0.1, 0.6], "lr": 0.1})
    >>> print(result.value.sel(rho=0.1).round(3).item(), dict(result.sizes))
    4.411 {'rho': 2}
    """
    cells = grid_of(grid)
    check_parameters(function, cells.names)
    blocks = Blocks(cells, batch)
    checks.count("processes", processes, "Use e.g. processes=2")
    checks.flag("progress", progress)
    if executor is not None and processes > 1:
        checks.reject("processes", processes, "an executor is given too", "Give one of them")
    if processes > 1 or isinstance(executor, ProcessPoolExecutor):
        check_picklable(function)
    checks.flag("retry_failed", retry_failed)
    run = partial(_run, function, blocks, executor, processes, progress)
    if store is None:
        if retry_failed:
            checks.reject("retry_failed", True, "there is no store with failed cells", "Give one: store='runs.zarr'")
        outcomes: list[Outcome] = []
        run(np.full(cells.size, True), outcomes.extend)
        result = memory.dataset(cells, outcomes, lambda one: blocks.of(one.block, one.cells).described())
    else:
        result = _stored(function, blocks, store, retry_failed, run)
    _warn(result)
    return result


def _stored(
    function: Callable[..., Any],
    blocks: Blocks,
    path: "str | os.PathLike[str]",
    retry_failed: bool,
    run: Callable[[np.ndarray, Callable[[list[Outcome]], None]], None],
) -> "xarray.Dataset":
    """Run the cells that a store lacks, and return all of it."""
    from .store.manifest import manifest_of
    from .store.store import Store, opened

    with Store(path, blocks, manifest_of(function, blocks)) as store:
        is_due = blocks.whole(store.status == memory.MISSING)  # a batch gives the same bits only as a whole
        if retry_failed:
            is_due |= store.status == memory.FAILED
        try:
            run(is_due, store.add)
        except KeyboardInterrupt:
            rest = int((store.status == memory.MISSING).sum())
            how = "start the same sweep again to continue" if rest else "all cells are there"
            print(
                f"interrupted: {store.status.size - rest} of {store.status.size} cells are in {str(path)!r}; {how}",
                file=sys.stderr,
            )
            raise
    return opened(store.path, blocks.grid.coords())


def _run(
    function: Callable[..., Any],
    blocks: Blocks,
    executor: Executor | None,
    processes: int,
    progress: bool,
    is_due: np.ndarray,
    add: Callable[[list[Outcome]], None],
) -> None:
    """Call a function for the cells that are due, ``(n,)``, and hand the outcomes to ``add`` as they come."""
    numbers = [number for number in range(len(blocks)) if is_due[blocks.cells(number)].any()]
    todo = (_due(blocks[number], is_due) for number in numbers)
    done = 0
    with (
        progress_bar(name_of(function), int(is_due.sum()), progress, "cells") as show,
        closing(_outcomes(function, todo, len(numbers), executor, processes)) as groups,
    ):
        for group in groups:
            add(group)
            done += sum(len(outcome.cells) for outcome in group)
            show(done)


def _due(block: Block, is_due: np.ndarray) -> Block:
    """Return the cells of a block that are due: all of them, unless others failed alone."""
    chosen = is_due[block.cells]
    return block if chosen.all() else block.part(chosen)


def _outcomes(
    function: Callable[..., Any], blocks: Iterator[Block], number: int, executor: Executor | None, processes: int
) -> execute.Groups:
    if executor is not None:
        return execute.on_executor(function, blocks, executor)
    if processes > 1 and number:  # also for one block, whose bits may depend on the number of threads
        return execute.in_processes(function, blocks, min(processes, number))
    return execute.in_this_process(function, blocks)


class FailedCells(RuntimeWarning):
    """Cells of a sweep failed.

    Attributes:
        all: whether all cells did.

    >>> from samdyn.sweep.sweep import FailedCells
    >>> FailedCells("1 of 2 cells failed", False).all
    False
    """

    def __init__(self, message: str, all: bool) -> None:
        super().__init__(message)
        self.all = all


def _warn(result: "xarray.Dataset") -> None:
    """Warn of failed cells."""
    errors = [text for text in result.cell_error.values.flat if text]
    if errors:
        first, total = errors[0].splitlines(), result.cell_error.size
        text = f"{len(errors)} of {total} cells failed, the first at {first[0]}: {first[-1]}. "
        warnings.warn(FailedCells(f"{text}cell_error has their tracebacks", len(errors) == total), stacklevel=3)
