"""``samdyn figures``: draw the figures of the papers, and our own."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter
from typing import Annotated

from typer import Argument, Exit, Option

from .. import checks, lab
from ..lab.drawing import OUT, figure_folder
from ..output.terminal import Console
from ..simulation.progress import duration
from ..simulation.threads import single_threaded_children

PROCESSES = 2  # figures that are drawn at the same time


def figures(
    names: Annotated[list[str] | None, Argument(help="Names of figures, as `samdyn list` shows them.")] = None,
    out: Annotated[Path | None, Option(help=OUT)] = None,
) -> None:
    """Draw figures, each as PNG and PDF; all of them if no names are given.

    Each script runs in a process of its own. One that fails does not stop the others; the command then exits with
    status 1.
    """
    scripts = lab.scripts("paper_figs")
    chosen = list(dict.fromkeys(checks.known("figure", name, scripts) for name in names or scripts))
    folders = {name: figure_folder(scripts[name], out) for name in chosen}
    console, failed = Console(), []
    pool = ThreadPoolExecutor(PROCESSES)
    try:
        with single_threaded_children():
            drawings = [pool.submit(_draw, scripts[name], folders[name]) for name in chosen]
            for number, (name, drawing) in enumerate(zip(chosen, drawings, strict=True), 1):
                process, seconds = drawing.result()
                console.print(f"{number} of {len(chosen)}, {name}: {lab.question(scripts[name])}")
                console.print(process.stdout.rstrip("\n"))
                if process.returncode:
                    print(process.stderr, file=sys.stderr)
                    failed.append(name)
                else:
                    png = os.path.relpath(folders[name] / f"{name}.png")
                    console.print(f"{png} and PDF, {duration(seconds)}")
    finally:
        pool.shutdown(cancel_futures=True)  # after Ctrl-C, which the processes receive too
    if failed:
        print(f"error: failed: {', '.join(failed)}", file=sys.stderr)
        raise Exit(1)


def _draw(script: Path, folder: Path) -> tuple[subprocess.CompletedProcess[str], float]:
    """Run a figure's script. Return its ended process, and the seconds that it took."""
    begin = perf_counter()
    command = [sys.executable, str(script), "--out", str(folder.resolve())]
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    process = subprocess.run(command, capture_output=True, encoding="utf-8", env=environment, check=False)
    return process, perf_counter() - begin
