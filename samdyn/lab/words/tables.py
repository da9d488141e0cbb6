"""Tables of a Dataset: a row for each setting, and columns that are formats of its variables.

A variable ``x`` with an interval has its ends in ``x_low`` and ``x_high``, and one with a standard error has it in
``x_error``. ``medians`` makes the former.
"""

import itertools
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ... import checks
from ...output.terminal import Table, new_table
from ...statistics import median_interval

if TYPE_CHECKING:
    import xarray

Function = Callable[[Any], str]  # of a row's dataset
Column = str | Function  # a format of variables, or a function


def table(
    data: "xarray.Dataset | Iterable[xarray.Dataset]",
    columns: Mapping[str, Column],
    over: str | Sequence[str] = (),
    *,
    title: str | None = None,
    keys: int = 1,
    left: int = 1,
    once: int = 0,
) -> Table:
    """Return a table with one row per setting.

    Args:
        data: a dataset, or the datasets of the rows.
        columns: for each header, a format such as ``"{rho:g}"`` of variables and coordinates of one value, or a
            function that returns a cell's text from the row's dataset. A cell whose format meets nan is empty.
        over: the dimensions of ``data`` whose values have a row each.
        title: the title.
        keys: the number of columns that every part repeats if the terminal is too narrow for the whole table.
        left: the number of columns that are aligned left.
        once: the number of columns whose text appears once where rows below one another have the same.

    Raises:
        InputError: a dimension or a variable that the data lack.

    >>> import xarray as xr
    >>> from samdyn import lab
    >>> loss = {"loss": ("rho", [2.0, 1.5]), "loss_low": ("rho", [1.0, 1.2]), "loss_high": ("rho", [float("inf"), 2.0])}
    >>> data = xr.Dataset(loss, coords={"rho": [0.1, 0.2]})
    >>> shown = lab.table(data, {"ρ": "{rho:g}", "loss": lab.interval("loss", ".1f")}, "rho")
    >>> [list(column.cells) for column in shown.columns]
    [['0.1', '0.2'], ['2.0 [1.0, ∞]', '1.5 [1.2, 2.0]']]
    """
    result = new_table(title, *columns, gap=1, keys=keys)
    for column in result.columns[:left]:
        column.justify = "left"
    above: list[str] = []
    for row in _rows(data, (over,) if isinstance(over, str) else over):
        cells = [text(column, row) for column in columns.values()]
        same = [i < once and cells[: i + 1] == above[: i + 1] for i in range(len(cells))]
        result.add_row(*("" if hidden else cell for hidden, cell in zip(same, cells, strict=True)))
        above = cells
    return result


def interval(name: str, style: str) -> str:
    """Return the format of a variable with its interval, in a number format like ``"+.1f"``.

    >>> interval("loss", ".3g")
    '{loss:.3g} [{loss_low:.3g}, {loss_high:.3g}]'
    """
    return f"{{{name}:{style}}} [{{{name}_low:{style}}}, {{{name}_high:{style}}}]"


def plus_minus(name: str, style: str) -> str:
    """Return the format of a variable with its standard error.

    >>> plus_minus("slope", ".2f")
    '{slope:.2f} ± {slope_error:.2f}'
    """
    return f"{{{name}:{style}}} ± {{{name}_error:{style}}}"


def percent(name: str, style: str = ".1f") -> Function:
    """Return the column of a fraction, in %.

    >>> import xarray as xr
    >>> percent("trapped")(xr.Dataset({"trapped": 0.125}))
    '12.5'
    """
    return lambda row: f"{100 * float(row[name]):{style}}"


def censored(name: str, style: str, until: str = "observed") -> Function:
    """Return the column of a median time with its interval, or of a bound if most events were not observed.

    Args:
        name: the variable, inf where most events had not happened at the end of observation.
        style: the number format.
        until: the variable with the time at which observation ended.

    >>> import xarray as xr
    >>> row = {"t": float("inf"), "t_low": 4.0, "t_high": float("inf"), "observed": 5.0}
    >>> censored("t", ".3g")(xr.Dataset(row))
    '> 5'
    """

    def cell(row: Any) -> str:
        return text(f"> {{{until}:{style}}}" if np.isinf(row[name]) else interval(name, style), row)

    return cell


def medians(data: "xarray.Dataset", over: str, *, nan: float = math.inf) -> "xarray.Dataset":
    """Return the median and its interval over a dimension, for every variable of numbers that has it.

    A setting of which every sample is missing, as one that was not measured, stays nan.

    Args:
        data: the dataset.
        over: the dimension of samples, such as "seed".
        nan: the value that replaces a missing one; see ``statistics.median_interval``.

    >>> import xarray as xr
    >>> sorted(medians(xr.Dataset({"loss": ("seed", [1.0, 2.0, 4.0])}), "seed"))
    ['loss', 'loss_high', 'loss_low']
    """
    result = data.drop_dims(over)
    for name, values in data.items():
        if over in values.dims and values.dtype.kind in "fiu":
            ends = (end.where(values.notnull().any(over)) for end in median_interval(values, over, nan=nan))
            result = result.assign(dict(zip((name, f"{name}_low", f"{name}_high"), ends, strict=True)))
    return result


def across(values: "xarray.DataArray", header: str, column: Column) -> dict[str, Column]:
    """Return a column for each value of a dimension, for the ``columns`` of ``table``.

    Args:
        values: the coordinate of the dimension.
        header: the format of the headers, such as ``"B = {:g}"``.
        column: what the cells show of the row's dataset at the value.

    >>> import xarray as xr
    >>> from samdyn import lab
    >>> data = xr.Dataset({"loss": (("rho", "lr"), [[1.0, 2.0]])}, coords={"rho": [0.1], "lr": [0.1, 0.2]})
    >>> shown = lab.table(data, {"ρ": "{rho:g}", **lab.across(data.lr, "η = {:g}", "{loss:.1f}")}, "rho")
    >>> [(column.header, *column.cells) for column in shown.columns]
    [('ρ', '0.1'), ('η = 0.1', '1.0'), ('η = 0.2', '2.0')]
    """

    def at(index: int) -> Column:
        return lambda row: text(column, row.isel({values.name: index}))

    return {header.format(value.item()): at(index) for index, value in enumerate(values.values)}


def vector(values: Any) -> str:
    """Return the text of a vector, with four digits per component.

    >>> vector([0.5, -0.0])
    '(0.5, 0)'
    """
    return "(" + ", ".join(f"{value:.4g}" for value in np.asarray(values, dtype=float) + 0.0) + ")"


def _rows(data: Any, over: Sequence[str]) -> Iterator[Any]:
    if not hasattr(data, "sizes"):
        yield from data
        return
    for dim in over:
        checks.present("dimension", dim, map(str, data.sizes))
    for places in itertools.product(*(range(data.sizes[dim]) for dim in over)):
        yield data.isel(dict(zip(over, places, strict=True)))


def text(column: Column, row: Any) -> str:
    """Return a cell, or a sentence, with the values of variables in place of formats such as ``"{loss:.3g}"``.

    It is empty if a format meets nan.

    Args:
        column: the format, or a function of the row; ``interval`` and ``plus_minus`` make formats.
        row: a dataset whose variables of these names have one value each.

    Raises:
        InputError: a variable that the data lack, or one with several values.

    >>> import xarray as xr
    >>> from samdyn import lab
    >>> lab.text("The loss is {loss:.2f}.", xr.Dataset({"loss": 0.125}))
    'The loss is 0.12.'
    """
    if not isinstance(column, str):
        return column(row)
    values = _Values(row)
    written = column.format_map(values)
    return "" if values.missing else re.sub(r"\binf\b", "∞", written)


class _Values(dict[str, Any]):
    """The variables of a row by name, and whether one of those that were asked for is nan."""

    def __init__(self, row: Any) -> None:
        super().__init__()
        self.row, self.missing = row, False

    def __missing__(self, name: str) -> Any:
        variable = self.row[checks.known("variable", name, map(str, self.row.variables))]
        if variable.size != 1:
            checks.reject("variable", name, f"has dimensions {variable.dims}", "Reduce it, or give a row to each value")
        value = variable.values.item()
        self.missing |= isinstance(value, float) and math.isnan(value)
        return value
