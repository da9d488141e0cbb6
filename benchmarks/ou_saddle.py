"""Euler and Maruyama's scheme on an Ornstein–Uhlenbeck saddle: the diffusion of SGD on a quadratic of both signs."""

from collections.abc import Iterator
from functools import partial

import numpy as np
import ours
from harness import Case, Check, Contender, Effort, Missing, Run, gather, same_law

import samdyn as sd

LR, VARIANCE = 1e-4, 1.0
LAW, SAMPLE = 500, 20_000  # steps after which moments are compared with the exact ones, and runs for that


def cases(effort: Effort) -> Iterator[Case]:
    """Yield d = 2 and 10."""
    runs = 1000 if effort.quick else 100_000
    for d in (2, 10):
        sde = system(d)
        engines, missing = engines_of(sde)
        checks = checked(engines, sde, SAMPLE // 20 if effort.quick else SAMPLE)
        starts = np.random.default_rng(0).normal(size=(runs, d))
        contenders = [Contender(name, partial(engine, starts), runs) for name, engine in engines.items()]
        setting = {"workload": "ou_saddle", "N": runs, "dtype": "float64", "d": d}
        yield Case(setting, "run-steps", contenders, checks, missing)


def system(d: int) -> sd.Diffusion:
    """Return dw = −Hw dt + √η dW, H diagonal with eigenvalues 1, −1, 1, …"""
    landscape = sd.landscapes.quadratic([(-1.0) ** i for i in range(d)])
    return sd.Diffusion(landscape, sd.GD(), sd.noise.Gaussian(VARIANCE), lr=LR)


def engines_of(sde: sd.Diffusion) -> tuple[dict[str, Run], dict[str, str]]:
    """Return everybody's ensembles by name, and why others are missing."""
    rates, sigma = -np.diag(sde.landscape.hessian_matrix).astype(float), (LR * VARIANCE) ** 0.5
    return gather(
        {
            **{
                f"samdyn {backend}": partial(ours.simulate, sd.EulerMaruyama(sde), "float64", backend)
                for backend in ours.BACKENDS
            },
            "diffrax": lambda: with_diffrax(rates, sigma),
            "torchsde": lambda: with_torchsde(rates, sigma),
            "NumPy": lambda: with_numpy(rates, sigma),
        }
    )


def with_diffrax(rates: np.ndarray, sigma: float) -> Run:
    """Return Euler's scheme in diffrax, one batch, with the Brownian paths that cost it least."""
    try:
        import diffrax
        import jax
        import lineax
    except ImportError as error:
        raise Missing(f"{error.name} is not installed") from error
    jax.config.update("jax_enable_x64", True)
    d = len(rates)

    def drift(_t, w, _arguments):  # type: ignore[no-untyped-def]
        return rates * w

    def spread(_t, _w, _arguments):  # type: ignore[no-untyped-def]
        return lineax.DiagonalLinearOperator(sigma * jax.numpy.ones(d))

    def one(w, key, time):  # type: ignore[no-untyped-def]
        path = diffrax.UnsafeBrownianPath((d,), key)
        terms = diffrax.MultiTerm(diffrax.ODETerm(drift), diffrax.ControlTerm(spread, path))
        solution = diffrax.diffeqsolve(
            terms, diffrax.Euler(), 0.0, time, LR, w, adjoint=diffrax.ForwardMode(), max_steps=None
        )
        return solution.ys[-1]

    batched = jax.jit(jax.vmap(one, in_axes=(0, 0, None)))

    def run(starts: np.ndarray, steps: int) -> np.ndarray:
        keys = jax.random.split(jax.random.key(0), len(starts))
        return np.asarray(batched(starts, keys, steps * LR))

    return run


def with_torchsde(rates: np.ndarray, sigma: float) -> Run:
    """Return Euler's scheme in torchsde, one batch, noise diagonal."""
    try:
        import torchsde
    except ImportError as error:
        raise Missing(f"{error.name} is not installed") from error
    import torch

    class Saddle(torch.nn.Module):
        noise_type, sde_type = "diagonal", "ito"

        def __init__(self) -> None:
            super().__init__()
            self.rates = torch.tensor(rates)

        def f(self, _t: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
            return self.rates * w

        def g(self, _t: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
            return torch.full_like(w, sigma)

    sde = Saddle()

    def run(starts: np.ndarray, steps: int) -> np.ndarray:
        with torch.no_grad():
            times = torch.tensor([0, steps * LR], dtype=torch.float64)
            return torchsde.sdeint(sde, torch.tensor(starts), times, method="euler", dt=LR)[-1].numpy()

    return run


def with_numpy(rates: np.ndarray, sigma: float) -> Run:
    """Return Euler's scheme in NumPy."""
    random = np.random.default_rng(1)

    def run(starts: np.ndarray, steps: int) -> np.ndarray:
        w, a, b = starts.T.copy(), LR * rates[:, None], LR**0.5 * sigma
        for _ in range(steps):
            w = w + a * w + b * random.standard_normal(w.shape)
        return w.T

    return run


def checked(engines: dict[str, Run], sde: sd.Diffusion, sample: int) -> list[Check]:
    """Compare everybody's moments with the exact ones of the diffusion.

    The scheme's own error of the mean, ηt/2 of it, is a sixth of a standard error here; that of the variance is less.
    """
    start = np.ones(sde.landscape.dim)
    mean, covariance = sd.analysis.linear_diffusion(sde).moments(start, [LAW * LR])
    exact = mean[0], np.diag(covariance[0]), np.zeros((2, len(start)))
    return [same_law(name, engine(np.tile(start, (sample, 1)), LAW), *exact) for name, engine in engines.items()]
