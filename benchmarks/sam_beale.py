"""Stochastic SAM with momentum on Beale."""

from collections.abc import Callable, Iterator
from functools import cache, partial

import numpy as np
import ours
import rivals
import torch
from c_rival import c_rival
from harness import Case, Check, Contender, Effort, Run, gather, moments, same_law, same_paths

import samdyn as sd

RHO, LR, MOMENTUM, VARIANCE, SEED = 0.1, 1e-4, 0.9, 1e-2, 0
SETUP = f"""
import numpy as np, samdyn as sd
noise = sd.noise.Gaussian({VARIANCE})
map_ = sd.Map(sd.landscapes.beale(), sd.SAM({RHO}), lr={LR}, momentum={MOMENTUM}, noise=noise)
starts = np.random.default_rng(0).uniform([0, -1], [4, 1.2], (1000, 2))
"""
PATHS = 20  # steps after which trajectories are compared
LAW, ONE_START = 100, (1.0, 2.0)  # steps after which moments are, and from where
SAMPLE, SLOW_SAMPLE = 20_000, 50  # runs for that, of ensembles and of the loop

MANY = 1000
LOOP, C = "autograd loop", "generated C"


def cases(effort: Effort) -> Iterator[Case]:
    """Yield N = 10³, 10⁵ and 10⁶ in both precisions."""
    for dtype in ("float64", "float32"):
        checks = None
        for runs in (1000,) if effort.quick else (1000, 100_000, 1_000_000):
            engines, missing = engines_of(dtype)
            if checks is None:  # they are about dtypes alone
                checks = checked(engines, dtype, SAMPLE // 20 if effort.quick else SAMPLE, SLOW_SAMPLE)
                extra = {} if effort.quick else ours.first_runs(SETUP, dtype)
            setting = {"workload": "sam_beale", "N": runs, "dtype": dtype, "d": 2}
            yield Case(setting, "run-steps", contenders(engines, runs), checks, missing, extra)
            checks, extra = [], {}


def system() -> sd.Map:
    """Return the map."""
    noise = sd.noise.Gaussian(VARIANCE)
    return sd.Map(sd.landscapes.beale(), sd.SAM(RHO), lr=LR, momentum=MOMENTUM, noise=noise)


@cache
def engines_of(dtype: str) -> tuple[dict[str, Run], dict[str, str]]:
    """Return everybody's ensembles by name, and why others are missing."""
    map_ = system()
    settings = rivals.Settings(RHO, LR, MOMENTUM, VARIANCE**0.5)
    makers: dict[str, Callable[[], Run]] = {
        f"samdyn {backend}": partial(ours.simulate, map_, dtype, backend) for backend in ours.BACKENDS
    }
    makers[C] = partial(c_rival, map_, dtype, SEED)
    makers["torch eager"] = lambda: rivals.torch_batch(rivals.gradient(map_.landscape, "torch"), settings, dtype)
    makers["NumPy"] = lambda: rivals.numpy_batch(rivals.gradient(map_.landscape, "numpy"), settings, dtype)
    makers[LOOP] = lambda: rivals.autograd_loop(loss, settings, dtype)
    return gather(makers)


def loss(w: torch.Tensor) -> torch.Tensor:
    """Return Beale's function, as a script has it."""
    x, y = w
    return (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2


def contenders(engines: dict[str, Run], runs: int) -> list[Contender]:
    """Return everybody with so many runs, the loop with one."""
    starts = np.random.default_rng(0).uniform([0, -1], [4, 1.2], (runs, 2))
    # What a call takes beside its steps is some 0.2 µs a run: the fast ones take many steps.
    many = MANY if runs >= 100_000 else None
    return [
        Contender(name, partial(engine, starts[:1] if name == LOOP else starts), 1 if name == LOOP else runs, amount)
        for name, engine in engines.items()
        for amount in [many if name in (f"samdyn {ours.BACKENDS[0]}", C) else None]
    ]


def checked(engines: dict[str, Run], dtype: str, sample: int, slow_sample: int) -> list[Check]:
    """Compare everybody with samdyn's eager runs: to rounding those of the same noise, the others by their moments."""
    starts = np.random.default_rng(2).uniform([0, -1], [4, 1.2], (1000, 2))
    eager = ours.simulate(system(), dtype, "eager")
    reference = eager(starts, PATHS)
    (mean, variance), se = moments(eager(np.tile(ONE_START, (sample, 1)), LAW))
    checks = []
    for name, engine in engines.items():
        if name == C or name.startswith("samdyn"):
            checks.append(same_paths(name, engine(starts, PATHS), reference, PATHS))
        else:
            few = slow_sample if name == LOOP else sample
            checks.append(same_law(name, engine(np.tile(ONE_START, (few, 1)), LAW), mean, variance, se))
    return checks
