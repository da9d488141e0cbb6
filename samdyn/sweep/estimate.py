"""What a sweep will take, from a few of its cells."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .calls.call import call_all
from .calls.values import Values
from .cells.blocks import Blocks
from .cells.function import check_parameters
from .cells.grid import grid_of


@dataclass(frozen=True)
class Estimate:
    """What a sweep takes.

    Attributes:
        cells: the number of cells.
        calls: the number of calls of the function.
        timed: the number of calls that were timed.
        seconds: the time of all calls, one after the other.
        bytes: the size of all results, uncompressed.
        errors: the errors of the calls that failed.
    """

    cells: int
    calls: int
    timed: int
    seconds: float
    bytes: float
    errors: list[str]


def estimate(function: Callable[..., Any], grid: Mapping[Any, Any], batch: str | Iterable[str] = ()) -> Estimate:
    """Call a function for the first, the middle and the last block, and estimate what all take.

    The first call does not count if there are others: it may compile code or read data.

    >>> estimate(lambda rho: 2 * rho, {"rho": [1, 2, 3, 4]}).bytes
    32.0
    """
    cells = grid_of(grid)
    check_parameters(function, cells.names)
    blocks = Blocks(cells, batch)
    seconds: list[tuple[float, int]] = []
    sizes: list[tuple[int, int]] = []
    errors: list[str] = []
    for number in sorted({0, len(blocks) // 2, len(blocks) - 1}):
        began = time.perf_counter()
        outcomes = call_all(function, [blocks[number]])
        seconds.append((time.perf_counter() - began, len(blocks.cells(number))))
        sizes += [(_size(outcome.values), len(outcome.cells)) for outcome in outcomes if outcome.values is not None]
        errors += [outcome.error for outcome in outcomes if outcome.values is None]
    return Estimate(
        cells.size,
        len(blocks),
        len(seconds),
        cells.size * _mean(seconds[1:] or seconds),
        cells.size * _mean(sizes),
        errors,
    )


def _size(values: Values) -> int:
    return sum(one.array.nbytes for one in values.variables.values())


def _mean(pairs: Iterable[tuple[float, int]]) -> float:
    """Return the mean per cell of totals, each with a number of cells."""
    pairs = list(pairs)
    return sum(total for total, _ in pairs) / max(1, sum(number for _, number in pairs))
