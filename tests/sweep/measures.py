"""Functions of sweeps that the tests hand to other processes."""

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np


def product(rho: float, lr: float) -> float:
    return rho * lr


def fails_at_two(lr: float) -> dict[str, Any]:
    if np.any(np.asarray(lr) == 2):
        raise ArithmeticError("lr is two")
    return {"double": 2 * np.asarray(lr), "text": np.full(np.shape(lr), "a")}


def dies_at_three(lr: float) -> float:
    if lr == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return lr


def counts_calls(lr: float, folder: str) -> float:
    with (Path(folder) / f"{lr:g}").open("a") as file:
        file.write("x")
    return lr
