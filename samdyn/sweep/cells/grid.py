"""The grid of a sweep: axes, each with its values, and fixed parameters."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np

from ... import checks
from ...simulation.results import MEANINGS_OF_PARAMETERS, meaning

STATUS, ERROR = "cell_status", "cell_error"  # variables of the result beside those of the function
MAX_CELLS = 10**8  # largest number of cells; the status of each is in memory

EXAMPLE = 'Use e.g. {"rho": [0.1, 0.2], "seed": range(10)}'


@dataclass(frozen=True)
class Axis:
    """One dimension of a grid: a parameter with its values, or several whose values go together.

    Attributes:
        columns: the values of each parameter, ``(n,)``.
        attrs: the attributes of each parameter's coordinate.
    """

    columns: dict[str, np.ndarray]
    attrs: dict[str, dict[str, Any]]

    @property
    def dim(self) -> str:
        """The name of the dimension."""
        return "_".join(self.columns)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))


@dataclass(frozen=True)
class Grid:
    """The product of axes, in which a cell is one choice of all parameters.

    Attributes:
        axes: the axes.
        fixed: the parameters with one value for all cells.
    """

    axes: tuple[Axis, ...]
    fixed: dict[str, Any]

    @property
    def shape(self) -> tuple[int, ...]:
        """The lengths of the axes."""
        return tuple(map(len, self.axes))

    @property
    def dims(self) -> tuple[str, ...]:
        """The names of the dimensions."""
        return tuple(axis.dim for axis in self.axes)

    @property
    def size(self) -> int:
        """The number of cells."""
        return math.prod(self.shape)

    @property
    def names(self) -> list[str]:
        """The names of all parameters."""
        return [*(name for axis in self.axes for name in axis.columns), *self.fixed]

    def parameters(self, cells: np.ndarray, batch: Iterable[str] = ()) -> dict[str, Any]:
        """Return the parameters of cells, which differ in those of ``batch`` alone: arrays of these, else numbers.

        Args:
            cells: the indices of the cells in C order, ``(n,)``.
            batch: names of parameters.
        """
        places = np.unravel_index(cells, self.shape) if self.axes else ()
        result: dict[str, Any] = {}
        for axis, place in zip(self.axes, places, strict=True):
            for name, values in axis.columns.items():
                result[name] = values[place] if name in batch else values[place[0]].item()
        return result | self.fixed

    def coords(self) -> dict[str, tuple[Any, Any, dict[str, Any]]]:
        """Return the coordinates of the result: dimensions, values and attributes of each."""
        return {
            **{name: (a.dim, values, a.attrs[name]) for a in self.axes for name, values in a.columns.items()},
            **{name: ((), value, _attrs(name, value)) for name, value in self.fixed.items()},
        }


def grid_of(entries: Mapping[Any, Any]) -> Grid:
    """Return the grid of the argument of ``sweep``.

    Raises:
        InputError: an axis that is empty, has a value twice, or has values that are not numbers or names.
    """
    if not isinstance(entries, Mapping):
        checks.reject("grid", entries, "must map names of parameters to values", EXAMPLE)
    axes: list[Axis] = []
    fixed: dict[str, Any] = {}
    for key, values in entries.items():
        names = key if isinstance(key, tuple) else (key,)
        for name in names:
            _check_name(name)
        if not names:
            checks.reject("axis", key, "has no name", EXAMPLE)
        if isinstance(key, tuple):
            axes.append(_zipped(names, values))
        elif _is_scalar(values):
            fixed[key] = _column(key, [values])[0].item()
        else:
            column, attrs = _values(key, values)
            _check_unique(key, column.tolist())
            axes.append(Axis({key: column}, {key: attrs}))
    grid = Grid(tuple(axes), fixed)
    for name, times in Counter(grid.names).items():
        if times > 1:
            checks.reject("grid", list(entries), f"has the parameter {name!r} {times} times", "Name each once")
    for dim in grid.dims:
        if grid.dims.count(dim) > 1 or (dim in grid.fixed):
            checks.reject("grid", list(entries), f"two dimensions would have the name {dim!r}", "Rename a parameter")
    if grid.size > MAX_CELLS:
        checks.reject("grid", grid.shape, f"has {grid.size} cells, more than {MAX_CELLS}", "Use shorter axes")
    return grid


def _check_name(name: Any) -> None:
    fix = "Name an axis as the parameter of the function"
    if not isinstance(name, str) or not name.isidentifier():
        checks.reject("axis", name, "is no name of a parameter", fix)
    if name in (STATUS, ERROR):
        checks.reject("axis", name, "is the name of a variable of the result", "Rename the parameter")


def _is_scalar(values: Any) -> bool:
    return isinstance(values, Real | str | np.bool_) or (isinstance(values, np.ndarray) and values.ndim == 0)


def _zipped(names: tuple[str, ...], rows: Any) -> Axis:
    """Return the axis of several parameters, from rows with one value of each."""
    name = ", ".join(names)
    fix = f"Give pairs like [(0.1, 0.01), (0.2, 0.02)], {len(names)} values in each"
    try:
        lists = [tuple(row) for row in rows]
    except TypeError:
        checks.reject(name, rows, "must be a list of tuples", fix)
    for row in lists:
        if len(row) != len(names):
            checks.reject(name, row, f"has {len(row)} value(s) for {len(names)} parameter(s)", fix)
    if not lists:
        checks.reject(name, [], "the axis is empty", EXAMPLE)
    columns = {key: _column(key, values) for key, values in zip(names, zip(*lists, strict=True), strict=True)}
    _check_unique(name, list(zip(*(column.tolist() for column in columns.values()), strict=True)))
    return Axis(columns, {key: _attrs(key, column) for key, column in columns.items()})


def _values(name: str, values: Any) -> tuple[np.ndarray, dict[str, Any]]:
    """Return the values of an axis, and the attributes of its coordinate: those of a DataArray, or the usual ones."""
    own = dict(values.attrs) if hasattr(values, "attrs") and hasattr(values, "dims") else {}
    if not isinstance(values, Sequence):
        try:
            array = np.asarray(values)
        except (TypeError, ValueError):
            array = np.array(None)
        if array.ndim != 1:
            checks.reject(name, values, "an axis must be a list of numbers or names", EXAMPLE)
        values = list(array)
    if not len(values):
        checks.reject(name, [], "the axis is empty", EXAMPLE)
    column = _column(name, values)
    return column, own or _attrs(name, column)


def _column(name: str, values: Iterable[Any]) -> np.ndarray:
    """Return values as an array: all of them truth values, or integers, or numbers, or names."""
    entries = list(values)
    kinds: set[type] = set()
    for entry in entries:
        one = _kind(entry)
        if one is None:
            fix = "An object, such as a landscape, goes in by functools.partial(function, landscape=…)"
            checks.reject(name, entry, "is neither a number nor a name", fix)
        kinds.add(one)
    if kinds == {int, float}:
        kinds = {float}
    if len(kinds) > 1:
        checks.reject(name, entries, "mixes numbers, names or truth values", "Use one kind for one axis")
    (kind,) = kinds
    try:
        column = np.array([kind(entry) for entry in entries], dtype=np.int64 if kind is int else None)
    except OverflowError:
        checks.reject(name, entries, "has an integer of more than 63 bits", "Use smaller integers")
    if kind is float and np.isnan(column).any():
        checks.reject(name, entries, "NaN is the value of no cell", "Leave it out")
    return column


def _kind(value: Any) -> type | None:
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value.item()
    if isinstance(value, bool | np.bool_):
        return bool
    if isinstance(value, Integral):
        return int
    return float if isinstance(value, Real) else str if isinstance(value, str) else None


def _check_unique(name: str, values: list[Any]) -> None:
    for value, times in Counter(values).items():
        if times > 1:
            checks.reject(name, value, f"the axis has this value {times} times", "Give each value once")


def _attrs(name: str, values: Any) -> dict[str, Any]:
    known = MEANINGS_OF_PARAMETERS.get(name)
    return meaning(*known) if known and np.asarray(values).dtype.kind == "f" else {}
