"""Progress on standard error: a bar on a terminal; elsewhere, once the work is long, a line a minute."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rich.console import Console

T = TypeVar("T")

FIRST_LINE, NEXT_LINE = 20.0, 60.0  # seconds from the start to the first line, and between two

_shown_now = threading.Lock()  # held by the one progress that is shown: what it calls may have a progress of its own


@contextmanager
def progress_bar(description: str, total: float, shown: bool = True) -> Iterator[Callable[[float], None]]:
    """Show on standard error how far the block is; what it yields is called with how much of ``total`` is done.

    Inside another progress that is shown, nothing is.
    """
    if not shown or not _shown_now.acquire(blocking=False):
        yield lambda done: None
        return
    try:
        from rich.console import Console

        console = Console(stderr=True)
        if not console.file.isatty():
            yield _lines(description, total, console)
            return
        with _bar(description, total, console) as show:
            yield show
    finally:
        _shown_now.release()


def tracked(description: str, items: Sequence[T], shown: bool = True) -> Iterator[T]:
    """Yield items one by one, and show how many of them are done."""
    with progress_bar(description, len(items), shown) as show:
        for done, item in enumerate(items, 1):
            yield item
            show(done)


@contextmanager
def silenced(silent: bool = True) -> Iterator[None]:
    """Show no progress while the block runs."""
    taken = silent and _shown_now.acquire(blocking=False)
    try:
        yield
    finally:
        if taken:
            _shown_now.release()


@contextmanager
def _bar(description: str, total: float, console: "Console") -> Iterator[Callable[[float], None]]:
    from rich.progress import Progress, TimeElapsedColumn

    columns = (*Progress.get_default_columns(), TimeElapsedColumn())
    # The time left is estimated from the whole work: steps of some experiments take minutes.
    with Progress(*columns, console=console, transient=True, speed_estimate_period=float("inf")) as progress:
        task = progress.add_task(description, total=total)
        yield lambda done: progress.update(task, completed=done)


def _lines(description: str, total: float, console: "Console") -> Callable[[float], None]:
    """Return what writes a line, at most one a minute, and none about work that is done."""
    began = time.monotonic()
    due = began + FIRST_LINE

    def show(done: float) -> None:
        nonlocal due
        now = time.monotonic()
        if now >= due and 0 < done < total:
            due = now + NEXT_LINE
            left = (now - began) * (total - done) / done
            print(
                f"{description}: {done / total:.0%} done, about {_duration(left)} left", file=console.file, flush=True
            )

    return show


def _duration(seconds: float) -> str:
    """Write a time roughly."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
