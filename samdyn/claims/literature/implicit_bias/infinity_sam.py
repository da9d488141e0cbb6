"""SAM with the ascent of the ∞-norm on a diagonal network."""

import math

import numpy as np
from scipy.integrate import solve_ivp

from samdyn.claims import Claim, grid

MU = np.array([1.5, 2.5])


def path(starts: tuple[float, float], rho: float, end: float, stop_at_zero: bool) -> np.ndarray:
    """Return (w₁, w₂, τ) at τ = end, or where w₁ = 0. L = log(1 + exp(−Σμw²)), and τ = ∫ 2/(1 + exp(Σμw̃²)) dt."""

    def velocity(_: float, state: np.ndarray) -> np.ndarray:
        w = state[:2]
        gradient = -2 * MU * w / (1 + math.exp(MU @ w**2))
        perturbed = w + rho * np.sign(gradient)
        rate = 2 / (1 + math.exp(MU @ perturbed**2))
        return np.append(rate * MU * perturbed, rate)

    def event(_: float, state: np.ndarray) -> float:
        return float(state[0] if stop_at_zero else state[2] - end)

    event.terminal = True  # type: ignore[attr-defined]
    run = solve_ivp(velocity, (0, 100), [*starts, 0.0], events=event, rtol=1e-9, atol=1e-12)
    return np.asarray(run.y_events[0][-1])


gate = Claim(
    id="infinity-sam-gate",
    statement="On a two-layer diagonal network with one sample μ, SAM with the ascent ρ sgn ∇L follows "
    "wⱼ(τ) = ρ + (αⱼ − ρ)exp(μⱼτ) from αⱼ, in a time τ that is rescaled by the slope of the loss: coordinates "
    "that start below ρ shrink, those above grow.",
    formula=r"w_j = \rho + (\alpha_j - \rho)\, e^{\mu_j\tau}",
    source="[MS26, Theorem 3.2]",
    process="flow of SAM with the ascent of the ∞-norm",
    cases=grid(starts=((0.08, 0.15), (0.14, 0.09)), rho=0.1, end=(0.4, 0.8)),
    predict=lambda starts, rho, end: rho + (np.array(starts) - rho) * np.exp(MU * end),
    rival=lambda starts, end: np.array(starts) * np.exp(MU * end),
    mistake="the path of gradient descent, on which every coordinate grows",
    measure=lambda starts, rho, end: path(starts, rho, end, stop_at_zero=False)[:2],
    tolerance=1e-5,
    reason="the flow is integrated to a relative error of 1e-9, its end is interpolated",
)

extinction = Claim(
    id="infinity-sam-extinction",
    statement="On a two-layer diagonal network with one sample μ, SAM with the ascent ρ sgn ∇L brings a coordinate "
    "that starts at α < ρ to 0 in the finite time τ = ln(ρ/(ρ − α))/μ, rescaled by the slope of the loss.",
    formula=r"\tau = \ln(\rho/(\rho - \alpha))/\mu",
    source="derived from [MS26, Theorem 3.2]",
    process="flow of SAM with the ascent of the ∞-norm",
    cases=[{"starts": (0.08, 0.15), "rho": 0.1}, {"starts": (0.05, 0.15), "rho": 0.2}],
    predict=lambda starts, rho: math.log(rho / (rho - starts[0])) / MU[0],
    rival=lambda: math.inf,
    mistake="a decay without end, as of a linear flow",
    measure=lambda starts, rho: path(starts, rho, math.inf, stop_at_zero=True)[2],
    tolerance=1e-5,
    reason="the flow is integrated to a relative error of 1e-9, its end is interpolated",
)
