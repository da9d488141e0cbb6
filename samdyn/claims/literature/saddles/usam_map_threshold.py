"""Theorem 1 for the iterates: the radius from which a saddle attracts USAM, also with momentum."""

from collections.abc import Callable, Sequence

import numpy as np
import torch

import samdyn as sd
from samdyn.claims import Claim, Estimate

STEPS = 200  # after as many steps the root γ of heavy ball is forgotten


def growth(eigenvalues: Sequence[float], rho: np.ndarray, lr: np.ndarray, momentum: float) -> np.ndarray:
    """Return the largest growth of log‖(w, v)‖ over some steps, of runs that start along the axes, for each setting.

    The runs are linear: every step scales them back.
    """
    dim, count = len(eigenvalues), len(rho)
    method = sd.USAM(np.tile(rho, dim))
    map_ = sd.Map(sd.landscapes.quadratic(eigenvalues), method, lr=np.tile(lr, dim), momentum=momentum)
    state = map_.start(torch.eye(dim, dtype=torch.float64).repeat_interleave(count, 1))
    total = torch.zeros(dim * count, dtype=torch.float64)
    for step in range(2 * STEPS):
        state = map_.step(state)
        size = torch.cat(state).abs().amax(0)
        state = tuple(part / size for part in state)
        total += size.log() * (step >= STEPS)
    return total.reshape(dim, count).amax(0).numpy()


def crossing(values: Callable[[np.ndarray], np.ndarray], low: float, high: float) -> Estimate:
    """Return the first place where values change their sign, in three scans; inf if they do not."""
    for _ in range(3):
        places = np.geomspace(low, high, 40)
        signs = values(places) > 0
        if (signs == signs[0]).all():
            return Estimate(np.inf)
        first = int(np.argmax(signs != signs[0]))
        low, high = places[first - 1], places[first]
    return Estimate.bracket(low, high)


def threshold(eigenvalues: Sequence[float], lr: float, momentum: float) -> Estimate:
    """Return the radius from which all runs return."""
    return crossing(lambda rho: growth(eigenvalues, rho, 0 * rho + lr, momentum), 0.05, 20.0)


usam_map_threshold = Claim(
    id="usam-map-threshold",
    statement="A saddle attracts the iterates of USAM for ρ > 1/|λ|, λ the negative eigenvalue nearest 0, as long as "
    "ηλ(1 + ρλ) < 2(1 + γ) for every λ. Momentum does not move the threshold.",
    formula=r"\rho^* = 1/|\lambda_-|,\quad 0 < \eta\lambda(1+\rho\lambda) < 2(1+\gamma)",
    source="[K23, Theorem 1]; with momentum derived",
    process="map of USAM, also with heavy ball",
    cases=[
        {"eigenvalues": (-2.0, 1.0), "lr": 0.1, "momentum": 0.0},
        {"eigenvalues": (-2.0, -0.5, 3.0), "lr": 0.1, "momentum": 0.0},
        {"eigenvalues": (-2.0, -0.5, 3.0), "lr": 0.1, "momentum": 0.9},
    ],
    predict=sd.theory.usam_threshold,
    rival=lambda eigenvalues, momentum: (1 - momentum) / min(-lam for lam in eigenvalues if lam < 0),
    mistake="momentum multiplies the perturbation by 1/(1 − γ), and any η is small enough",
    measure=threshold,
    tolerance=1e-4,
    reason="the scan brackets the radius to 1e-4",
)
