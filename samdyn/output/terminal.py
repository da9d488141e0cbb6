"""What tables are printed on: a console that writes with the letters it has, and in the width it has."""

from collections.abc import Iterator, Sequence
from typing import Any

from rich import console, table
from rich.box import SIMPLE_HEAD
from rich.measure import Measurement
from rich.text import Text

from .spelling import never_fail, spelled

WITHOUT_TERMINAL = 100  # columns


class Table(table.Table):
    """A table whose first columns, its keys, stand in front of every part that a narrow terminal divides it into."""

    keys: int = 1


class Console(console.Console):
    """A console for text that is printed as it is: without markup, colours of numbers or emoji.

    It is as wide as the terminal, or 100 columns where there is none. A table that is wider is printed in parts, one
    below the other, so that no row is broken.
    """

    def __init__(self) -> None:
        super().__init__(highlight=False, markup=False, emoji=False)
        never_fail(self.file)
        if not self.file.isatty():
            self.width = WITHOUT_TERMINAL

    def render_str(self, text: str, **options: Any) -> Text:
        """Return a text with the letters that the console has; Rich asks for every string, also those in tables."""
        return super().render_str(spelled(text, self.encoding), **options)

    def print(self, *objects: Any, **options: Any) -> None:
        """Print strings and tables; tables wider than the console in parts."""
        parts: list[Any] = []
        for thing in objects:
            parts += self._parts(thing) if isinstance(thing, table.Table) else [thing]
        super().print(*parts, **options)

    def _parts(self, whole: table.Table) -> Iterator[table.Table]:
        """Divide a table's columns into parts that are no wider than the console, each behind the table's keys."""
        if self._fits(whole):
            yield whole
            return
        keys = list(range(getattr(whole, "keys", 1)))
        columns: list[int] = []
        title = whole.title
        for column in range(len(keys), len(whole.columns)):
            if columns and not self._fits(_part(whole, [*keys, *columns, column], title)):
                yield _part(whole, [*keys, *columns], title)
                columns, title = [], ""  # an empty title is an empty line
            columns.append(column)
        yield _part(whole, [*keys, *columns], title)

    def _fits(self, whole: table.Table) -> bool:
        anything = self.options.update(width=10**6)
        return Measurement.get(self, anything, whole).maximum <= self.width


def new_table(title: str | None, *columns: str, gap: int = 0, keys: int = 1) -> Table:
    """Return an empty table; ``cli.table`` says what of."""
    made = Table(
        box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, gap, 0, 0), title_justify="left", title=title
    )
    made.keys = keys
    for number, name in enumerate(columns):
        made.add_column(name, justify="right" if number else "left", no_wrap=True, vertical="bottom")
    return made


def _part(whole: table.Table, columns: Sequence[int], title: Any) -> table.Table:
    """Return some columns of a table as a table."""
    part = table.Table(
        box=whole.box, show_edge=whole.show_edge, pad_edge=whole.pad_edge, padding=whole.padding, title=title,
        title_justify=whole.title_justify, title_style=whole.title_style,
    )  # fmt: skip
    chosen = [whole.columns[i] for i in columns]
    for column in chosen:
        part.add_column(column.header, justify=column.justify, no_wrap=True, vertical=column.vertical)
    for row in zip(*(column.cells for column in chosen), strict=True):
        part.add_row(*row)
    return part
