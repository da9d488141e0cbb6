"""What a function returns, as arrays whose leading dimension is the cell."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

UNNAMED = "value"  # name of the variable of a function that returns a number or an array without a name
LARGEST_INTEGER = 2**53  # integers become float64, which has every integer up to this one


@dataclass(frozen=True)
class Variable:
    """One variable of some cells.

    Attributes:
        dims: the names of its dimensions, without that of the cell.
        array: its values, ``(n, …)``.
        attrs: its attributes, such as long_name and units.
        is_coord: whether it is a coordinate.
    """

    dims: tuple[str, ...]
    array: np.ndarray
    attrs: dict[str, Any]
    is_coord: bool = False


@dataclass(frozen=True)
class Values:
    """The results of some cells.

    Attributes:
        variables: the variables by their names.
        indexes: the coordinates that label dimensions, which all cells share.
    """

    variables: dict[str, Variable]
    indexes: dict[str, Variable] = field(default_factory=dict)

    def check(self, parameters: "list[str] | tuple[str, ...]") -> None:
        """Refuse names that the result of the sweep has for something else.

        Raises:
            ValueError: such a name.
        """
        dims = {dim for variable in self.variables.values() for dim in variable.dims}
        for name in [*self.variables, *self.indexes, *sorted(dims)]:
            if not isinstance(name, str) or not name or "/" in name or name.startswith("."):
                raise ValueError(f"the result has the name {name!r}: a variable needs a text without '/' as name")
            if name in parameters:
                raise ValueError(f"the result has the name {name!r}, which is a parameter of the sweep: rename it")


def values_of(result: Any, count: int, is_batch: bool, parameters: Mapping[str, Any]) -> Values:
    """Return what a function returned as arrays.

    Args:
        result: a number, an array, a DataArray, a Dataset, or a mapping of those.
        count: the number of cells.
        is_batch: whether the leading dimension of everything in ``result`` is the cell. Else there is one cell.
        parameters: the arguments of the call. A coordinate that repeats one of them is left out.

    Raises:
        TypeError, ValueError: the result is something else, or has other than ``count`` entries.
    """
    variables: dict[str, Variable] = {}
    indexes: dict[str, Variable] = {}
    for name, entry in result.items() if isinstance(result, Mapping) and not _is_dataset(result) else [("", result)]:
        for key, (dims, array, attrs) in _variables(name, entry).items():
            if key in variables:
                raise ValueError(f"the result has two variables with the name {key!r}: rename one")
            variables[key] = _variable(key, dims, array, attrs, count if is_batch else None)
        celled = {dims[0] for dims, _, _ in _variables(name, entry).values() if dims} if is_batch else set()
        for key, coord in getattr(entry, "coords", {}).items():
            if key in parameters and _repeats(coord.values, parameters[key]):
                continue
            with_cell = bool(coord.dims) and coord.dims[0] in celled
            if with_cell and coord.dims == (key,):
                continue  # it numbers the cells of the call
            one = _variable(key, coord.dims, coord.values, coord.attrs, count if with_cell else None, is_coord=True)
            if coord.dims == (key,):
                indexes[key] = _same(key, one, indexes.get(key))
            elif is_batch and not with_cell:
                repeated = np.repeat(one.array, count, axis=0)
                variables[key] = Variable(one.dims, repeated, one.attrs, True)
            else:
                variables[key] = one
    if not variables:
        raise TypeError("the function returned a result without variables")
    return Values(variables, indexes)


def _is_dataset(value: Any) -> bool:
    """Return whether a value is a Dataset, without importing xarray: nobody has one before that."""
    return "xarray" in sys.modules and isinstance(value, sys.modules["xarray"].Dataset)


def _variables(name: str, value: Any) -> dict[str, tuple[tuple[str, ...], Any, dict[str, Any]]]:
    """Return the dimensions, values and attributes of the variables of one entry of a result."""
    if _is_dataset(value):
        prefix = f"{name}_" if name else ""
        return {f"{prefix}{key}": (one.dims, one.values, one.attrs) for key, one in value.data_vars.items()}
    if "xarray" in sys.modules and isinstance(value, sys.modules["xarray"].DataArray):
        return {str(name or value.name or UNNAMED): (value.dims, value.values, value.attrs)}
    if "torch" in sys.modules and isinstance(value, sys.modules["torch"].Tensor):
        value = value.detach().cpu().numpy()
    array = np.asarray(value)
    name = str(name) or UNNAMED
    return {name: (tuple(f"{name}_dim_{number}" for number in range(array.ndim)), array, {})}


def _variable(
    name: Any, dims: tuple[Any, ...], array: Any, attrs: dict[str, Any], count: int | None, is_coord: bool = False
) -> Variable:
    """Return a variable of ``count`` cells, or of one cell if that is None."""
    array = _array(name, np.asarray(array))
    if count is None:
        return Variable(tuple(map(str, dims)), array[None], dict(attrs), is_coord)
    if not array.ndim or len(array) != count:
        raise ValueError(
            f"{name} has the shape {array.shape}: a batch of {count} cells needs {count} values along the first "
            "dimension"
        )
    return Variable(tuple(map(str, dims[1:])), array, dict(attrs), is_coord)


def _array(name: Any, array: np.ndarray) -> np.ndarray:
    """Return an array of numbers or texts. Integers and truth values become float64, so that one can be missing."""
    if array.dtype.kind in "iub":
        if array.dtype.kind != "b" and array.size and int(abs(array).max()) > LARGEST_INTEGER:
            raise ValueError(f"{name} has an integer beyond 2**53: return it as a text")
        return array.astype(np.float64)
    if array.dtype.kind in "fc" and array.dtype.itemsize <= (8 if array.dtype.kind == "f" else 16):
        return array
    if array.dtype.kind in "UT" or (array.dtype.kind == "O" and all(isinstance(entry, str) for entry in array.flat)):
        return array.astype(np.str_)
    kind = type(array.flat[0]).__name__ if array.dtype.kind == "O" and array.size else array.dtype.name
    raise TypeError(f"{name} has the type {kind}: a function of a sweep returns numbers or texts")


def _repeats(values: np.ndarray, parameter: Any) -> bool:
    """Return whether a coordinate has the values of a parameter."""
    return bool(values.size and np.all(values == parameter)) if values.shape in ((), np.shape(parameter)) else False


def _same(name: str, one: Variable, other: Variable | None) -> Variable:
    if other is not None and not np.array_equal(one.array, other.array):
        raise ValueError(f"two variables have other values along {name}: give their dimensions two names")
    return one
