"""The variables of a result: those of its first cell, which the others must have too."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .values import Values, Variable


@dataclass(frozen=True)
class Layout:
    """What a variable of every cell must look like.

    Attributes:
        variables: the variables of a cell. Their arrays have the shape ``(0, …)``.
        indexes: the coordinates that label dimensions.
    """

    variables: dict[str, Variable]
    indexes: dict[str, Variable]

    @classmethod
    def of(cls, values: Values) -> "Layout":
        """Return the layout of a result."""
        empty = {k: Variable(v.dims, v.array[:0], v.attrs, v.is_coord) for k, v in values.variables.items()}
        return cls(empty, values.indexes)

    def difference(self, values: Values) -> str:
        """Return in which way a result differs, or "" if it has this layout."""
        if set(values.variables) != set(self.variables):
            return f"the result has the variables {sorted(values.variables)}; another cell has {sorted(self.variables)}"
        for name, one in self.variables.items():
            other = values.variables[name]
            if (one.dims, one.array.shape[1:]) != (other.dims, other.array.shape[1:]):
                return (
                    f"{name} has the dimensions {dict(zip(other.dims, other.array.shape[1:], strict=True))}; "
                    f"in another cell {dict(zip(one.dims, one.array.shape[1:], strict=True))}"
                )
            if kind(one.array) != kind(other.array):
                return f"{name} has the type {other.array.dtype}; in another cell {one.array.dtype}"
        if set(values.indexes) != set(self.indexes):
            return f"the result has the labels {sorted(values.indexes)}; another cell has {sorted(self.indexes)}"
        for name, one in self.indexes.items():
            if not np.array_equal(one.array, values.indexes[name].array):
                return f"the labels along {name} are others than those of another cell"
        return ""


def kind(array: np.ndarray) -> Any:
    """Return the type of an array, one for texts of every length."""
    return "text" if array.dtype.kind == "U" else array.dtype


def missing(array: np.ndarray) -> Any:
    """Return the value of a variable where a cell is missing: NaN, or an empty text."""
    return "" if array.dtype.kind == "U" else array.dtype.type(np.nan)
