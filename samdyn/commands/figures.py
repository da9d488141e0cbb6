"""``samdyn figures``: draw the figures of the papers, and our own."""

import os
import sys
import traceback
from pathlib import Path
from time import perf_counter
from typing import Annotated

from typer import Argument, Exit, Option

from .. import checks, lab
from ..lab.drawing import OUT, figure_folder, save_drawing
from ..output.terminal import Console
from ..simulation.progress import duration


def figures(
    names: Annotated[list[str] | None, Argument(help="Names of figures, as `samdyn list` shows them.")] = None,
    out: Annotated[Path | None, Option(help=OUT)] = None,
) -> None:
    """Draw figures, each as PNG and PDF; all of them if no names are given.

    A script that fails does not stop the others. The command then exits with status 1.
    """
    scripts = lab.scripts("paper_figs")
    chosen = dict.fromkeys(checks.known("figure", name, scripts) for name in names or scripts)
    folders = {name: figure_folder(scripts[name], out) for name in chosen}
    console, failed = Console(), []
    for number, name in enumerate(chosen, 1):
        console.print(f"{number} of {len(chosen)}, {name}: {lab.question(scripts[name])}")
        begin = perf_counter()
        try:
            png = save_drawing(lab.load(name, "paper_figs").draw, folders[name])
        except Exception:
            traceback.print_exc(file=sys.stderr)
            failed.append(name)
        else:
            console.print(f"{os.path.relpath(png)} and PDF, {duration(perf_counter() - begin)}")
    if failed:
        print(f"error: failed: {', '.join(failed)}", file=sys.stderr)
        raise Exit(1)
