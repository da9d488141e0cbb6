"""What the command lines of the experiments share."""

import functools
import inspect
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from multiprocessing import get_context
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from . import checks, landscapes, methods
from .analysis import CriticalPoint
from .checks import InputError
from .landscapes import Landscape
from .methods import Ascent, Method
from .output.spelling import never_fail
from .simulation import progress

if TYPE_CHECKING:
    import xarray

    from .output.terminal import Console, Table


LEAST_MOMENTUM = 1e-12  # γ > 0 on the command line
MOST_COORDINATES = 16  # of a formula on the command line


class Terminated(KeyboardInterrupt):
    """SIGTERM, which keeps finished work as Ctrl-C does."""


def run(main: Callable[..., Any]) -> None:
    """Run a script's main function with the options its signature declares, and ``--quiet``.

    Input that cannot be worked with is told in one line on standard error, with exit status 2. SIGTERM stops it as
    Ctrl-C does, with exit status 143 and 130.
    """
    import typer

    for stream in (sys.stdout, sys.stderr):
        never_fail(stream)
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(_with_quiet(main))
    with _termination_interrupts():
        try:
            app()
        except InputError as error:
            print(f"error: {error}", file=sys.stderr)
            sys.exit(2)


def _with_quiet(main: Callable[..., Any]) -> Callable[..., Any]:
    """Return a script's main function with one more option."""
    import typer

    @functools.wraps(main)
    def command(*arguments: Any, quiet: bool, **options: Any) -> Any:
        try:
            with progress.silenced(quiet):
                return main(*arguments, **options)
        except Terminated:
            raise typer.Exit(128 + signal.SIGTERM) from None

    kind = Annotated[bool, typer.Option("--quiet", help="Show no progress on standard error.")]
    signature = inspect.signature(main)
    option = inspect.Parameter("quiet", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=kind)
    command.__signature__ = signature.replace(parameters=[*signature.parameters.values(), option])  # type: ignore[attr-defined]
    command.__annotations__ = {**main.__annotations__, "quiet": kind}
    return command


@contextmanager
def _termination_interrupts() -> Iterator[None]:
    """Let SIGTERM raise ``Terminated`` while the block runs, where nobody has decided otherwise."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise Terminated

    in_main = threading.current_thread() is threading.main_thread()  # Python handles signals in no other
    if not in_main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


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
    from .output.terminal import Console

    return Console()


def table(title: str | None, *columns: str, gap: int = 0, keys: int = 1) -> "Table":
    """Return an empty table: names on the left, numbers on the right, and so many more blanks between columns.

    Where a terminal is too narrow for it, it is printed in parts, each with the first ``keys`` columns.
    """
    from .output.terminal import new_table

    return new_table(title, *columns, gap=gap, keys=keys)


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


def momenta(option: str, values: list[float]) -> list[float]:
    """Check momenta: each a number in [0, 1), and not so small that it is lost in rounding.

    A tiny one would change no step, but its powers are subnormal numbers, on which processors are a hundred times
    slower.

    Raises:
        InputError: a momentum out of range.
    """
    for gamma in values:
        checks.momentum(gamma)
        if 0 < gamma < LEAST_MOMENTUM:
            checks.reject(option, gamma, f"must be 0, or at least {LEAST_MOMENTUM:g} to change a step", "Use 0")
    return values


def landscape(text: str, coordinates: str) -> Landscape:
    """Return the catalogue's landscape of this name or, if it is no name, that of the formula it spells.

    Raises:
        InputError: an unknown name, a formula that cannot be read, or one of too many coordinates to be searched.
    """
    if text.replace("-", "_").isidentifier():
        return landscapes.named(text.replace("-", "_"))
    count = len(coordinates.replace(",", " ").split())
    if count > MOST_COORDINATES:
        rule = f"are {count}; experiments search critical points in up to {MOST_COORDINATES}"
        checks.reject("--coordinates", coordinates, rule, "Use fewer, or samdyn as a library")
    return Landscape(text, coordinates)


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
