"""What functions that draw a line for each value of a dimension share."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any

from ... import checks
from ..styles.style import CYCLE

if TYPE_CHECKING:
    import xarray

Styles = Sequence[Mapping[str, Any]] | None  # of the lines in their order; ``CYCLE`` if None


def check_parts(data: "xarray.Dataset", variables: Sequence[str], dims: Iterable[str] = ()) -> None:
    """Refuse a dataset without these variables, or whose first one lacks a dimension.

    Raises:
        InputError: a variable or a dimension is missing.
    """
    for variable in variables:
        checks.present("variable", variable, map(str, data.data_vars))
    for dim in dims:
        checks.present("dimension", dim, map(str, data[variables[0]].dims))


def each_line(data: Any, hue: str | None, styles: Styles) -> Iterator[tuple[float, Any, Mapping[str, Any]]]:
    """Yield the place of each line among the lines, 0 in the middle, its data, and its style.

    Args:
        data: a Dataset or a DataArray.
        hue: the dimension whose values have a line each; None for one line.
        styles: the styles, which repeat.
    """
    count = 1 if hue is None else data.sizes[hue]
    for number, look in zip(range(count), cycle(CYCLE if styles is None else styles), strict=False):
        yield number - (count - 1) / 2, data if hue is None else data.isel({hue: number}), look
