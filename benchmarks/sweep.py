"""What sweeps cost: overhead of a cell, many cells in one store, two processes, and a batch against one by one.

Prints the numbers, and writes them as JSON to benchmarks/results/sweep.json. Start it on a machine that does nothing
else: the load before each part is among the numbers, and so is processor time, which other programs change less.
"""

import json
import os
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import xarray as xr
from machine import machine
from typer import Option

import samdyn as sd
from samdyn import cli

RESULT = Path("benchmarks/results/sweep.json")
RUNS, STEPS = 1000, 500  # of every setting of the ensemble
BOX = [(-1, 1), (-1, 1)]


def multiply(rho: float, lr: float) -> float:
    """Return a product: a cell without work."""
    return rho * lr


def busy(n: int, seconds: float) -> dict[str, float]:
    """Work for some seconds of the processor in Python; return when it began and ended."""
    began, end = time.time(), time.process_time() + seconds
    while time.process_time() < end:
        sum(k * 1e-9 for k in range(1000))
    return {"began": began, "ended": time.time()}


def captured(rho: Any, lr: Any) -> np.ndarray:
    """Return the share of SAM's runs that stay at the saddle of x² − y², for each setting."""
    rho, lr = np.atleast_1d(rho), np.atleast_1d(lr)
    starts = np.random.default_rng(0).uniform(-0.5, 0.5, (RUNS, 2))
    map_ = sd.Map(sd.landscapes.saddle(), sd.SAM(np.repeat(rho, RUNS)), lr=np.repeat(lr, RUNS))
    runs = sd.simulate(map_, np.tile(starts, (len(rho), 1)), STEPS, save_every=STEPS, box=BOX, progress=False)
    return (runs.status.values != "left the box").reshape(len(rho), RUNS).mean(axis=1)


def captured_by_one(rho: float, lr: float) -> float:
    """Return the share of one setting."""
    return float(captured(rho, lr)[0])


def timed(work: Callable[[], Any]) -> tuple[dict[str, float], Any]:
    """Return seconds of the clock and of the processor, the load before, and the result."""
    load, began, before = os.getloadavg()[0], time.perf_counter(), _processor()
    result = work()
    seconds = {"seconds": time.perf_counter() - began, "processor": _processor() - before, "load before": load}
    return seconds, result


def _processor() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def overhead(cells: int, folder: Path) -> dict[str, Any]:
    """Return milliseconds of a cell without work, start of the processes included."""
    grid = {"rho": np.arange(cells / 100), "lr": np.arange(100)}
    result = {}
    for name, options in {
        "in memory": {},
        "in a store": {"store": folder / "one.zarr"},
        "in memory, two processes": {"processes": 2},
        "in a store, two processes": {"store": folder / "two.zarr", "processes": 2},
    }.items():
        spent, data = timed(lambda options=options: sd.sweep(multiply, grid, **options, progress=False))
        np.testing.assert_array_equal(data.value, np.multiply.outer(grid["rho"], grid["lr"]))
        result[name] = {"ms a cell": 1000 * spent["seconds"] / cells, **spent}
    return result


def many(cells: int, folder: Path) -> dict[str, Any]:
    """Return the time, files and size of a store with many small cells."""
    grid = {"rho": np.arange(cells / 100), "lr": np.arange(100)}
    store = folder / "many.zarr"
    spent, _ = timed(lambda: sd.sweep(multiply, grid, store, progress=False))
    again, _ = timed(lambda: sd.sweep(multiply, grid, store, progress=False))
    read, _ = timed(lambda: xr.open_zarr(store).value.sel(rho=0).values)
    files = [path for path in store.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    return {
        "cells": cells, **spent, "files": len(files), "bytes": size,
        "seconds of a second start": again["seconds"], "seconds to read a row": read["seconds"],
    }  # fmt: skip


def two_processes(cells: int, seconds: float) -> dict[str, Any]:
    """Return the times of the same work in this process and in two, and the time of both that is spent in cells.

    The last number does not depend on what else the machine does: twice of it is the gain on an idle one, the start
    of the processes aside.
    """
    grid = {"n": range(cells), "seconds": seconds}
    one, _ = timed(lambda: sd.sweep(busy, grid, progress=False))
    start = time.time()
    two, data = timed(lambda: sd.sweep(busy, grid, processes=2, progress=False))
    first, last = float(data.began.min()), float(data.ended.max())
    return {
        "cells": cells, "one": one, "two": two, "ratio": one["seconds"] / two["seconds"],
        "seconds until the first cell": first - start,
        "share of both processes' time in cells": float((data.ended - data.began).sum()) / (2 * (last - first)),
    }  # fmt: skip


def batched(settings: int) -> dict[str, Any]:
    """Return the times of an ensemble of all settings and of one simulation for each."""
    grid = {"rho": np.linspace(0.01, 0.9, settings // 20), "lr": np.linspace(0.005, 0.1, 20)}
    captured(0.1, 0.1)  # compiles the step
    batch, together = timed(lambda: sd.sweep(captured, grid, batch=("rho", "lr"), progress=False))
    single, alone = timed(lambda: sd.sweep(captured_by_one, grid, progress=False))
    return {
        "settings": settings, "runs": RUNS, "steps": STEPS, "one batch": batch, "one by one": single,
        "ratio": single["seconds"] / batch["seconds"],
        "largest difference of a share": float(abs(together.value - alone.value).max()),
    }  # fmt: skip


def main(
    quick: Annotated[bool, Option("--quick", help="Small sizes: does everything work?")] = False,
    out: Annotated[Path | None, Option(help=f"File for the numbers. Default: {RESULT}, none with --quick.")] = None,
) -> None:
    """Measure what sweeps cost."""
    sizes = (500, 2000, 4, 0.05, 40) if quick else (20_000, 100_000, 80, 0.5, 2000)
    with tempfile.TemporaryDirectory() as name:
        found: dict[str, Any] = {"machine": machine()}
        for part, work in {
            "overhead": lambda: overhead(sizes[0], Path(name)),
            "many cells": lambda: many(sizes[1], Path(name)),
            "two processes": lambda: two_processes(sizes[2], sizes[3]),
            "batch": lambda: batched(sizes[4]),
        }.items():
            found[part] = work()
            print(part, json.dumps(found[part], indent=1), flush=True)
    if out or not quick:
        (out or RESULT).write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    cli.run(main)
