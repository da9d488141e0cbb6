"""samdyn, as its users call it."""

import os
import subprocess
import sys
import tempfile

import numpy as np
from harness import Run

import samdyn as sd
from samdyn.simulation.schemes.scheme import Scheme

# The first run of a process is the one that compiles, or loads what was compiled.
FIRST_RUN = """
import time
{setup}
began = time.perf_counter()
sd.simulate(map_, starts, 10, backend="compiled", dtype={dtype!r}, device="cpu", progress=False)
print(time.perf_counter() - began)
"""


def simulate(map_: sd.Map | Scheme, dtype: str, backend: str, device: str = "cpu") -> Run:
    """Return a map's or a scheme's ensemble: a function of starts ``(N, d)`` and steps. Labelled results included."""

    def run(starts: np.ndarray, steps: int) -> np.ndarray:
        runs = sd.simulate(map_, starts, steps, dtype=dtype, device=device, backend=backend, progress=False)
        return runs.w.values[:, -1]

    return run


BACKENDS = ("compiled", "eager")  # to measure; ratios are of the first


def first_runs(setup: str, dtype: str) -> dict[str, float]:
    """Return how long the first run of a process takes, in seconds: with nothing compiled, and with all in the cache.

    Args:
        setup: code that makes ``sd``, ``map_`` and ``starts``.
        dtype: of the runs.
    """
    with tempfile.TemporaryDirectory() as folder:
        empty = {**os.environ, "SAMDYN_CACHE": folder}
        code = FIRST_RUN.format(setup=setup, dtype=dtype)
        return {
            f"first run, {name}, s": float(
                subprocess.run(
                    [sys.executable, "-c", code], env=empty, capture_output=True, text=True, check=True
                ).stdout
            )
            for name in ("nothing compiled", "cached")
        }
