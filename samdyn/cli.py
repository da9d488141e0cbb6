"""The runner of command lines: errors in one line, signals, and ``--quiet``."""

import functools
import inspect
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

from .checks import InputError
from .output.spelling import never_fail
from .simulation import progress

if TYPE_CHECKING:
    import typer
    from typer.core import TyperGroup


class Terminated(KeyboardInterrupt):
    """SIGTERM has arrived. It keeps finished work, as Ctrl-C does."""


def run(main: Callable[..., Any]) -> None:
    """Run a script's main function as a command, with the options of its signature and ``--quiet``.

    An InputError becomes one line on standard error and exit status 2. Ctrl-C stops the command with exit status 130,
    and SIGTERM with 143.
    """
    app = _app()
    app.command()(_with_quiet(main))
    call(app)


def commands(description: str, *functions: Callable[..., Any], **groups: "type[TyperGroup]") -> "typer.Typer":
    """Return a command line with a command for each function, named after it.

    Args:
        description: what the program does, for its help.
        functions: a trailing underscore, which keeps a name of Python free, is no part of the command.
        groups: classes of commands that have commands of their own, by name. The docstring is the help.
    """
    import typer

    app = _app()
    app.callback(help=description, no_args_is_help=True)(lambda: None)
    for function in functions:
        app.command(function.__name__.rstrip("_"))(_with_quiet(function))
    for name, group in groups.items():
        app.add_typer(typer.Typer(cls=group, help=group.__doc__), name=name)
    return app


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


def call(app: "typer.Typer") -> None:
    """Run a command line; see ``run`` for errors and signals."""
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
