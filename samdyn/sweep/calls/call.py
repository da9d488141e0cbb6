"""One call of the function of a sweep, in any process."""

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...simulation.progress import silenced
from ..cells.blocks import Block
from .values import Values, values_of


@dataclass(frozen=True)
class Outcome:
    """What became of some cells of a block.

    Attributes:
        block: the index of the block.
        cells: the indices of the cells.
        values: their results, or None if they failed.
        error: the parameters and the traceback if they failed.
    """

    block: int
    cells: np.ndarray
    values: Values | None
    error: str = ""


def call_all(function: Callable[..., Any], blocks: Sequence[Block]) -> list[Outcome]:
    """Call a function for some blocks, and return the outcomes in their order."""
    with silenced():
        return [outcome for block in blocks for outcome in call(function, block)]


def call(function: Callable[..., Any], block: Block) -> list[Outcome]:
    """Call a function for one block. If it raises, both halves are called, so that few cells fail with a bad one."""
    try:
        result = function(**block.parameters)
        values = values_of(result, len(block.cells), bool(block.batch), block.parameters)
        values.check(tuple(block.parameters))
    except (Exception, SystemExit) as error:
        if len(block.cells) == 1:
            return [failure(block, error)]
        halves = np.array_split(np.arange(len(block.cells)), 2)
        return [outcome for half in halves for outcome in call(function, block.part(half))]
    return [Outcome(block.number, block.cells, values)]


def failure(block: Block, error: BaseException | str) -> Outcome:
    """Return the outcome of a block that failed as a whole."""
    if isinstance(error, BaseException):
        # The first frame is that of ``call``.
        trace = error.__traceback__.tb_next if error.__traceback__ else None
        error = "".join(traceback.format_exception(type(error), error, trace))
    return Outcome(block.number, block.cells, None, f"{block.described()}\n{error}".rstrip())
