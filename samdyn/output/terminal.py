"""A console that prints tables in the letters and the width that the terminal has."""

from collections.abc import Iterator, Sequence
from typing import Any

from rich import console, table
from rich.box import SIMPLE_HEAD
from rich.measure import Measurement
from rich.text import Text

from .spelling import never_fail, spelled

DEFAULT_WIDTH = 100  # width in columns where there is no terminal


class Table(table.Table):
    """A table with ``keys`` key columns, which begin every part of it that a narrow terminal prints."""

    keys: int = 1


class Console(console.Console):
    """A console that prints text unchanged, without markup, coloured numbers or emoji.

    It is as wide as the terminal, or 100 columns without one. It prints a wider table in parts, one below the other, so
    that no row breaks.
    """

    def __init__(self) -> None:
        super().__init__(highlight=False, markup=False, emoji=False)
        never_fail(self.file)
        if not self.file.isatty():
            self.width = DEFAULT_WIDTH

    def render_str(self, text: str, **options: Any) -> Text:
        """Return a text in letters that the console has. Rich calls this for every string, in tables too."""
        return super().render_str(spelled(text, self.encoding), **options)

    def print(self, *objects: Any, **options: Any) -> None:
        """Print strings and tables, and a table that is wider than the console in parts."""
        parts: list[Any] = []
        for item in objects:
            parts += self._parts(item) if isinstance(item, table.Table) else [item]
        super().print(*parts, **options)

    def _parts(self, whole: table.Table) -> Iterator[table.Table]:
        """Yield parts of a table that fit the console. Each begins with the key columns."""
        if self._fits(whole):
            yield whole
            return
        keys = list(range(getattr(whole, "keys", 1)))
        columns: list[int] = []
        title = whole.title
        for column in range(len(keys), len(whole.columns)):
            if columns and not self._fits(_part(whole, [*keys, *columns, column], title)):
                yield _part(whole, [*keys, *columns], title)
                columns, title = [], ""  # an empty title prints an empty line
            columns.append(column)
        yield _part(whole, [*keys, *columns], title)

    def _fits(self, whole: table.Table) -> bool:
        unlimited = self.options.update(width=10**6)
        return Measurement.get(self, unlimited, whole).maximum <= self.width


def new_table(title: str | None, *columns: str, gap: int = 0, keys: int = 1) -> Table:
    """Return an empty table, with the first column aligned left and the others aligned right.

    Args:
        title: the title, or None.
        columns: the names of the columns.
        gap: the number of further blanks between columns.
        keys: the number of columns that every part repeats if the terminal is too narrow for the whole table.
    """
    result = Table(
        box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, gap, 0, 0), title_justify="left", title=title
    )
    result.keys = keys
    for number, name in enumerate(columns):
        result.add_column(name, justify="right" if number else "left", no_wrap=True, vertical="bottom")
    return result


def _part(whole: table.Table, columns: Sequence[int], title: Any) -> table.Table:
    """Return a table with some of a table's columns."""
    part = table.Table(
        box=whole.box, show_edge=whole.show_edge, pad_edge=whole.pad_edge, padding=whole.padding, title=title,
        title_justify=whole.title_justify, title_style=whole.title_style,
    )  # fmt: skip
    selection = [whole.columns[i] for i in columns]
    for column in selection:
        part.add_column(column.header, justify=column.justify, no_wrap=True, vertical=column.vertical)
    for row in zip(*(column.cells for column in selection), strict=True):
        part.add_row(*row)
    return part
