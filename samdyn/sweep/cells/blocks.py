"""The calls of a sweep: one per cell, or one for a block of cells that differ in batched axes alone."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ... import checks
from .grid import ERROR, STATUS, Grid

LARGEST = 256  # cells in a block; memory grows with it, and 2000 settings still occupy several processes


@dataclass(frozen=True)
class Block:
    """One call of the function.

    Attributes:
        number: the index of the block.
        cells: the indices of its cells, ``(n,)``.
        parameters: the arguments of the call.
        batch: names of the arguments that are arrays with one entry per cell. Without any there is one cell.
        reserved: names that the result must not have.
    """

    number: int
    cells: np.ndarray
    parameters: dict[str, Any]
    batch: tuple[str, ...]
    reserved: frozenset[str]

    def part(self, chosen: np.ndarray) -> "Block":
        """Return the block of some of the cells, of all parameters that belong to them."""
        parameters = {k: v[chosen] if k in self.batch else v for k, v in self.parameters.items()}
        return replace(self, cells=self.cells[chosen], parameters=parameters)

    def described(self) -> str:
        """Return the parameters as words."""
        shown = {k: v.tolist() if k in self.batch else v for k, v in self.parameters.items()}
        return ", ".join(f"{name} = {value!r}" for name, value in shown.items())


class Blocks:
    """All blocks of a grid. They depend on the grid and on the batched axes alone."""

    def __init__(self, grid: Grid, batch: Iterable[str] = ()) -> None:
        """Make the blocks.

        Raises:
            InputError: a batched axis that the grid does not have.
        """
        self.grid = grid
        self.batch = (batch,) if isinstance(batch, str) else tuple(batch)
        batched = set(self.batch)
        inside = [axis for axis in grid.axes if batched.intersection(axis.columns)]
        for name in self.batch:
            checks.present("axis", name, [n for axis in grid.axes for n in axis.columns])
        for axis in inside:
            if missing := [name for name in axis.columns if name not in batched]:
                rule = f"has a part of the zipped axis {axis.dim!r} only"
                checks.reject("batch", self.batch, rule, f"Add {', '.join(missing)}")
        places = [number for number, axis in enumerate(grid.axes) if axis in inside]
        others = [number for number in range(len(grid.axes)) if number not in places]
        width = int(np.prod([grid.shape[number] for number in places], dtype=np.int64)) if places else 1
        order = np.arange(grid.size).reshape(grid.shape).transpose([*others, *places])
        self._rows = order.reshape(-1, width)
        self._pieces = -(-width // LARGEST)
        self._reserved = frozenset({*grid.names, *grid.dims, STATUS, ERROR})

    def __len__(self) -> int:
        return len(self._rows) * self._pieces

    def __getitem__(self, number: int) -> Block:
        return self.of(number, self.cells(number))

    def whole(self, chosen: np.ndarray) -> np.ndarray:
        """Return a choice of cells, ``(n,)``, with all cells of the blocks that have one of them."""
        result = chosen.copy()
        for number in range(len(self)) if self.batch else ():
            cells = self.cells(number)
            result[cells] = chosen[cells].any()
        return result

    def cells(self, number: int) -> np.ndarray:
        """Return the indices of the cells of a block."""
        row, piece = divmod(number, self._pieces)
        return self._rows[row, piece * LARGEST : (piece + 1) * LARGEST]

    def of(self, number: int, cells: np.ndarray) -> Block:
        """Return the block with a number, of some of its cells only."""
        return Block(number, cells, self.grid.parameters(cells, self.batch), self.batch, self._reserved)
