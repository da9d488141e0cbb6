"""The learning rate from which the mean square of mini-batch USAM's runs grows."""

from itertools import combinations

import numpy as np
from scipy.optimize import brentq

import samdyn as sd
from samdyn.claims import Claim, grid


def largest_lr(curvatures: tuple[float, ...], batch_size: int, rho: float) -> float:
    """Return the learning rate at which the mean square of the runs stops shrinking, by its exact recursion."""
    losses = sd.SampleLandscape("a*w**2/2", "w", {"a": curvatures})
    noise = sd.noise.FiniteSum(batch_size, replacement=False)

    def growth(lr: float) -> float:
        return sd.analysis.linear_step(sd.Map(losses, sd.USAM(rho), lr=lr, noise=noise)).growth - 1

    return float(brentq(growth, 0.1, 2.0, rtol=1e-6))


def predict(curvatures: tuple[float, ...], batch_size: int, rho: float) -> float:
    """Return the learning rate at which E(1 − ηa(1+ρa))² = 1, a the mean curvature of a batch."""
    a = np.array([sum(batch) / batch_size for batch in combinations(curvatures, batch_size)])
    factors = a * (1 + rho * a)
    return float(2 * factors.mean() / (factors**2).mean())


usam_mean_square = Claim(
    id="usam-mean-square",
    statement="The mean square of mini-batch USAM's runs grows if and only if E(1 − ηa(1+ρa))² > 1, a the curvature of "
    "a batch. With ρ = 0 it is the exact condition of SGD, of which Dexter et al. give a sufficient one.",
    formula=r"\eta^* = 2 E[a(1+\rho a)] / E[a^2(1+\rho a)^2]",
    source="derived; on [DX24] and [CK25]",
    process="map of USAM, shared batch of 2 of 3 samples, without replacement",
    cases=grid(curvatures=((0.4, 0.9, 2.6),), batch_size=2, rho=(0.0, 0.3)),
    predict=predict,
    rival=lambda curvatures, rho: 2 / (np.mean(curvatures) * (1 + rho * np.mean(curvatures))),
    mistake="the limit of the full batch",
    measure=largest_lr,
    tolerance=1e-5,
    reason="the recursion of the second moment is exact, and the bisection ends at a relative 1e-6",
)
