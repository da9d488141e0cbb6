"""Statistics without trajectories, of stochastic SAM on Beale: the rate, and the memory of a process that does it."""

import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from harness import Case, Check, Contender, Effort

import samdyn as sd

STEPS, SAVES, BOX = 1000, 10, [(-10, 10)] * 2
WANTED = ("mean", "covariance", "msd", "exit_times", "status")
MEMORY_RUNS, MEMORY_STEPS, MOST = 1_000_000, 10_000, 1024.0  # MiB
PROCESS = """
import pathlib, sys, statistics_only
statistics_only.gather(*map(int, sys.argv[1:]))
print(pathlib.Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
"""


def cases(effort: Effort) -> Iterator[Case]:
    """Yield one case for each number of runs, and with the first the memory."""
    sizes = [1000] if effort.quick else [10**k for k in range(5, len(str(effort.largest)))]
    runs, steps = (1000, 10) if effort.quick else (MEMORY_RUNS, MEMORY_STEPS)
    checks = [Check("samdyn", f"MiB of a process, {runs:,} runs × {steps:,} steps", peak(runs, steps), MOST)]
    for size in sizes:
        contender = Contender("samdyn", partial(gather, size), size, 10 if effort.quick else STEPS)
        setting = {"workload": "statistics_only", "N": size, "dtype": "float64", "d": 2}
        yield Case(setting, "run-steps", [contender], checks, extra={c.what: c.error for c in checks})
        checks = []


def gather(runs: int, steps: int) -> None:
    """Run an ensemble, and keep statistics at ten of its steps."""
    noise = sd.noise.Gaussian(1e-2)
    map_ = sd.Map(sd.landscapes.beale(), sd.SAM(0.1), lr=1e-4, momentum=0.9, noise=noise)
    starts = np.random.default_rng(0).uniform([0, -1], [4, 1.2], (runs, 2))
    wanted = [*WANTED, sd.Histogram({"x": np.linspace(0, 4, 41)})]
    every = max(1, steps // SAVES)
    how = {"save_every": every, "box": BOX, "backend": "compiled", "device": "cpu", "progress": False}
    sd.simulate(map_, starts, steps, statistics=wanted, **how)


def peak(runs: int, steps: int) -> float:
    """Return the largest memory that a process which does this has had, in MiB."""
    command = [sys.executable, "-c", PROCESS, str(runs), str(steps)]
    done = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True)
    return float(done.stdout) / 1024
