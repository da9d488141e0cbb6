"""What the command lines of the experiments share."""

import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

import numpy as np

from . import checks, landscapes, methods
from .analysis import CriticalPoint
from .checks import InputError
from .landscapes import Landscape
from .methods import Ascent, Method

if TYPE_CHECKING:
    import xarray
    from rich.console import Console
    from rich.table import Table


def run(main: Callable[..., Any]) -> None:
    """Run a script's main function with the options its signature declares.

    Input that cannot be worked with is told in one line on standard error, with exit status 2.
    """
    import typer

    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(main)
    try:
        app()
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


def in_processes(
    function: Callable[..., Any], parts: Sequence[tuple[Any, ...]], processes: int
) -> Iterator[tuple[int, Any]]:
    """Yield number and result of ``function(*part)`` for every part, as they are done.

    Args:
        function: one that a new process can import, as those of a script are. torch has one thread there.
        parts: its arguments, which are sent to the processes. A result does not depend on how many those are.
        processes: how many, 1 for none but this one.
    """
    processes = min(processes, len(parts))
    if processes < 2:
        yield from ((number, function(*part)) for number, part in enumerate(parts))
        return
    import torch

    # Not fork: a copy of a process in which other threads run, as that of a progress bar, may hang.
    context = get_context("spawn")
    with ProcessPoolExecutor(processes, context, torch.set_num_threads, (1,)) as pool:
        futures = {pool.submit(function, *part): number for number, part in enumerate(parts)}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def with_interval(values: Sequence["xarray.DataArray"], style: str) -> str:
    """Write a median with its interval, each in a style like ``"+.1f"``."""
    middle, low, high = (f"{float(value):{style}}" for value in values)
    return f"{middle} [{low}, {high}]".replace("inf", "∞")


def console() -> "Console":
    """Return what tables are printed on: as wide as the terminal, or 100 columns where there is none."""
    from rich.console import Console

    console = Console(highlight=False)
    if not console.file.isatty():
        console.width = 100
    return console


def table(title: str | None, *columns: str, gap: int = 0) -> "Table":
    """Return an empty table: names on the left, numbers on the right, and so many more blanks between columns."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    made = Table(
        box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, gap, 0, 0), title_justify="left", title=title
    )
    for number, name in enumerate(columns):
        made.add_column(name, justify="right" if number else "left", no_wrap=True)
    return made


def numbers(option: str, text: str) -> list[float]:
    """Read a list like ``"0.1,0.5"``.

    Raises:
        InputError: an entry that is no number, or none at all.
    """
    entries = [entry for entry in text.replace(",", " ").split() if entry]
    try:
        values = [float(entry) for entry in entries]
    except ValueError:
        checks.reject(option, text, "must be numbers separated by commas", f"Use e.g. {option} 0.1,0.5")
    if not values:
        checks.reject(option, text, "at least one number is needed", f"Use e.g. {option} 0.1,0.5")
    return values


def listed(option: str, text: str, allowed: Callable[[float], bool], rule: str, example: str) -> list[float]:
    """Read a list of numbers that have to be allowed; return each once, in order.

    Raises:
        InputError: what ``numbers`` refuses, or a number that is not allowed.
    """
    values = numbers(option, text)
    if not all(map(allowed, values)):
        checks.reject(option, text, rule, f"Use e.g. {option} {example}")
    return sorted(set(values))


def landscape(text: str, coordinates: str) -> Landscape:
    """Return the catalogue's landscape of this name or, if it is no name, that of the formula it spells.

    Raises:
        InputError: an unknown name, or a formula that cannot be read.
    """
    is_name = text.replace("-", "_").isidentifier()
    return landscapes.named(text.replace("-", "_")) if is_name else Landscape(text, coordinates)


def saddle(landscape: Landscape, points: Sequence[CriticalPoint], near: str) -> CriticalPoint:
    """Return the saddle nearest to the point that ``--saddle`` names, or without one the lowest of ``points``.

    Raises:
        InputError: no saddle among the points, or a text that is no point.
    """
    saddles = [p for p in points if p.kind == "saddle"]
    if not saddles:
        fix = "Choose a landscape with one; a degenerate saddle has no λ to compare with"
        checks.reject("--landscape", landscape.name, f"no non-degenerate saddle in the box {landscape.box}", fix)
    if not near:
        return saddles[0]
    target = np.array(numbers("--saddle", near))
    if target.shape != (landscape.dim,) or not np.isfinite(target).all():
        checks.reject("--saddle", near, f"must have {landscape.dim} coordinates, all finite", "Use e.g. --saddle 0,1")
    return min(saddles, key=lambda p: float(np.linalg.norm(p.w - target)))


def shown(values: np.ndarray) -> str:
    """Write a vector shortly."""
    return "(" + ", ".join(f"{v:.4g}" for v in values + 0.0) + ")"


def with_radii(names: str, radii: list[float]) -> list[Method]:
    """Return every method of a list like ``"GD,SAM"``, with each radius if it takes one.

    Raises:
        InputError: an unknown method, none, or a radius out of range.
    """
    listed = names.replace(",", " ").split()
    if not listed:
        checks.reject("--methods", names, "at least one method is needed", "Use e.g. --methods GD,USAM,SAM")
    found: list[Method] = []
    for cls in map(methods.named, listed):
        found.extend([cls(rho) for rho in radii] if issubclass(cls, Ascent) else [cls()])
    return list(dict.fromkeys(found))
