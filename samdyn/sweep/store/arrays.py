"""The arrays of a store: what each looks like on disk, and how cells are written to them."""

import json
import math
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from ..calls.layout import Layout, missing
from ..calls.values import Variable
from ..cells.grid import ERROR, STATUS, Grid
from ..memory import MEANINGS, MISSING

METADATA = "zarr.json"
UNFINISHED = ".partial"  # suffix of files that are being written, also of those of Zarr

CHUNK = 2**20  # bytes of a chunk, the unit that is read and written
TEXT = 2**10  # bytes that a text may have, for the size of chunks


def create_labels(group: Any, grid: Grid) -> None:
    """Create the coordinates, the status and the errors in an empty Zarr group."""
    for name, (dims, values, attrs) in grid.coords().items():
        _create_whole(group, name, (dims,) if isinstance(dims, str) else dims, np.asarray(values), attrs)
    for name, fill in ((STATUS, MISSING), (ERROR, "")):
        _create(group, grid, name, Variable((), np.empty(0, "U1"), MEANINGS[name]), fill)


def create_variables(group: Any, grid: Grid, layout: Layout) -> None:
    """Create the variables of a function in a Zarr group, with all cells missing."""
    for name, one in layout.indexes.items():
        _create_whole(group, name, (name,), one.array[0], one.attrs)
    for name, one in layout.variables.items():
        _create(group, grid, name, one, missing(one.array))


def layout_of(group: Any, names: Iterable[str], grid: Grid) -> Layout | None:
    """Return the layout of the variables among some arrays, or None if there are none yet."""
    coords = str(group.attrs.get("coordinates", "")).split()
    variables: dict[str, Variable] = {}
    indexes: dict[str, Variable] = {}
    for name in names:
        array = group[name]
        dims = tuple(array.metadata.dimension_names or ())
        attrs = dict(array.attrs)
        if name in (STATUS, ERROR) or name in grid.names:
            continue
        if dims == (name,) and dims != grid.dims:
            values = np.asarray(array[:])
            values = values if values.dtype.kind in "iufc" else values.astype(object).astype(np.str_)
            indexes[name] = Variable((), values[None], attrs, True)
            continue
        inner = array.shape[len(grid.dims) :]
        dtype = array.dtype if array.dtype.kind in "fc" else np.dtype("U1")
        variables[name] = Variable(dims[len(grid.dims) :], np.empty((0, *inner), dtype), attrs, name in coords)
    return Layout(variables, indexes) if variables else None


def publish(path: Path, names: Iterable[str], coords: Iterable[str]) -> None:
    """Write into the metadata of a store, in one step, which arrays it has and which of them are coordinates.

    Until then readers do not see new arrays, which a killed process may have left half made.
    """
    about = json.loads((path / METADATA).read_text(encoding="utf-8"))
    about["attributes"]["coordinates"] = " ".join(coords)
    entries = {name: json.loads((path / name / METADATA).read_text(encoding="utf-8")) for name in names}
    about["consolidated_metadata"] = {"kind": "inline", "must_understand": False, "metadata": entries}
    unfinished = path / f"{METADATA}{UNFINISHED}"
    unfinished.write_text(json.dumps(about, indent=2), encoding="utf-8")
    os.replace(unfinished, path / METADATA)


def published(path: Path) -> list[str]:
    """Return the names of the arrays of a store."""
    about = json.loads((path / METADATA).read_text(encoding="utf-8"))
    return list(about["consolidated_metadata"]["metadata"])


def write(array: Any, grid: Grid, cells: np.ndarray, values: np.ndarray) -> None:
    """Write the values of some cells, ``(n, …)``, chunk by chunk."""
    values = values if values.dtype.kind in "fc" else values.astype(object)
    if not grid.axes:
        array[...] = values[-1]
        return
    places = np.stack(np.unravel_index(cells, grid.shape))
    lengths = np.array(array.chunks[: len(grid.axes)])[:, None]
    counts = -(-np.array(grid.shape) // lengths[:, 0])
    chunks = np.ravel_multi_index(tuple(places // lengths), tuple(counts))
    for chunk in np.unique(chunks):
        inside = chunks == chunk
        corner = places[:, inside][:, 0] // lengths[:, 0] * lengths[:, 0]
        region = tuple(slice(c, c + n) for c, n in zip(corner.tolist(), lengths[:, 0].tolist(), strict=True))
        block = np.asarray(array[region])
        block = block if block.dtype.kind in "fc" else block.astype(object)
        block[tuple(places[:, inside] - corner[:, None])] = values[inside]
        array[region] = block


def _create_whole(group: Any, name: str, dims: tuple[str, ...], values: np.ndarray, attrs: dict[str, Any]) -> None:
    """Create an array with its values."""
    is_text = values.dtype.kind in "UT"
    array = group.create_array(
        name, shape=values.shape, chunks=tuple(max(1, n) for n in values.shape), dtype=str if is_text else values.dtype,
        dimension_names=dims, attributes=attrs, overwrite=True,
        fill_value="" if is_text else values.dtype.type(0),
    )  # fmt: skip
    if values.size:
        array[...] = values.astype(object) if is_text else values


def _create(group: Any, grid: Grid, name: str, one: Variable, fill: Any) -> None:
    """Create an array for one variable of all cells, which has the value ``fill`` for each."""
    inner = one.array.shape[1:]
    is_text = one.array.dtype.kind == "U"
    size = TEXT if is_text else one.array.dtype.itemsize
    lengths: list[int] = []
    room = max(1, CHUNK // max(1, size * math.prod(inner)))  # cells in a chunk
    for n in reversed(grid.shape):
        lengths.insert(0, min(n, room))
        room = max(1, room // n)
    group.create_array(
        name, shape=(*grid.shape, *inner), chunks=(*lengths, *(max(1, n) for n in inner)),
        dtype=str if is_text else one.array.dtype, dimension_names=(*grid.dims, *one.dims), attributes=one.attrs,
        overwrite=True, fill_value=fill,
    )  # fmt: skip
