"""The runner of experiments: options from the signature of ``main``, and a folder for what it reports."""

import functools
import inspect
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from .. import cli, plot
from ..output import OutputFolder
from ..simulation.starts import choose_device
from .options import option
from .report import Report


def run(main: Callable[..., Any]) -> None:
    """Run an experiment's ``main`` as a command with the options of its signature, ``--out`` and ``--quiet``.

    A wrong option is refused before ``main`` starts, and before a folder is made. If ``main`` raises an InputError, no
    folder stays either. See ``cli.run`` for errors and signals, and ``OutputFolder`` for what Ctrl-C leaves.

    Args:
        main: the function. Its keyword ``report`` takes what it prints, draws and saves; see ``Report``.
    """
    cli.run(command(main))


def command(main: Callable[..., Any]) -> Callable[..., None]:
    """Return the function that Typer runs for an experiment's ``main``."""
    import typer

    hints = typing.get_type_hints(main, include_extras=True)
    parameters = inspect.signature(main).parameters.values()
    options = [option(p, hints[p.name]) for p in parameters if p.name != "report"]
    name = Path(inspect.getfile(main)).stem

    @functools.wraps(main)
    def with_report(*, out: Path, **typed: Any) -> None:
        values = {one.parameter: one.read(typed[one.parameter]) for one in options}
        folder = OutputFolder(out, name, {key: _plain(value) for key, value in {**typed, "out": out}.items()})
        if "device" in values:
            folder.about["device"] = str(choose_device(values["device"]))  # what "auto" means on this machine
        report = Report(folder)
        with folder, _drawing():
            main(**values, report=report)
        report.print(f"figures, data and provenance in {folder.published}/")
        if folder.interrupted:
            raise typer.Exit(130)

    help = "Folder for figures and data; replaced only if it holds an earlier result."
    out = inspect.Parameter(
        "out",
        inspect.Parameter.KEYWORD_ONLY,
        default=Path("results", name),
        annotation=Annotated[Path, typer.Option(help=help)],
    )
    signature = inspect.Signature([*(one.typer_parameter() for one in options), out])
    if not main.__doc__:  # the help is the question that the script asks, the first line of its own docstring
        with_report.__doc__ = (inspect.getdoc(inspect.getmodule(main)) or "").partition("\n")[0]
    with_report.__signature__ = signature  # type: ignore[attr-defined]
    with_report.__annotations__ = {p.name: p.annotation for p in signature.parameters.values()}
    return with_report


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else value


def _drawing() -> Any:
    """Return a context in which figures are drawn in samdyn's style, and without a screen."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    return plt.rc_context(plot.STYLE)
