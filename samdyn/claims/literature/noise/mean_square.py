"""The learning rate from which the mean square of runs grows, for SGD and for normalised SAM."""

import numpy as np
import torch
from scipy.optimize import brentq

import samdyn as sd
from samdyn.claims import Claim, fails, grid

FAR, STEPS = 1e8, 8  # the start, beside which ρ is small, and the number of steps of which every sequence is run


def largest_lr(curvatures: tuple[float, ...], method: sd.Method) -> float:
    """Return the learning rate at which the mean of w² over all sequences of samples stops shrinking."""

    def growth(lr: float) -> float:
        maps = [sd.Map(sd.landscapes.quadratic([a]), method, lr=lr) for a in curvatures]
        w = torch.full((1, 1), FAR, dtype=torch.float64)
        for _ in range(STEPS):
            w = torch.cat([map_.step((w,))[0] for map_ in maps], dim=1)
        return float((w / FAR).square().mean().log())

    return float(brentq(growth, 0.05, 2.0, rtol=1e-9))


def of_squares(factors: np.ndarray) -> float:
    """Return the learning rate at which E(1 − ηf)² = 1."""
    return float(2 * factors.mean() / (factors**2).mean())


CURVATURES = ((1.0, 3.0), (0.4, 0.9, 2.6))

sam_mean_square = Claim(
    id="sam-mean-square",
    statement="With one sample a step the mean square of normalised SAM's runs is bounded if and only if that of SGD's "
    "is, E(1 − ηa)² < 1, at every ρ: the perturbation adds a bounded term.",
    formula=r"\eta^* = 2 E[a] / E[a^2]",
    source="derived; on [CK25]",
    process="map of SAM, batches of one sample",
    cases=grid(curvatures=CURVATURES, rho=(0.3, 3.0)),
    predict=lambda curvatures: of_squares(np.array(curvatures)),
    rival=lambda curvatures, rho: of_squares(np.array(curvatures) * (1 + rho * np.array(curvatures))),
    mistake="a perturbation proportional to the gradient",
    measure=lambda curvatures, rho: largest_lr(curvatures, sd.SAM(rho)),
    tolerance=1e-5,
    reason="the perturbation is below 1e-7 of the distance",
)

ck25_mean_square = Claim(
    id="ck25-sam-is-stricter",
    statement="With one sample a step SAM multiplies the gradient by 1 + ρa/α, so that the mean square of its runs "
    "grows from a smaller learning rate than SGD's. (Chang and Khanna take the gradient's length for a constant α.)",
    formula=r"\eta^* = 2 E[a(1+\rho a/\alpha)] / E[a^2(1+\rho a/\alpha)^2]",
    source="[CK25, Theorem 3.2] has a sufficient condition; the exact one derived",
    process="map of SAM, batches of one sample",
    cases=grid(curvatures=CURVATURES[:1], rho=(0.1, 0.3), alpha=0.8),
    predict=lambda curvatures, rho, alpha: of_squares(np.array(curvatures) * (1 + rho * np.array(curvatures) / alpha)),
    rival=lambda curvatures: 2 / np.mean(curvatures),
    mistake="the limit of the full batch",
    measure=lambda curvatures, rho: largest_lr(curvatures, sd.SAM(rho)),
    tolerance=1e-4,
    reason="the perturbation is below 1e-7 of the distance",
    record=fails(2.1952),
    instead="sam-mean-square",
)
