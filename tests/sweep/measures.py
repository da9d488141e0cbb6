"""Functions of sweeps that the tests hand to other processes."""

import multiprocessing
import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np


def product(rho: float, lr: float) -> float:
    return rho * lr


def fails_at_two(lr: float) -> dict[str, Any]:
    if np.any(np.asarray(lr) == 2):
        raise ArithmeticError("lr is two")
    return {"double": 2 * np.asarray(lr), "text": np.full(np.shape(lr), "a")}


def fails_at_two_and_dies_at_three(lr: float) -> dict[str, Any]:
    if lr == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return fails_at_two(lr)


def counts_calls(lr: float, folder: str) -> float:
    """Write down the call; be interrupted, or take long, at the cell that the file "stop" names."""
    stop = Path(folder) / "stop"
    if stop.exists() and lr == int(stop.read_text()):
        if multiprocessing.parent_process() is None:
            raise KeyboardInterrupt
        time.sleep(600)
    with (Path(folder) / f"{lr}").open("a") as file:
        file.write("x")
    return lr


def fails_while_broken(lr: Any, folder: str) -> Any:
    for one in np.atleast_1d(lr):
        if one in (2, 3) and (Path(folder) / "broken").exists():
            raise ArithmeticError("broken")
    with (Path(folder) / "calls").open("a") as file:
        file.writelines(f"{one}\n" for one in np.atleast_1d(lr))
    return lr


def kills_its_worker_once(lr: float, folder: str) -> float:
    killed = Path(folder) / "killed"
    if lr == 5 and not killed.exists():
        killed.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.01)
    return lr


def compiles(rho: float) -> dict[str, Any]:
    import torch

    import samdyn as sd

    map_ = sd.Map(sd.landscapes.beale(), sd.SAM(rho), lr=1e-3)
    runs = sd.simulate(map_, np.full((10, 2), 0.5), steps=20, backend="compiled")
    threads = {"torch": torch.get_num_threads(), "blas": os.environ.get("OPENBLAS_NUM_THREADS", "")}
    return {"end": runs.w.values[:, -1], "backend": runs.attrs["backend"], **threads}
