"""A measurement over a grid of parameters."""

import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any

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
        store: None.
        executor: an executor of ``concurrent.futures`` or one like it, such as that of a dask cluster. It keeps
            running.
        processes: the number of processes of this machine, each with one thread. 1 means this process. Other
            processes import the function, so it must have a name at the top level of a file, and a script must call
            ``sweep`` below ``if __name__ == "__main__":``.
        batch: names of axes. Cells that differ in these alone are given in one call, at most 256 at once: these
            parameters are arrays with one entry per cell, and the leading dimension of all that the function returns
            is the cell.
        progress: whether to show the progress.

    Returns:
        A Dataset with a dimension for every axis. Integers and truth values that the function returns become float64,
        so that a missing one is NaN; a missing text is empty. ``cell_status`` is "done" or "failed", and
        ``cell_error`` has the parameters and the traceback of a failed cell.

    Raises:
        InputError: an axis that is empty, has a value twice, or has other values than numbers or names; a
            parameter that the function does not take, or one that it lacks; a function that other processes cannot
            import.

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
    if processes > 1:
        check_picklable(function)
    if store is not None:
        checks.reject("store", store, "is not there yet", "Leave it out")

    todo = (blocks[number] for number in range(len(blocks)))
    outcomes: list[Outcome] = []
    done = 0
    with progress_bar(name_of(function), cells.size, progress) as show:
        for group in _outcomes(function, todo, len(blocks), executor, processes):
            outcomes += group
            done += sum(len(outcome.cells) for outcome in group)
            show(done)
    result = memory.dataset(cells, outcomes, lambda outcome: _described(blocks, outcome))
    _warn(result)
    return result


def _outcomes(
    function: Callable[..., Any], blocks: Iterator[Block], number: int, executor: Executor | None, processes: int
) -> Iterator[list[Outcome]]:
    if executor is not None:
        return execute.on_executor(function, blocks, executor)
    if min(processes, number) > 1:
        return execute.in_processes(function, blocks, min(processes, number))
    return execute.in_this_process(function, blocks)


def _described(blocks: Blocks, outcome: Outcome) -> str:
    parameters = blocks.grid.parameters(outcome.cells, blocks.batch)
    return Block(outcome.block, outcome.cells, parameters, blocks.batch).described()


def _warn(result: "xarray.Dataset") -> None:
    """Warn of failed cells."""
    errors = [text for text in result.cell_error.values.flat if text]
    if errors:
        first = errors[0].splitlines()
        warnings.warn(
            f"{len(errors)} of {result.cell_error.size} cells failed, the first at {first[0]}: {first[-1]}. "
            "cell_error has their tracebacks",
            RuntimeWarning,
            stacklevel=3,
        )
