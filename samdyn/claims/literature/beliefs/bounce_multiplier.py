"""Where SAM bounces, the factor by which a step multiplies distances along other directions: ρ plays no part."""

from samdyn.claims import Claim, grid

from .sam_trap import bounce, factor


def multiplier(top: float, lam: float, lr: float, rho: float) -> float:
    """Return the factor along λ while SAM bounces along the sharpest direction."""
    return factor(bounce(top, lr, rho), top, lam, lr, rho)


sam_bounce_multiplier = Claim(
    id="sam-bounce-multiplier",
    statement="While SAM bounces along its sharpest direction λ₁, a step multiplies a small distance along λ by "
    "1 − ηλ − (λ/λ₁)²(2 − ηλ₁), at every ρ.",
    formula=r"m = 1 - \eta\lambda - (\lambda/\lambda_1)^2\,(2 - \eta\lambda_1)",
    source="derived",
    process="map of SAM on a quadratic",
    cases=grid(top=(4.0, 2.5), lam=(-3.0, 1.5), lr=(0.1, 0.375), rho=(0.05, 0.5)),
    predict=lambda top, lam, lr: 1 - lr * lam - (lam / top) ** 2 * (2 - lr * top),
    rival=lambda lam, lr, rho: 1 - lr * lam * (1 + rho * lam),
    mistake="the multiplier of USAM",
    measure=multiplier,
    tolerance=1e-7,
    reason="the distance along λ changes the bounce by 1e-9",
)
