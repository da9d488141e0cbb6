"""Which coordinate of a diagonal network grows first under SAM."""

import math

import torch
from scipy.optimize import brentq

import samdyn as sd
from samdyn.claims import Claim, grid

MU = (1.5, 2.5)  # the features of the one sample: the minor and the major coordinate
LANDSCAPE = sd.Landscape("log(1 + exp(-(1.5*a*c + 2.5*b*d)))", "a b c d")  # w = (a, b) = (c, d)


def growth(scale: float, ratio: float, rho: float) -> tuple[float, float]:
    """Return (d/dt) log w of both coordinates under the flow of SAM, at scale·(1, ratio)."""
    w = torch.tensor([1.0, ratio, 1.0, ratio], dtype=torch.float64)[:, None] * scale
    rates = sd.Flow(LANDSCAPE, sd.SAM(rho))(w) / w
    return float(rates[0]), float(rates[1])


def norm(scale: float, ratio: float) -> float:
    """Return n = √(2Σμ²w²)."""
    return scale * math.sqrt(2 * (MU[0] ** 2 + (MU[1] * ratio) ** 2))


def switch(ratio: float, rho: float) -> float:
    """Return the n at which both coordinates grow equally fast."""

    def lead(scale: float) -> float:
        minor, major = growth(scale, ratio, rho)
        return minor - major

    return norm(float(brentq(lead, 1e-3, 2.0, rtol=1e-12)), ratio)


def standstill(coordinate: int, ratio: float, rho: float) -> float:
    """Return the n at which one coordinate neither grows nor shrinks."""
    scale = brentq(lambda scale: growth(scale, ratio, rho)[coordinate], 1e-3, 2.0, rtol=1e-12)
    return norm(float(scale), ratio)


minor_first = Claim(
    id="sam-minor-first",
    statement="On a two-layer diagonal network with one sample μ, SAM's minor coordinate grows faster than the "
    "major one as long as n = √(2Σμ²w²) is below ρ(μ₁ + μ₂).",
    formula=r"n^* = \rho(\mu_1 + \mu_2)",
    source="derived; the phenomenon is that of [MS26, Theorem 4.4]",
    process="flow of SAM",
    cases=grid(ratio=(0.7, 2.0), rho=(0.1, 0.3)),
    predict=lambda rho: rho * (MU[0] + MU[1]),
    rival=lambda rho: rho * max(MU),
    mistake="the n at which the major coordinate starts to grow",
    measure=switch,
    tolerance=1e-9,
    reason="rounding in the root of a smooth function",
)

coordinate_shrinks = Claim(
    id="sam-diagonal-trap",
    statement="On a two-layer diagonal network with one sample μ, SAM shrinks the coordinate j as long as n = "
    "√(2Σμ²w²) is below ρμⱼ. So all of them shrink if n is below ρ times the smallest μⱼ.",
    formula=r"n^*_j = \rho\mu_j",
    source="derived; the phenomenon is that of [MS26, Theorem 4.5]",
    process="flow of SAM",
    cases=grid(coordinate=(0, 1), ratio=(0.7, 2.0), rho=(0.1, 0.3)),
    predict=lambda coordinate, rho: rho * MU[coordinate],
    rival=lambda rho: rho * min(MU),
    mistake="one threshold for all coordinates",
    measure=standstill,
    tolerance=1e-9,
    reason="rounding in the root of a smooth function",
)
