"""A store: the folder in which a sweep writes its cells, and from which another start continues."""

import errno
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ...output import signals
from ..calls.call import Outcome
from ..calls.layout import Layout
from ..calls.values import Values
from ..cells.blocks import Blocks
from ..cells.grid import ERROR, STATUS
from ..memory import DONE, FAILED, MISSING, checked
from . import arrays, place, records
from .journal import NAME, Journal
from .manifest import Manifest

if TYPE_CHECKING:
    import xarray

PAUSE = 5.0  # seconds from one time that cells are moved to the arrays to the next, at least
SHARE = 10  # times as long as that move takes, at least
PIECE = 2**25  # bytes of records that are moved at once


class Store:
    """The folder of a sweep. It is a Zarr group, and a journal while cells are not yet in its arrays.

    A finished cell goes to the journal. Every few seconds all cells of the journal are written to the arrays, the
    status last, and then the journal is emptied. A process may be killed at any moment: the next start reads the
    journal and writes its cells, also those that are in the arrays already, which changes nothing. Zarr writes each
    file whole or not at all.

    Only the process that has locked the folder writes there.
    """

    def __init__(self, path: "str | os.PathLike[str]", blocks: Blocks, manifest: Manifest) -> None:
        """Open the store of a sweep, and create it if there is none.

        Raises:
            InputError: the path is a file or holds other things, the store is that of another sweep or cannot be
                written, or another sweep writes there.
        """
        self.path = Path(path)
        self._blocks = blocks
        self._lock = place.occupy(self.path, blocks, manifest)
        try:
            self._open()
        except BaseException as error:
            self._unlock()
            if isinstance(error, OSError):
                place.cannot_write(self.path, error)
            raise

    def _open(self) -> None:
        import zarr

        for left in self.path.rglob(f"*{arrays.UNFINISHED}"):  # files that a killed process was writing
            left.unlink()
        self._group = zarr.open_group(self.path, mode="r+", use_consolidated=False)
        names = arrays.published(self.path)
        self._arrays: dict[str, Any] = {name: self._group[name] for name in names}
        self._layout = arrays.layout_of(self._group, names, self._blocks.grid)
        self.status = np.asarray(self._arrays[STATUS][...]).astype("U7").ravel()
        self._first: dict[int, int] = {}  # the first cell of each block that has a result, until the layout is known
        self._journal = Journal(self.path / NAME)
        for record in self._journal.records():
            self._note(records.decode(record))
        self._due = 0.0
        self._move_if_due()

    def add(self, outcomes: list[Outcome]) -> None:
        """Write outcomes of cells, all of a cell or nothing.

        Raises:
            InputError: they cannot be written, as when the disk is full. What the store holds stays.
        """
        try:
            for outcome in outcomes:
                with signals.delay():
                    self._journal.append(records.encode(outcome))
                    self._note(outcome)
            self._move_if_due()
        except OSError as error:
            place.cannot_write(self.path, error)

    def _note(self, outcome: Outcome) -> None:
        self.status[outcome.cells] = FAILED if outcome.values is None else DONE
        if self._layout is None and outcome.values is not None:
            cell = int(outcome.cells[0])
            self._first[outcome.block] = min(cell, self._first.get(outcome.block, cell))

    def _move_if_due(self) -> None:
        if time.monotonic() >= self._due:
            began = time.monotonic()
            self._move()
            self._due = time.monotonic() + max(PAUSE, SHARE * (time.monotonic() - began))

    def _move(self) -> None:
        """Write the cells of the journal to the arrays."""
        with signals.delay():
            if self._layout is None and not self._choose_layout():
                return
            outcomes: list[Outcome] = []
            size = 0
            for record in self._journal.records():
                outcomes.append(records.decode(record))
                size += len(record)
                if size > PIECE:
                    self._write(outcomes)
                    outcomes, size = [], 0
            self._write(outcomes)
            self._journal.clear()

    def _choose_layout(self) -> bool:
        """Create the arrays as the first cell has them. Return whether cells can be written.

        The first cell is that of the first block with a result. It does not depend on which block finishes first.
        """
        if not self._first:
            return bool((self.status != MISSING).all())  # every cell failed
        first = min(self._first)
        if any((self.status[self._blocks.cells(number)] == MISSING).any() for number in range(first + 1)):
            return False
        layout, grid = Layout.of(self._values(first, self._first[first])), self._blocks.grid
        arrays.create_variables(self._group, grid, layout)
        names = [*layout.variables, *layout.indexes]
        coords = [*grid.names, *layout.indexes, *(name for name, one in layout.variables.items() if one.is_coord)]
        arrays.publish(self.path, [*self._arrays, *names], coords)
        self._arrays |= {name: self._group[name] for name in names}
        self._layout = layout
        return True

    def _values(self, block: int, cell: int) -> Values:
        """Return the results in the journal of the cells of a block that begin with a cell."""
        for record in self._journal.records():
            outcome = records.decode(record)
            if outcome.block == block and int(outcome.cells[0]) == cell and outcome.values is not None:
                return outcome.values
        raise FileNotFoundError(errno.ENOENT, "somebody removed its journal")

    def _write(self, outcomes: list[Outcome]) -> None:
        """Write outcomes to the arrays, the status last."""
        if not outcomes:
            return
        layout = self._layout or Layout({}, {})
        outcomes = [checked(layout, one, self._blocks.of(one.block, one.cells).described()) for one in outcomes]
        for outcome in outcomes:
            self._note(outcome)
        good = [outcome for outcome in outcomes if outcome.values is not None]
        for name in layout.variables if good else ():
            parts = [outcome.values.variables[name].array for outcome in good if outcome.values is not None]
            cells = np.concatenate([outcome.cells for outcome in good])
            arrays.write(self._arrays[name], self._blocks.grid, cells, np.concatenate(parts))
        cells = np.concatenate([outcome.cells for outcome in outcomes])
        errors = np.concatenate([np.full(len(outcome.cells), outcome.error, object) for outcome in outcomes])
        arrays.write(self._arrays[ERROR], self._blocks.grid, cells, errors)
        arrays.write(self._arrays[STATUS], self._blocks.grid, cells, self.status[cells])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        try:
            try:
                self._move()
            except OSError as error:
                if exception[0] is None:
                    place.cannot_write(self.path, error)
            finally:
                self._journal.close()
        finally:
            self._unlock()

    def _unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def opened(path: Path, coords: dict[str, Any]) -> "xarray.Dataset":
    """Return the cells of a store, which are read when they are used."""
    import xarray

    result = xarray.open_dataset(path, engine="zarr", chunks=None)
    for name, variable in result.variables.items():
        if name not in coords and variable.dtype.kind not in "iufc":
            result[name] = variable.astype(object)
    return result.assign_coords(coords)
