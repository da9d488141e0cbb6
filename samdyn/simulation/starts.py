"""The checks of starts, devices, dtypes and memory that every simulation makes before it begins."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from .. import checks
from ..landscapes import Landscape

MAX_NAMES = 20  # number of coordinates above which a message does not list their names
DTYPES = {"float64": torch.float64, "float32": torch.float32}


def choose_device(device: str) -> torch.device:
    """Return the device of this name; "auto" is CUDA where there is one.

    Raises:
        InputError: the device is unknown, or the machine has no such CUDA device.
    """
    if isinstance(device, str) and device == "auto":  # an array compares entry by entry
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        result = torch.device(device)
    except (RuntimeError, TypeError):
        result = None
    if result is None or result.type not in ("cpu", "cuda"):
        checks.reject("device", device, "no such device", 'Use "auto", "cpu", "cuda" or "cuda:N"')
    if result.type == "cuda" and (result.index or 0) >= torch.cuda.device_count():
        rule = f"this machine offers {torch.cuda.device_count()} CUDA device(s) to torch {torch.__version__}"
        checks.reject("device", device, rule, 'Use device="cpu" or "auto"')
    return result


def choose_dtype(dtype: str | torch.dtype) -> torch.dtype:
    """Return torch.float64 or torch.float32, from the dtype or its name.

    Raises:
        InputError: the dtype is another one.
    """
    name = str(dtype).removeprefix("torch.")
    if name not in DTYPES:
        checks.reject("dtype", dtype, "runs are computed in float64 or float32", 'Use dtype="float64"')
    return DTYPES[name]


def start_points(
    w0: Any, landscape: Landscape, dtype: torch.dtype, device: torch.device, name: str = "w0"
) -> torch.Tensor:
    """Return the starts ``(run, coord)``, or one point ``(coord,)``, as a tensor ``(d, N)``.

    Messages call them ``name``.

    Raises:
        InputError: there are no starts, they have another dimension, or values are not finite real numbers in the range
            of dtype.
    """
    d = landscape.dim
    fix = f"Give an array of shape (runs, {d}), one row per start"
    if d <= MAX_NAMES:  # networks have more
        fix += f", with the columns {', '.join(map(str, landscape.symbols))}"
    try:
        array = w0.detach().cpu().numpy() if torch.is_tensor(w0) else np.asarray(w0)
    except (TypeError, ValueError, OverflowError):
        checks.reject(name, w0, "cannot be read as an array of numbers", fix)
    if array.dtype.kind not in "fiu":
        checks.reject(name, w0, f"has dtype {array.dtype}; starts are real numbers", fix)
    if array.ndim not in (1, 2) or array.shape[-1] != d:
        checks.reject(
            name, array.shape, f"is the shape of the starts; points of {landscape.name} have {d} coordinates", fix
        )
    points = np.atleast_2d(array).astype(np.float64, copy=False)
    if not len(points):
        checks.reject(name, array.shape, "is the shape of the starts; there is none", fix)
    limit = torch.finfo(dtype).max
    if not (points.min() >= -limit and points.max() <= limit):  # without arrays of N numbers, unlike the next line
        bad = np.flatnonzero(~(np.abs(points) <= limit).all(axis=1))
        rule = f"start {bad[0]} is not finite in {str(dtype).removeprefix('torch.')}"
        checks.reject(name, points[bad[0]].tolist(), f"{rule} ({bad.size} of {len(points)} are not)", "Remove them")
    kind = np.float32 if dtype == torch.float32 else np.float64
    return torch.from_numpy(np.array(points.T, dtype=kind, order="C")).to(device)


def noise_indices(runs: Any, number: int | None, things: str = "runs") -> torch.Tensor:
    """Return the indices by which runs draw their noise, ``(N,)`` int64.

    Args:
        runs: the argument of the user.
        number: N; None for any.
        things: the word of messages for the runs.

    Raises:
        InputError: the number of indices is not N, or an index is not an integer in [0, 2³²).
    """
    many = "integers" if number is None else f"{number} integers"
    rule, fix = f"must be {many} in [0, 2**32), one for each of the {things}", "Use e.g. runs=range(number of runs)"
    try:
        indices = np.asarray(runs.cpu() if torch.is_tensor(runs) else runs)
    except ValueError:  # rows of unequal lengths
        checks.reject("runs", runs, rule, fix)
    fits = indices.ndim == 1 and indices.size and number in (None, len(indices)) and indices.dtype.kind in "iu"
    if not fits or indices.min() < 0 or indices.max() >= 2**32:
        checks.reject("runs", indices.tolist(), rule, fix)
    return torch.from_numpy(indices.astype(np.int64))


def check_memory(name: str, value: object, saves: int, d: int, runs: int) -> None:
    """Refuse a simulation whose saved states do not fit in memory.

    Args:
        name, value: the argument of the user that sets the number of saves.
        saves: number of saved states of every run.
        d: number of coordinates of a state.
        runs: number of runs.

    Raises:
        InputError: the states need more memory than is free.
    """
    # A save holds the states and losses, at most 8 bytes each, the number of the step and its time.
    size = 8 * saves * ((d + 1) * runs + 2)
    try:
        text = Path("/proc/meminfo").read_text()
    except OSError:  # the system has no such file
        return
    free = 1024 * int(text.partition("MemAvailable:")[2].split()[0])
    if size > free:
        rule = f"{saves} states of {runs} runs need {size / 2**30:.1f} GiB, {free / 2**30:.1f} are free"
        checks.reject(name, value, rule, "Save less often, or run fewer starts at once")


def save_points(total: int, every: int | None) -> np.ndarray:
    """Return the steps to save of 0 … total: every k-th and the last for ``every`` = k, the last alone for None."""
    return np.array([total]) if every is None else np.append(np.arange(0, total, every), total)
