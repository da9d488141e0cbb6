"""``samdyn sweep``: call a function for every cell of a grid."""

import math
import os
import warnings
from pathlib import Path
from typing import Annotated

from typer import Argument, Exit, Option

from .. import checks
from ..output.terminal import Console
from ..simulation.progress import duration
from ..sweep import sweep as run
from ..sweep.estimate import Estimate, estimate
from ..sweep.file import check_processes, read
from ..sweep.store.state import State, state
from ..sweep.sweep import FailedCells

SHOWN = 5  # largest number of failed cells that are printed


def sweep(
    file: Annotated[Path | None, Argument(help="A file of TOML with function, grid, store, processes, batch.")] = None,
    status: Annotated[Path | None, Option(help="Print how far the sweep of this store is, and run nothing.")] = None,
    dry_run: Annotated[bool, Option("--dry-run", help="Time a few cells, and print what all would take.")] = False,
    retry_failed: Annotated[bool, Option("--retry-failed", help="Run the failed cells of the store again.")] = False,
    processes: Annotated[int | None, Option(help="Number of processes, 0 for one on each core.")] = None,
) -> None:
    """Call a function for every cell of a grid, and write the results to a store, which a second start continues.

    Exits with status 1 if cells failed.
    """
    console = Console()
    if status is not None:
        if file is not None:
            checks.reject("--status", str(status), f"contradicts the file {str(file)!r}", "Give one of them")
        console.print(_progress(state(status)))
        return
    if file is None:
        checks.reject("file", None, "is missing", "Use samdyn sweep sweep.toml; docs/sweeps.md has an example")
    plan = read(file)
    count = check_processes(plan.processes if processes is None else processes) or os.cpu_count() or 1
    if dry_run:
        console.print(_forecast(estimate(plan.function, plan.grid, plan.batch), count))
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FailedCells)  # they are printed below
        run(plan.function, plan.grid, plan.store, processes=count, batch=plan.batch, retry_failed=retry_failed)
    result = state(plan.store)
    console.print(_progress(result))
    console.print(f"results in {os.path.relpath(plan.store)}")
    if result.errors:
        console.print(f"To run the failed cells again: samdyn sweep {file} --retry-failed")
        raise Exit(1)


def _progress(now: State) -> str:
    """Return the number of cells in words, and what failed."""
    failed = len(now.errors)
    cells = now.done + now.missing + failed
    lines = [f"{now.function}: {now.done} of {cells} cells done, {failed} failed, {now.missing} missing"]
    if now.missing:
        lines[0] += "; a sweep is running" if now.runs else "; no sweep is running"
    for error in now.errors[:SHOWN]:
        parameters, *trace = error.splitlines()
        lines.append(f"  {parameters}: {trace[-1] if trace else 'failed'}")
    if failed > SHOWN:
        lines.append(f"  and {failed - SHOWN} more; cell_error has their tracebacks")
    return "\n".join(lines)


def _forecast(work: Estimate, processes: int) -> str:
    """Return an estimate in words."""
    processes = min(processes, work.calls)
    lines = [
        f"{work.cells} cells in {work.calls} calls; {work.timed} of them timed",
        f"about {duration(work.seconds / processes)} in {processes} process(es)",
        f"about {_bytes(work.bytes)} on disk before compression",
    ]
    lines += [f"failed: {error.splitlines()[0]}: {error.splitlines()[-1]}" for error in work.errors[:SHOWN]]
    return "\n".join(lines)


def _bytes(number: float) -> str:
    units = ("bytes", "kB", "MB", "GB", "TB")
    power = min(len(units) - 1, max(0, int(math.log10(max(1.0, number)) // 3)))
    return f"{number / 1000**power:.3g} {units[power]}"
