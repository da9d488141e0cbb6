"""Every workload beside what people would use instead, in alternating rounds: ``make bench``.

Prints rates and ratios, and writes them as JSON, one file per workload, with figures of the scaling. Run it on a
machine that does nothing else; the load before it began is in the JSON. It ends with status 1 if a contender computed
something else than it should.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import basin_map
import matplotlib
import msd_grid
import network_step
import ou_saddle
import proof
import sam_beale
import scaling
import statistics_only
from harness import Case, Effort, measure
from machine import machine
from report import save_scaling, table
from rich.console import Console
from typer import Argument, Exit, Option

from samdyn import checks, cli

WORKED = (sam_beale, ou_saddle, basin_map, msd_grid, statistics_only, network_step, proof, scaling)
WORKLOADS: dict[str, Callable[[Effort], Iterator[Case]]] = {module.__name__: module.cases for module in WORKED}
RESULTS = Path("benchmarks/results")
SECONDS, QUICK_SECONDS, QUICK_ROUNDS = 0.7, 0.01, 2  # of a turn
BUSY = 0.5  # load of the last minute from which numbers are worth little


def main(
    workloads: Annotated[list[str] | None, Argument(help=f"Of {', '.join(WORKLOADS)}. Default: all.")] = None,
    rounds: Annotated[int, Option(help="How many times every contender has its turn.")] = 5,
    quick: Annotated[bool, Option("--quick", help="Small sizes and two rounds: does everything work?")] = False,
    largest: Annotated[int, Option(help="The largest number of runs of the scaling.")] = 1_000_000,
    out: Annotated[
        Path | None,
        Option(help=f"Folder for JSON and figures, files of these names replaced. Default: {RESULTS}, or quick in it."),
    ] = None,
) -> None:
    """Measure samdyn beside its rivals."""
    names = [checks.known("workload", name, WORKLOADS) for name in workloads or WORKLOADS]
    rounds = checks.count("--rounds", rounds, "Use e.g. --rounds 5")
    if largest < 1000:
        checks.reject("--largest", largest, "the scaling begins at 1000 runs", "Use e.g. --largest 1000000")
    effort = Effort(QUICK_ROUNDS if quick else rounds, QUICK_SECONDS if quick else SECONDS, quick, largest)
    matplotlib.use("Agg")
    console, about = Console(highlight=False), machine()
    if not console.file.isatty():
        console.width = 100
    console.print(f"{about['cpu']}, {about['cores']} cores, torch {about['versions']['torch']}; {effort.rounds} rounds")
    if about["load before"] > BUSY:
        console.print(f"The machine is busy (load {about['load before']:.1f}): the numbers will be worth little.")
    folder = out or (RESULTS / "quick" if quick else RESULTS)
    folder.mkdir(parents=True, exist_ok=True)
    wrong = []
    for name in names:
        found = []
        for case in WORKLOADS[name](effort):
            found.append(measure(case, effort))
            wrong += [f"{name}: {c.name}, {c.what}: {c.error:.3g} > {c.largest:g}" for c in case.checks if not c.passed]
        console.print(table(name, found))
        about_this = {**about, "rounds": effort.rounds, "quick": quick}
        (folder / f"{name}.json").write_text(json.dumps({"machine": about_this, "cases": found}, indent=1))
        if name == "scaling":
            save_scaling(found, folder)
    console.print(f"JSON and figures in {folder}/")
    for line in wrong:
        console.print(f"WRONG {line}")
    if wrong:
        raise Exit(1)


if __name__ == "__main__":
    cli.run(main)
