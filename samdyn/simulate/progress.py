"""A progress bar on a terminal, silence otherwise."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress_bar(description: str, total: float, shown: bool = True) -> Iterator[Callable[[float], None]]:
    """Show a bar on standard error while the block runs; what it yields is called with how much is done."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not (shown and console.file.isatty())) as progress:
        task = progress.add_task(description, total=total)
        yield lambda done: progress.update(task, completed=done)
