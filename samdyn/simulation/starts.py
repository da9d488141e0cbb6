"""Where runs start and on which device: the checks every simulation makes before it begins."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from .. import checks
from ..landscapes import Landscape

NAMED = 20  # coordinates that a message names
DTYPES = {"float64": torch.float64, "float32": torch.float32}


def choose_device(device: str) -> torch.device:
    """Return the device of this name; "auto" is CUDA where there is one.

    Raises:
        InputError: an unknown device, or CUDA where there is none.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(device)
    except (RuntimeError, TypeError):
        chosen = None
    if chosen is None or chosen.type not in ("cpu", "cuda"):
        checks.reject("device", device, "no such device", 'Use "auto", "cpu", "cuda" or "cuda:N"')
    if chosen.type == "cuda" and (chosen.index or 0) >= torch.cuda.device_count():
        rule = f"this machine offers {torch.cuda.device_count()} CUDA device(s) to torch {torch.__version__}"
        checks.reject("device", device, rule, 'Use device="cpu" or "auto"')
    return chosen


def choose_dtype(dtype: str | torch.dtype) -> torch.dtype:
    """Return torch.float64 or torch.float32, given as such or by name.

    Raises:
        InputError: another dtype.
    """
    name = str(dtype).removeprefix("torch.")
    if name not in DTYPES:
        checks.reject("dtype", dtype, "runs are computed in float64 or float32", 'Use dtype="float64"')
    return DTYPES[name]


def start_points(
    w0: Any, landscape: Landscape, dtype: torch.dtype, device: torch.device, name: str = "w0"
) -> torch.Tensor:
    """Return the starts, handed in as ``(run, coord)`` or one point ``(coord,)``, as a tensor ``(d, N)``.

    ``name`` is what messages call them.

    Raises:
        InputError: no starts, points of another dimension, values that are not finite real numbers in dtype's range.
    """
    d = landscape.dim
    fix = f"Give an array of shape (runs, {d}), one row per start"
    if d <= NAMED:  # networks have too many to name
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
    points = np.atleast_2d(array).astype(np.float64)
    if not len(points):
        checks.reject(name, array.shape, "is the shape of the starts; there is none", fix)
    limit = torch.finfo(dtype).max
    bad = np.flatnonzero(~(np.abs(points) <= limit).all(axis=1))
    if bad.size:
        rule = f"start {bad[0]} is not finite in {str(dtype).removeprefix('torch.')}"
        checks.reject(name, points[bad[0]].tolist(), f"{rule} ({bad.size} of {len(points)} are not)", "Remove them")
    return torch.tensor(points.T.copy(), dtype=dtype, device=device)


def noise_indices(runs: Any, number: int | None, things: str = "runs") -> torch.Tensor:
    """Return the indices by which runs draw their noise, ``(N,)`` int64.

    Args:
        runs: as the user gave them.
        number: N, None for any.
        things: what a message calls the runs.

    Raises:
        InputError: another number of them, or what is no integer in [0, 2³²).
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
    """Refuse to hold more than memory has room for.

    Args:
        name, value: what the user chose that decides how much is held.
        saves: how many states of every run.
        d, runs: how many coordinates a state has, and how many runs there are.

    Raises:
        InputError: there is less memory than that.
    """
    # Per save: the states and losses, at most 8 bytes each, the number of the step and its time.
    needed = 8 * saves * ((d + 1) * runs + 2)
    try:
        told = Path("/proc/meminfo").read_text()
    except OSError:  # a system that does not tell
        return
    free = 1024 * int(told.partition("MemAvailable:")[2].split()[0])
    if needed > free:
        rule = f"{saves} states of {runs} runs need {needed / 2**30:.1f} GiB, {free / 2**30:.1f} are free"
        checks.reject(name, value, rule, "Save less often, or run fewer starts at once")


def save_points(total: int, every: int | None) -> np.ndarray:
    """Return the steps to save out of 0 … total: every k-th and always the last; without k the last alone."""
    return np.array([total]) if every is None else np.append(np.arange(0, total, every), total)
