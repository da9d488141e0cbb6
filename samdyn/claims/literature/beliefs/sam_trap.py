"""The saddles that hold normalised SAM's iterates: which curvature of escape they need, and that ρ plays no part."""

import torch
from scipy.optimize import brentq

import samdyn as sd
from samdyn.claims import Claim, fails, grid

SETTLING = 200  # steps; the bounce forgets its start by |1 − ηλ₁| a step


def bounce(top: float, lr: float, rho: float) -> torch.Tensor:
    """Return a point of the 2-cycle on which SAM ends along the sharpest direction, ``(1, 1)``."""
    map_, w = (
        sd.Map(sd.landscapes.quadratic([top]), sd.SAM(rho), lr=lr),
        torch.tensor([[0.9 * rho]], dtype=torch.float64),
    )
    for _ in range(SETTLING):
        (w,) = map_.step((w,))
    return w


def factor(x: torch.Tensor, top: float, lam: float, lr: float, rho: float) -> float:
    """Return the factor by which one step from the bounce multiplies a tiny distance along λ."""
    map_ = sd.Map(sd.landscapes.quadratic([top, top / 3, lam]), sd.SAM(rho), lr=lr)
    w = torch.cat([x, 0 * x, torch.full_like(x, 1e-9 * rho)])
    (end,) = map_.step((w,))
    return float(end[-1] / w[-1])


def threshold(top: float, lr: float, rho: float) -> float:
    """Return the size of the negative curvature above which the distance along it shrinks."""
    x = bounce(top, lr, rho)
    return float(brentq(lambda size: factor(x, top, -size, lr, rho) - 1, 1e-2 * top, 1e2 * top, rtol=1e-9))


CASES = grid(top=(4.0, 5.0), lr=(0.1, 0.375), rho=(0.05, 0.5))

sam_trap_curvature = Claim(
    id="sam-trap-curvature",
    statement="A saddle holds the bounce of normalised SAM along its sharpest direction λ₁ only if every negative "
    "curvature is larger in size than ηλ₁²/(2 − ηλ₁). The radius ρ plays no part.",
    formula=r"|\lambda_-| > \eta\lambda_1^2/(2 - \eta\lambda_1)",
    source="derived",
    process="map of SAM on a quadratic",
    cases=CASES,
    predict=lambda top, lr: lr * top**2 / (2 - lr * top),
    rival=lambda: 0.0,
    mistake="every saddle holds SAM, as it holds the flow",
    measure=threshold,
    tolerance=1e-6,
    reason="the root is exact to 1e-9, and the distance along λ₋ changes the bounce by 1e-9",
)

sam_trap_radius = Claim(
    id="saddle-captures-normalised-sam",
    statement="A saddle captures normalised SAM, the method that people run, if every |λ₋| > 1/ρ.",
    formula=r"|\lambda_-| > 1/\rho",
    source="[K23, Theorem 1], which is on USAM, read as a theorem on normalised SAM",
    process="map of SAM on a quadratic",
    cases=CASES,
    predict=lambda rho: 1 / rho,
    rival=lambda top, lr: lr * top**2 / 2,
    mistake="the limit of small steps of the true threshold, ηλ₁²/2",
    measure=threshold,
    tolerance=1e-6,
    reason="the root is exact to 1e-9, and the distance along λ₋ changes the bounce by 1e-9",
    record=fails(37.5),
    instead="sam-trap-curvature",
)
