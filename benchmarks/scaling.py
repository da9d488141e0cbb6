"""How the cost of a run-step depends on the number of runs, of steps, and of coordinates.

Runs and steps: stochastic SAM on Beale. Coordinates: the same on a quadratic of spectrum −1 … 1, rotated at random.
"""

from collections.abc import Iterator
from functools import partial

import numpy as np
import ours
import rivals
import sam_beale
import torch
from harness import Case, Check, Contender, Effort, Run, moments, same_law
from scipy.stats import ortho_group

import samdyn as sd

EAGER_MOST = 1_000_000  # runs: beyond, the rivals that keep arrays of every operation take minutes
LAW, SAMPLE = 20, 2000  # steps after which moments are compared, and runs for that
COMPILED = 32  # coordinates: matrices larger than that are left to torch
SPREAD = 1e-2  # variance of the noise


def cases(effort: Effort) -> Iterator[Case]:
    """Yield the three series."""
    tens = [10**k for k in range(3, len(str(effort.largest)))]
    yield from over_runs([100, 1000] if effort.quick else tens)
    yield from over_steps(100 if effort.quick else 100_000, [10, 100] if effort.quick else [10, 100, 1000, 10_000])
    yield from over_dimensions(100 if effort.quick else 10_000, [2, 8] if effort.quick else [2, 4, 8, 16, 32, 128, 512])


def over_runs(sizes: list[int]) -> Iterator[Case]:
    """Yield one case for each number of runs."""
    engines, missing = sam_beale.engines_of("float64")
    for runs in sizes:
        taken = {name: e for name, e in engines.items() if runs <= EAGER_MOST or keeps_little(name)}
        taken.pop(sam_beale.LOOP, None)
        yield Case(setting("N", runs, 2), "run-steps", sam_beale.contenders(taken, runs), missing=missing)


def over_steps(runs: int, counts: list[int]) -> Iterator[Case]:
    """Yield one case for each number of steps."""
    engines, missing = sam_beale.engines_of("float64")
    fast = {name: e for name, e in engines.items() if keeps_little(name)}
    for steps in counts:
        contenders = [Contender(c.name, c.work, c.units, steps) for c in sam_beale.contenders(fast, runs)]
        yield Case({**setting("steps", runs, 2), "steps": steps}, "run-steps", contenders, missing=missing)


def over_dimensions(runs: int, dimensions: list[int]) -> Iterator[Case]:
    """Yield one case for each number of coordinates."""
    for d in dimensions:
        engines = engines_of(d)
        starts = np.random.default_rng(0).normal(size=(runs, d))
        contenders = [Contender(name, partial(engine, starts), runs) for name, engine in engines.items()]
        yield Case(setting("d", runs, d), "run-steps", contenders, checked(engines, d))


def setting(series: str, runs: int, d: int) -> dict[str, object]:
    """Return what a case is labelled with."""
    return {"workload": "scaling", "series": series, "N": runs, "dtype": "float64", "d": d}


def keeps_little(name: str) -> bool:
    """Whether a contender is one of the fast ones, whose memory does not grow with the operations of a step."""
    return name in (f"samdyn {ours.BACKENDS[0]}", sam_beale.C)


def engines_of(d: int) -> dict[str, Run]:
    """Return everybody's ensembles of SAM on the quadratic."""
    rotation = ortho_group.rvs(d, random_state=0)
    landscape = sd.landscapes.quadratic(np.linspace(-1, 1, d), rotation)
    noise = sd.noise.Gaussian(SPREAD)
    map_ = sd.Map(landscape, sd.SAM(sam_beale.RHO), lr=sam_beale.LR, momentum=sam_beale.MOMENTUM, noise=noise)
    settings = rivals.Settings(sam_beale.RHO, sam_beale.LR, sam_beale.MOMENTUM, SPREAD**0.5)
    h, h_torch = landscape.matrix, torch.tensor(landscape.matrix)
    return {
        **{f"samdyn {b}": ours.simulate(map_, "float64", b) for b in ours.BACKENDS if b == "eager" or d <= COMPILED},
        "torch eager": rivals.torch_batch(lambda w: h_torch @ w, settings, "float64"),
        "NumPy": rivals.numpy_batch(lambda w: h @ w, settings, "float64"),
    }


def checked(engines: dict[str, Run], d: int) -> list[Check]:
    """Compare everybody's moments with those of samdyn's eager runs, from one start."""
    starts = np.full((SAMPLE, d), d**-0.5)
    (mean, variance), se = moments(engines["samdyn eager"](starts, LAW))
    return [same_law(name, engine(starts, LAW), mean, variance, se) for name, engine in engines.items()]
