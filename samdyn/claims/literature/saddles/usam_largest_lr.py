"""Theorem 1 for the iterates: the learning rate from which a critical point repels USAM, also with momentum."""

from samdyn.claims import Claim, Estimate, grid

from .usam_map_threshold import crossing, growth


def largest_lr(lam: float, rho: float, momentum: float) -> Estimate:
    """Return the learning rate from which runs along one direction grow."""
    return crossing(lambda lr: growth([lam], 0 * lr + rho, lr, momentum), 0.02, 20.0)


usam_largest_lr = Claim(
    id="usam-largest-lr",
    statement="A critical point repels the iterates of USAM along λ if ηλ(1 + ρλ) > 2(1 + γ), also a saddle along "
    "λ < 0 if ρ is above its threshold.",
    formula=r"\eta^* = 2(1+\gamma)\,/\,(\lambda(1+\rho\lambda))",
    source="[K23, Theorem 1]; [D23]; with momentum derived",
    process="map of USAM, also with heavy ball",
    cases=grid(lam=(2.0, -3.0), rho=(0.5, 0.7), momentum=(0.0, 0.5)),
    predict=lambda lam, rho, momentum: 2 * (1 + momentum) / (lam * (1 + rho * lam)),
    rival=lambda lam, momentum: 2 * (1 + momentum) / abs(lam),
    mistake="the learning rate at which gradient descent diverges",
    measure=largest_lr,
    tolerance=1e-4,
    reason="the scan brackets the learning rate to 1e-4",
)
