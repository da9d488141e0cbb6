"""How the spread of mini-batch USAM depends on the batch size."""

import numpy as np

import samdyn as sd
from samdyn.claims import Claim, Estimate

LABELS = (1.6, -0.4, -1.5, 0.7, -0.4)  # gradients of the samples at 0, of mean 0
STEPS = 12


def measure(
    lam: float, rho: float, lr: float, batch_size: int, replacement: bool, budget: float, seed: int
) -> Estimate:
    """Return the mean square of runs that start at the critical point."""
    losses = sd.SampleLandscape(f"{lam}*w**2/2 + y*w", "w", {"y": LABELS})
    noise = sd.noise.FiniteSum(batch_size, replacement=replacement)
    map_ = sd.Map(losses, sd.USAM(rho), lr=lr, noise=noise)
    starts = np.zeros((int(budget * 800_000), 1))
    return Estimate.mean_square(sd.simulate(map_, starts, STEPS, seed=seed, progress=False).w.values[:, -1, 0])


def predict(lam: float, rho: float, lr: float, batch_size: int, replacement: bool) -> float:
    """Return the variance after all steps."""
    share = 1 / batch_size if replacement else (5 - batch_size) / (batch_size * (5 - 1))
    noise = (1 + rho * lam) ** 2 * np.var(LABELS) * share
    return float(lr**2 * noise * sum((1 - lr * lam * (1 + rho * lam)) ** (2 * k) for k in range(STEPS)))


batch_size_law = Claim(
    id="batch-size-law",
    statement="The spread of mini-batch USAM with a shared batch of B of n samples is proportional to 1/B if they are "
    "drawn with replacement, and to (n−B)/(B(n−1)) without. V is the variance of the samples' gradients.",
    formula=r"\sigma_k^2 = \eta^2 C \sum_{i<k} (1 - \eta\lambda(1+\rho\lambda))^{2i}, \quad "
    r"C = (1+\rho\lambda)^2 V \frac{n-B}{B(n-1)}",
    source="derived [theory 15]",
    process="map of USAM, shared mini-batch of samples",
    cases=[
        {"lam": -1.3, "rho": 0.3, "lr": 0.1, "batch_size": 3, "replacement": True},
        {"lam": 0.8, "rho": 0.3, "lr": 0.1, "batch_size": 2, "replacement": False},
    ],
    predict=predict,
    rival=lambda lam, rho, lr, batch_size: predict(lam, rho, lr, batch_size, True) / batch_size,
    mistake="a deviation, rather than a variance, proportional to 1/B",
    measure=measure,
    tolerance=1e-4,
    reason="the formula is exact",
)
