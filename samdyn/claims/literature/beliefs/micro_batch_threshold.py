"""Under noise, the micro-batch that shares a perturbation sets the radius from which a saddle holds SAM."""

import numpy as np

import samdyn as sd
from samdyn.claims import Claim, Estimate

CLOSE = 0.05  # ‖Hw‖ at the start, relative to the noise of a micro-batch


def threshold(lam: float, dim: int, batch: int, micro_batch: int, lr: float, budget: float, seed: int) -> Estimate:
    """Return the radius at which the mean step along λ vanishes.

    Runs start on both sides of the saddle with the same noise, whose mean cancels. The mean step is linear in ρ, and
    at ρ = 0 it is that of gradient descent.
    """
    noise = sd.noise.Fisher((0,) * dim, batch, micro_batch=micro_batch)
    deviation = np.sqrt(abs(lam) / micro_batch)
    rho, start, count = deviation / abs(lam), CLOSE * deviation / abs(lam), int(budget * 500_000)
    map_ = sd.Map(sd.landscapes.quadratic([lam] + [-lam] * (dim - 1)), sd.SAM(rho), lr=lr, noise=noise)
    ends = [
        sd.simulate(map_, np.tile([side] + [0.0] * (dim - 1), (count, 1)), 1, seed=seed, progress=False)
        .w[:, -1, 0]
        .values
        for side in (start, -start)
    ]
    step = Estimate.mean((ends[0] - ends[1]) / 2 - start)
    plain = -lr * lam * start
    value = rho * plain / (plain - step.value)
    return Estimate(value, value * step.standard_error / (plain - step.value))


micro_batch_threshold = Claim(
    id="micro-batch-sets-trap",
    statement="If the gradient noise of a sample has the covariance σ²I, a saddle holds normalised m-SAM above "
    "ρ* = σ/(c_d|λ|√m), where its mean step turns: the size m of the micro-batches counts, not the batch size.",
    formula=r"\rho^* = \frac{\sigma}{c_d |\lambda| \sqrt{m}}, \quad "
    r"c_d = \frac{\Gamma((d+1)/2)}{\sqrt{2}\, \Gamma(d/2+1)}",
    source="derived",
    process="map of m-SAM, its mean step near a saddle, shared batch in micro-batches",
    cases=[
        {"lam": -1.0, "dim": 2, "batch": 16, "micro_batch": 1, "lr": 0.01},
        {"lam": -2.5, "dim": 3, "batch": 8, "micro_batch": 4, "lr": 0.01},
    ],
    predict=lambda lam, dim, micro_batch: sd.theory.noise_threshold(
        lam=lam, noise=(abs(lam) / micro_batch) ** 0.5, dim=dim
    ),
    rival=lambda lam, dim, batch: sd.theory.noise_threshold(lam=lam, noise=(abs(lam) / batch) ** 0.5, dim=dim),
    mistake="the batch in place of the micro-batch",
    measure=threshold,
    tolerance=2e-3,
    reason="the mean step is linear in w to (‖Hw‖/s)²/4",
)
