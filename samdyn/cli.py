"""Functions that the command lines of the experiments share."""

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
    import typer
    import xarray
    from typer.core import TyperGroup

    from .output.terminal import Console, Table


MIN_MOMENTUM = 1e-12  # smallest γ > 0 on the command line
MAX_COORDINATES = 16  # largest number of coordinates of a formula on the command line


class Terminated(KeyboardInterrupt):
    """SIGTERM has arrived. It keeps finished work, as Ctrl-C does."""


def run(main: Callable[..., Any]) -> None:
    """Run a script's main function as a command, with the options of its signature and ``--quiet``.

    An InputError becomes one line on standard error and exit status 2. Ctrl-C stops the command with exit status 130,
    and SIGTERM with 143.
    """
    app = _app()
    app.command()(_with_quiet(main))
    _call(app)


def run_commands(description: str, *commands: Callable[..., Any], **groups: "type[TyperGroup]") -> None:
    """Run a command line with a command for each function, named after it; see ``run``.

    Args:
        description: what the program does, for its help.
        commands: the functions. A trailing underscore, which keeps a name of Python free, is no part of the command.
        groups: classes of commands that have commands of their own, by name. The docstring is the help.
    """
    import typer

    app = _app()
    app.callback(help=description)(lambda: None)
    for command in commands:
        app.command(command.__name__.rstrip("_"))(_with_quiet(command))
    for name, group in groups.items():
        app.add_typer(typer.Typer(cls=group, help=group.__doc__), name=name)
    _call(app)


def click_command(main: Callable[..., Any], name: str) -> Any:
    """Return the command that ``run`` runs, under a name."""
    import typer

    app = _app()
    app.command(name)(_with_quiet(main))
    return typer.main.get_command(app)


def _app() -> "typer.Typer":
    import typer

    for stream in (sys.stdout, sys.stderr):
        never_fail(stream)
    return typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def _call(app: "typer.Typer") -> None:
    with _termination_interrupts():
        try:
            app()
        except InputError as error:
            print(f"error: {error}", file=sys.stderr)
            sys.exit(2)


def _with_quiet(main: Callable[..., Any]) -> Callable[..., Any]:
    """Return a script's main function with the further option ``--quiet``."""
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
    """Make SIGTERM raise ``Terminated`` while the block runs, unless the signal has a handler already."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise Terminated

    in_main = threading.current_thread() is threading.main_thread()  # Python handles signals only there
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
    """Yield the number of each part and the result of ``function(*part)``, in the order in which they finish.

    A result does not depend on the number of processes.

    Args:
        function: a function that a new process can import, such as one of a script. torch has one thread there.
        parts: the arguments of each call.
        processes: the number of processes. 1 means this process.

    >>> list(in_processes(pow, [(2, 3), (2, 4)], processes=1))
    [(0, 8), (1, 16)]
    """
    processes = min(processes, len(parts))
    if processes < 2:
        yield from ((number, function(*part)) for number, part in enumerate(parts))
        return
    import torch

    # Not fork: the copy of a process with other threads, such as that of a progress bar, may hang.
    context = get_context("spawn")
    with ProcessPoolExecutor(processes, context, torch.set_num_threads, (1,)) as pool:
        futures = {pool.submit(function, *part): number for number, part in enumerate(parts)}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def with_interval(values: Sequence["xarray.DataArray"], style: str) -> str:
    """Return the text of a median with its interval, in a number format like ``"+.1f"``.

    >>> import xarray
    >>> with_interval([xarray.DataArray(value) for value in (2.0, 1.0, float("inf"))], ".1f")
    '2.0 [1.0, ∞]'
    """
    middle, low, high = (f"{float(value):{style}}" for value in values)
    return f"{middle} [{low}, {high}]".replace("inf", "∞")


def console() -> "Console":
    """Return the console for tables. It is as wide as the terminal, or 100 columns without one."""
    from .output.terminal import Console

    return Console()


def table(title: str | None, *columns: str, gap: int = 0, keys: int = 1) -> "Table":
    """Return an empty table, with the first column aligned left and the others aligned right.

    Args:
        title: the title, or None.
        columns: the names of the columns.
        gap: the number of further blanks between columns.
        keys: the number of columns that every part repeats if the terminal is too narrow for the whole table.
    """
    from .output.terminal import new_table

    return new_table(title, *columns, gap=gap, keys=keys)


def numbers(option: str, text: str) -> list[float]:
    """Return the numbers of a list like ``"0.1,0.5"``.

    Raises:
        InputError: an entry that is not a number, or no entry.

    >>> numbers("--rho", "0.1,0.5")
    [0.1, 0.5]
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
    """Return the numbers of a list in ascending order, each once.

    Args:
        option: the option, for messages.
        text: the list, like ``"0.1,0.5"``.
        allowed: whether a number may be in the list.
        rule: what numbers must be, for messages.
        example: a list that is allowed, for messages.

    Raises:
        InputError: what ``numbers`` refuses, or a number that ``allowed`` does not accept.
    """
    values = numbers(option, text)
    if not all(map(allowed, values)):
        checks.reject(option, text, rule, f"Use e.g. {option} {example}")
    return sorted(set(values))


def momenta(option: str, values: list[float]) -> list[float]:
    """Return the momenta after a check: each must be 0 or in [1e-12, 1).

    A smaller momentum changes no step, but its powers are subnormal numbers, with which processors are a hundred times
    slower.

    Raises:
        InputError: a momentum out of range.
    """
    for gamma in values:
        checks.momentum(gamma)
        if 0 < gamma < MIN_MOMENTUM:
            checks.reject(option, gamma, f"must be 0, or at least {MIN_MOMENTUM:g} to change a step", "Use 0")
    return values


def landscape(text: str, coordinates: str) -> Landscape:
    """Return the landscape of a name from the catalogue, or of a formula.

    Raises:
        InputError: an unknown name, a text that is not a formula, or too many coordinates to search.

    >>> landscape("saddle", ""), landscape("x**2 - y**4", "x y")
    (Landscape('saddle', 'x y'), Landscape('x**2 - y**4', 'x y'))
    """
    if text.replace("-", "_").isidentifier():
        return landscapes.named(text.replace("-", "_"))
    count = len(coordinates.replace(",", " ").split())
    if count > MAX_COORDINATES:
        rule = f"are {count}; experiments search critical points in up to {MAX_COORDINATES}"
        checks.reject("--coordinates", coordinates, rule, "Use fewer, or samdyn as a library")
    return Landscape(text, coordinates)


def saddle(landscape: Landscape, points: Sequence[CriticalPoint], near: str) -> CriticalPoint:
    """Return the saddle that an experiment looks at.

    Args:
        landscape: the landscape.
        points: its critical points, in ascending order of their loss.
        near: the text of ``--saddle``, a point. The result is the saddle nearest to it, or the lowest saddle if the
            text is empty.

    Raises:
        InputError: no saddle among the points, or a text that is not a point.
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
    """Return the text of a vector, with four digits per component."""
    return "(" + ", ".join(f"{v:.4g}" for v in values + 0.0) + ")"


def with_radii(names: str, radii: list[float]) -> list[Method]:
    """Return every method of a list like ``"GD,SAM"``, once for each radius if it has one.

    Raises:
        InputError: an unknown method, an empty list, or a radius out of range.

    >>> with_radii("GD,SAM", [0.1, 0.2])
    [GD(), SAM(rho=0.1, ascent_steps=1, average=False), SAM(rho=0.2, ascent_steps=1, average=False)]
    """
    entries = names.replace(",", " ").split()
    if not entries:
        checks.reject("--methods", names, "at least one method is needed", "Use e.g. --methods GD,USAM,SAM")
    result: list[Method] = []
    for cls in map(methods.named, entries):
        result.extend([cls(rho) for rho in radii] if issubclass(cls, Ascent) else [cls()])
    return list(dict.fromkeys(result))
