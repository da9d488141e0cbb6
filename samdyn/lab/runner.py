"""The runner of experiments: options from the signature of ``main``, and a folder for what it reports."""

import functools
import inspect
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from .. import cli
from ..checks import InputError
from ..output import OutputFolder
from ..simulation.starts import choose_device
from ..sweep.sweep import FailedCells
from .drawing import drawing
from .options import options_of
from .report import Report
from .scripts import question


def run(main: Callable[..., Any]) -> None:
    """Run an experiment's ``main`` as a command with the options of its signature, ``--out`` and ``--quiet``.

    A wrong option is refused before ``main`` starts, and before a folder is made. If ``main`` raises an InputError, no
    folder stays either. See ``cli.run`` for errors and signals, and ``OutputFolder`` for what Ctrl-C leaves.

    Args:
        main: the function. Its parameter ``report`` takes what it prints, draws and saves; see ``Report``. The others
            are options, see ``options`` and ``groups``. The help shows its docstring, or the first line of the script's
            own.
    """
    cli.run(command(main))


def command(main: Callable[..., Any]) -> Callable[..., None]:
    """Return the function that Typer runs for an experiment's ``main``."""
    import typer

    inside, options = inspect.unwrap(main), options_of(main)
    defaults = {p.name: p.default for p in inspect.signature(main).parameters.values()}
    groups: dict[str, Any] = {name: default for name, default in defaults.items() if is_dataclass(default)}
    name = Path(inspect.getfile(inside)).stem

    @functools.wraps(main)
    def with_report(*, out: Path, **typed: Any) -> None:
        values = {one.parameter: one.read(typed[one.parameter]) for one in options}
        folder = OutputFolder(out, name, {key: _plain(value) for key, value in {**typed, "out": out}.items()})
        if "device" in values:
            folder.about["device"] = str(choose_device(values["device"]))  # what "auto" means on this machine
        for group, default in groups.items():
            values[group] = replace(default, **{field.name: values.pop(field.name) for field in fields(default)})
        report = Report(folder)
        with folder, drawing(), _watching_sweeps() as failures:
            main(**values, report=report)
        report.print(f"figures, data and provenance in {folder.published}/")
        if folder.interrupted or failures:
            raise typer.Exit(130 if folder.interrupted else 1)

    help = "Folder for figures and data; replaced only if it holds an earlier result."
    out = inspect.Parameter(
        "out",
        inspect.Parameter.KEYWORD_ONLY,
        default=Path("results", name),
        annotation=Annotated[Path, typer.Option(help=help)],
    )
    signature = inspect.Signature([*(one.typer_parameter() for one in options), out])
    with_report.__doc__ = main.__doc__ or question(Path(inspect.getfile(inside)))
    with_report.__signature__ = signature  # type: ignore[attr-defined]
    with_report.__annotations__ = {p.name: p.annotation for p in signature.parameters.values()}
    return with_report


@contextmanager
def _watching_sweeps() -> Iterator[list[FailedCells]]:
    """Yield the warnings of sweeps with failed cells. The experiment goes on without these, unless all failed."""
    failures: list[FailedCells] = []
    display = warnings.showwarning

    def show(message: Warning | str, *rest: Any, **more: Any) -> None:
        if isinstance(message, FailedCells):
            failures.append(message)
            if message.all:
                raise InputError(str(message))
            print(f"warning: {message}", file=sys.stderr)
        else:
            display(message, *rest, **more)

    with warnings.catch_warnings():
        warnings.simplefilter("always", FailedCells)
        warnings.showwarning = show
        yield failures


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else value
