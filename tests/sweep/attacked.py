"""Sweeps that are killed at random moments: ``python attacked.py FOLDER KILLS SEED``.

Every sweep runs in a process of its own, a copy of this one, until it finishes in spite of the kills. Its store is then
compared with that of a sweep nobody killed, byte by byte. Prints how many kills met a running sweep, and how many
stores were finished.
"""

import json
import os
import random
import shutil
import signal
import sys
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import zarr  # so that no copy imports it

import samdyn as sd
from samdyn.sweep.store import store

GRID = {"rho": np.linspace(0.1, 1, 8), "name": ["a", "b", "c"], "lr": 0.1}


def measure(rho: Any, name: str, lr: float, scale: np.ndarray) -> dict[str, Any]:
    """Return variables of each kind, of one cell or of a batch, and fail sometimes."""
    time.sleep(0.003)
    if name == "b" and np.any(rho == 1.0):
        raise ArithmeticError(name)
    rho, dims = np.asarray(rho), ("cell",) * np.ndim(rho)
    time_ = np.stack([0 * rho, 10 * lr + 0 * rho, 20 * rho], axis=-1)
    coords = {"step": [0, 10, 20], "time": ((*dims, "step"), time_)}
    line = xr.DataArray(rho[..., None] * scale, coords, (*dims, "step"))
    return {"loss": rho * lr, "line": line, "text": np.vectorize(lambda r: name * int(10 * r))(rho)}


def sweep(path: Path, batch: tuple[str, ...], often: bool) -> None:
    """Sweep into a store, which moves cells to its arrays after each call if ``often``."""
    if often:
        store.PAUSE, store.SHARE = 0.0, 0
    warnings.simplefilter("ignore")
    sd.sweep(partial(measure, scale=np.array([1.0, 0.5, 1 / 3])), GRID, path, batch=batch)


def in_a_copy(work: Callable[[], None]) -> int:
    """Run a function in a copy of this process; return the copy's id."""
    copy = os.fork()
    if copy == 0:
        try:
            work()
            os._exit(0)
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
            os._exit(1)
    return copy


def contents(path: Path) -> dict[str, Any]:
    """Return every file of a store: its bytes, or its content without the date if it is JSON."""
    found: dict[str, Any] = {}
    for file in path.rglob("*"):
        if file.name == "zarr.json":
            found[str(file.relative_to(path))] = json.loads(file.read_text())
            found[str(file.relative_to(path))].get("attributes", {}).pop("provenance", None)
        elif file.is_file():
            found[str(file.relative_to(path))] = file.read_bytes()
    return found


def difference(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """Return the names of files that are not the same."""
    return sorted(name for name in {**one, **other} if one.get(name) != other.get(name))


def attack(folder: Path, batch: tuple[str, ...], kills: int, chance: random.Random) -> int:
    """Kill sweeps; return how many finished all the same."""
    began = time.monotonic()
    assert os.waitpid(in_a_copy(partial(sweep, folder / "whole.zarr", batch, False)), 0)[1] == 0
    seconds = time.monotonic() - began
    whole = contents(folder / "whole.zarr")
    assert len(whole) > 15
    attacked, met, finished = folder / "attacked.zarr", 0, 0
    while met < kills or attacked.exists() or not finished:
        copy = in_a_copy(partial(sweep, attacked, batch, chance.random() < 0.5))
        if met < kills:
            time.sleep(chance.uniform(0, 0.7 * seconds))
            os.kill(copy, signal.SIGKILL)  # without effect on one that has ended
        status = os.waitpid(copy, 0)[1]
        if os.WIFSIGNALED(status):
            met += 1
            check_partial(attacked)
            continue
        assert status == 0
        assert difference(contents(attacked), whole) == []
        finished += 1
        shutil.rmtree(attacked)
    left = [entry.name for entry in folder.iterdir() if entry.name != "whole.zarr"]
    assert not left, left
    return finished


def check_partial(path: Path) -> None:
    """Check that a store can be read, and that its finished cells are whole."""
    if not (path / "zarr.json").exists():
        return
    partly = xr.open_zarr(path)
    done = (partly.cell_status == "done").values
    if done.any():
        assert not np.isnan(partly.loss.values[done]).any()
        assert not np.isnan(partly.line.values[done]).any()
        assert (partly.text.values[done] != "").all()
        assert not np.isnan(partly.time.values[done]).any()


def main(folder: Path, kills: int, seed: int) -> None:
    """Kill sweeps without a batch, and with one."""
    chance = random.Random(seed)
    finished = 0
    for name, batch in (("single", ()), ("batch", ("rho",))):
        (folder / name).mkdir()
        finished += attack(folder / name, batch, kills // 2, chance)
    print(f"{2 * (kills // 2)} kills, {finished} stores finished")


if __name__ == "__main__":
    assert zarr
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
