"""Sentences with the numbers of a Dataset."""

from typing import TYPE_CHECKING

from .tables import _cell

if TYPE_CHECKING:
    import xarray


def text(sentence: str, row: "xarray.Dataset") -> str:
    """Return a sentence with the values of variables in place of formats such as ``"{loss:.3g}"``.

    It is empty if a format meets nan, as a cell of ``table`` is.

    Args:
        sentence: the text; ``interval`` and ``plus_minus`` make formats.
        row: a dataset whose variables of these names have one value each.

    Raises:
        InputError: a variable that the data lack, or one with several values.

    >>> import xarray as xr
    >>> from samdyn import lab
    >>> lab.text("The loss is {loss:.2f}.", xr.Dataset({"loss": 0.125}))
    'The loss is 0.12.'
    """
    return _cell(sentence, row)
