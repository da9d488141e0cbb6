"""Mean squared displacements of USAM from a saddle point, over a grid of radii, momenta and batch sizes."""

import itertools
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import ours
import rivals
import torch
from harness import Case, Check, Contender, Effort, Run

import samdyn as sd

Grid = list[tuple[float, float, int]]
Engine = Callable[[float, float, int], Run]  # of a radius, a momentum and a batch size

RADII, MOMENTA, BATCHES = (0.05, 0.1, 0.2, 0.4), (0.0, 0.5, 0.9), (4, 16, 64)
GRID: Grid = list(itertools.product(RADII, MOMENTA, BATCHES))
EIGENVALUES, LR, STEPS = (1.0, -1.0), 0.01, 200


def cases(effort: Effort) -> Iterator[Case]:
    """Yield the whole grid as one case."""
    runs, grid = (200, GRID[::7]) if effort.quick else (10_000, GRID)
    engines: dict[str, Engine] = {f"samdyn {backend}": partial(with_samdyn, backend) for backend in ours.BACKENDS}
    engines |= {"torch eager": with_torch, "NumPy": with_numpy}
    checks = [checked(name, grid, displacements(engine, grid, runs)) for name, engine in engines.items()]
    contenders = [
        Contender(name, lambda _, engine=engine: displacements(engine, grid, runs), runs * STEPS * len(grid), amount=1)
        for name, engine in engines.items()
    ]
    setting = {"workload": "msd_grid", "N": runs, "dtype": "float64", "d": 2, "settings": len(grid), "steps": STEPS}
    yield Case(setting, "run-steps", contenders, checks)


def system(rho: float, momentum: float, batch_size: int) -> sd.Map:
    """Return the map of one setting."""
    landscape = sd.landscapes.quadratic(EIGENVALUES)
    noise = sd.noise.Fisher((0.0, 0.0), batch_size)
    return sd.Map(landscape, sd.USAM(rho), lr=LR, momentum=momentum, noise=noise)


def with_samdyn(backend: str, rho: float, momentum: float, batch_size: int) -> Run:
    """Return samdyn's ensemble of one setting."""
    base = system(RADII[0], MOMENTA[0], BATCHES[0])
    values = {"rho": rho, "momentum": momentum, "batch_size": batch_size}
    return ours.simulate(sd.analysis.with_parameters(base, values), "float64", backend)


def with_torch(rho: float, momentum: float, batch_size: int) -> Run:
    """Return an ensemble in torch of one setting."""
    h = torch.tensor(EIGENVALUES, dtype=torch.float64)[:, None]
    return rivals.torch_batch(lambda w: h * w, settings_of(rho, momentum, batch_size), "float64")


def with_numpy(rho: float, momentum: float, batch_size: int) -> Run:
    """Return an ensemble in NumPy of one setting."""
    h = np.array(EIGENVALUES)[:, None]
    return rivals.numpy_batch(lambda w: h * w, settings_of(rho, momentum, batch_size), "float64")


def settings_of(rho: float, momentum: float, batch_size: int) -> rivals.Settings:
    """Return one setting as the rivals know it; the noise is of covariance |H|/B."""
    sigma = np.sqrt(np.abs(EIGENVALUES) / batch_size)
    return rivals.Settings(rho, LR, momentum, sigma, normalised=False)


def displacements(engine: Engine, grid: Grid, runs: int) -> tuple[np.ndarray, np.ndarray]:
    """Return E‖w‖² after the steps, from rest at the saddle point, and its standard error: one per setting."""
    starts = np.zeros((runs, 2))
    squares = [(engine(*setting)(starts, STEPS) ** 2).sum(1) for setting in grid]
    return np.array([s.mean() for s in squares]), np.array([s.std() for s in squares]) / runs**0.5


def checked(name: str, grid: Grid, found: tuple[np.ndarray, np.ndarray]) -> Check:
    """Compare displacements with the exact ones of the linear step."""
    exact = []
    for setting in grid:
        mean, covariance = sd.analysis.linear_step(system(*setting)).moments((0.0, 0.0), STEPS)
        exact.append(mean[-1] @ mean[-1] + np.trace(covariance[-1]))
    error = np.abs(found[0] - exact) / found[1]
    return Check(name, "largest error over the grid, in standard errors", float(error.max()), 5.0)
