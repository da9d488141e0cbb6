"""Progress: a bar in a notebook or on a terminal; elsewhere a line a minute on standard error if the work is long."""

import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from .. import html

if TYPE_CHECKING:
    from rich.console import Console

T = TypeVar("T")

FIRST_LINE, NEXT_LINE = 20.0, 60.0  # seconds from the start to the first line, and between two lines
FIRST_BAR, NEXT_BAR = 0.5, 0.2  # the same in a notebook, where each change of the bar is a message to the browser

_display = threading.Lock()  # the outermost progress holds it, so that those of inner calls are not displayed


@contextmanager
def progress_bar(
    description: str, total: float, shown: bool = True, unit: str = ""
) -> Iterator[Callable[[float], None]]:
    """Display the progress of the block; the function it yields takes the part of ``total`` that is done.

    Inside another progress that is displayed, nothing is displayed. With a ``unit``, such as "cells", the rate is.
    """
    if not shown or not _display.acquire(blocking=False):
        yield lambda count: None
        return
    try:
        if _in_notebook():
            with _notebook_bar(description, total, unit) as show:
                yield show
            return
        from rich.console import Console

        console = Console(stderr=True)
        if not console.file.isatty():
            yield _lines(description, total, unit, console)
            return
        with _bar(description, total, unit, console) as show:
            yield show
    finally:
        _display.release()


def tracked(description: str, items: Sequence[T], shown: bool = True) -> Iterator[T]:
    """Yield items one by one, and display the number of them that are done."""
    with progress_bar(description, len(items), shown) as show:
        for count, item in enumerate(items, 1):
            yield item
            show(count)


@contextmanager
def silenced(silent: bool = True) -> Iterator[None]:
    """Display no progress while the block runs."""
    holds = silent and _display.acquire(blocking=False)
    try:
        yield
    finally:
        if holds:
            _display.release()


@contextmanager
def _bar(description: str, total: float, unit: str, console: "Console") -> Iterator[Callable[[float], None]]:
    from rich.progress import Progress, TextColumn, TimeElapsedColumn

    began = time.monotonic()
    columns = (*Progress.get_default_columns(), TimeElapsedColumn(), TextColumn("{task.fields[rate]}"))
    # The estimate of the remaining time uses all steps so far, since some steps take minutes.
    with Progress(*columns, console=console, transient=True, speed_estimate_period=float("inf")) as progress:
        task = progress.add_task(description, total=total, rate="")
        yield lambda count: progress.update(task, completed=count, rate=_rate(count, time.monotonic() - began, unit))


def _in_notebook() -> bool:
    """Return whether this process is the kernel of a notebook. If IPython is not imported, it is none."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")


@contextmanager
def _notebook_bar(description: str, total: float, unit: str) -> Iterator[Callable[[float], None]]:
    """Display a bar in the notebook's cell once the work has taken half a second, and remove it at the end."""
    from IPython.display import HTML, display

    start = time.monotonic()
    due = start + FIRST_BAR
    handle = None

    def show(count: float) -> None:
        nonlocal due, handle
        now = time.monotonic()
        if now < due or count <= 0:
            return
        due = now + NEXT_BAR
        bar = html.Markup(f'<progress max="{total:g}" value="{count:g}"></progress>')
        shown = HTML(html.block(html.line(f"{description} ", bar, " ", _state(count, total, now - start, unit))))
        if handle is None:
            handle = display(shown, display_id=True)
        else:
            handle.update(shown)

    try:
        yield show
    finally:
        if handle is not None:
            handle.update(HTML(""))


def _lines(description: str, total: float, unit: str, console: "Console") -> Callable[[float], None]:
    """Return a function that writes a line, at most one a minute, and none once the work is done."""
    start = time.monotonic()
    due = start + FIRST_LINE

    def show(count: float) -> None:
        nonlocal due
        now = time.monotonic()
        if now >= due and 0 < count < total:
            due = now + NEXT_LINE
            print(f"{description}: {_state(count, total, now - start, unit)}", file=console.file, flush=True)

    return show


def _state(count: float, total: float, seconds: float, unit: str) -> str:
    """Return the words for how much is done after a time, and for the time that the rest will take."""
    words = f"{count / total:.0%} done, about {duration(seconds * (total - count) / count)} left"
    rate = _rate(count, seconds, unit)
    return f"{words}, {rate}" if rate else words


def _rate(count: float, seconds: float, unit: str) -> str:
    """Return the words for a rate, or none without a unit."""
    return f"{count / max(seconds, 1e-9):.3g} {unit}/s" if unit else ""


def duration(seconds: float) -> str:
    """Return the words for a time, rounded."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
