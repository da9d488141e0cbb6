"""The effective initialisation of a diagonal network under USAM, with full batches and with single samples."""

import math

import numpy as np
from scipy.integrate import solve_ivp

from samdyn.claims import Claim, grid, leading_order

INPUTS = np.array([1.5, 0.5, 0.2])  # aᵢ of the samples aᵢβ = aᵢb, β = u² − v²
TARGET = 1.4  # b


def measure(perturbation: str, alpha: float, rho: float) -> float:
    """Return log(α_eff/α) = ½ log(uv/α²) at the end of the flow of the mean of the samples' fields, from u = v = α."""

    def velocity(_: float, state: np.ndarray) -> list[float]:
        u, v = state
        own = INPUTS**2 * (u**2 - v**2 - TARGET)
        g = own if perturbation == "own sample" else np.full(3, own.mean())
        up, vp = u * (1 + 2 * rho * g), v * (1 - 2 * rho * g)
        slope = INPUTS**2 * (up**2 - vp**2 - TARGET)
        return [-(2 * up * slope).mean(), (2 * vp * slope).mean()]

    u, v = solve_ivp(velocity, (0, 30), [alpha, alpha], "DOP853", rtol=1e-11, atol=1e-14).y[:, -1]
    return math.log(u * v / alpha**2) / 2


def squared_gradient(alpha: float) -> float:
    """Return ∫g²dt along the flow of gradient descent, g the slope of the mean loss in β."""
    mean = float((INPUTS**2).mean())
    path = TARGET * math.asinh(TARGET / (2 * alpha**2)) - math.sqrt(4 * alpha**4 + TARGET**2) + 2 * alpha**2
    return mean / 4 * path


def predict(perturbation: str, alpha: float, rho: float) -> float:
    """Return −4ρ∫g²dt, with the mean of the samples' squares in place of g² if each perturbs by its own gradient."""
    ratio = (INPUTS**4).mean() / (INPUTS**2).mean() ** 2 if perturbation == "own sample" else 1.0
    return -4 * rho * float(ratio) * squared_gradient(alpha)


diagonal_scale = Claim(
    id="usam-effective-scale",
    statement="On the diagonal network β = u² − v² USAM acts as a smaller initialisation α, log α_eff = log α − "
    "4ρ∫g²dt, g the slope in β. If each sample perturbs by its own gradient, the mean of gᵢ² replaces g²: "
    "a larger effect.",
    formula=r"\log\alpha_e = \log\alpha - 4\rho \int g^2\, dt",
    source="[AF22, Theorem 1]; closed form derived",
    process="mean flow of USAM, full batches and single samples",
    cases=grid(perturbation=("full batch", "own sample"), alpha=(0.1, 0.3), rho=(0.0002, 0.001, 0.004)),
    predict=predict,
    rival=lambda alpha, rho: predict("full batch", alpha, rho),
    mistake="the same effect for both",
    measure=measure,
    tolerance=3e-3,
    reason="the relative error is of order ρ",
    small="rho",
    record=leading_order(1),
)
