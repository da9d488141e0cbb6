"""Whether a saddle attracts USAM with several ascent steps depends on whether their number is even."""

from collections.abc import Sequence

import numpy as np
import torch

import samdyn as sd
from samdyn.claims import Claim, Estimate, grid


def weakest_pull(eigenvalues: Sequence[float], rho: np.ndarray, ascent_steps: int, average: bool) -> np.ndarray:
    """Return the weakest pull of the flow towards the saddle from points on the axes, for each radius."""
    dim, count = len(eigenvalues), len(rho)
    method = sd.USAM(np.tile(rho, dim), ascent_steps=ascent_steps, average=average)
    w = torch.eye(dim, dtype=torch.float64).repeat_interleave(count, 1)
    velocity = sd.Flow(sd.landscapes.quadratic(eigenvalues), method)(w)
    return np.asarray((-velocity * w).sum(0).reshape(dim, count).amin(0))


def window(eigenvalues: Sequence[float], ascent_steps: int, average: bool) -> Estimate:
    """Return the radii at which the saddle begins to attract and at which it ceases to; inf for never."""
    radii = np.linspace(0.1, 40, 100_000)
    attracts = weakest_pull(eigenvalues, radii, ascent_steps, average) > 0
    changes = np.flatnonzero(np.diff(attracts))
    ends = [*(radii[changes] + radii[changes + 1]) / 2, np.inf, np.inf][:2]
    return Estimate(ends, half_width=np.where(np.isfinite(ends), radii[1] - radii[0], 0.0))


last_gradient = Claim(
    id="several-steps-parity",
    statement="A saddle attracts USAM with n ascent steps of ρ/n above ρ = n/|λ|, λ the negative eigenvalue nearest 0, "
    "if n is odd, and never if n is even.",
    formula=r"\rho^* = n/|\lambda_-|\ \ (n\ odd),\quad \lambda_e = \lambda(1 + \rho\lambda/n)^n",
    source="derived; n = 1 is [K23, Theorem 1]",
    process="flow of USAM with n ascent steps",
    cases=grid(eigenvalues=((-1.5, 1.0), (-0.7, -2.0)), ascent_steps=(1, 2, 3, 4), average=False),
    predict=lambda eigenvalues, ascent_steps: (
        sd.theory.usam_threshold(eigenvalues=eigenvalues, ascent_steps=ascent_steps),
        np.inf,
    ),
    rival=lambda eigenvalues: (sd.theory.usam_threshold(eigenvalues=eigenvalues), np.inf),
    mistake="the threshold of one ascent step",
    measure=window,
    tolerance=1e-4,
    reason="the bracket of the scan",
)
