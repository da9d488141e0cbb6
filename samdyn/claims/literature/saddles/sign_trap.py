"""Saddles hold SAM with steps of the sign of its gradient from a radius that compares with the learning rate."""

import numpy as np
import torch

import samdyn as sd
from samdyn.bases import Adam, Base
from samdyn.claims import Claim, Estimate, grid

SIGN = Adam(beta1=0.0, beta2=0.0, eps=0.0)  # its steps are η sign(F)
BOX = 60  # half-width of the box that lost runs leave, in units of η


def held(
    base: Base, lam: float, across: float, rho: np.ndarray, lr: float, starts: np.ndarray, steps: int
) -> np.ndarray:
    """Return the share of the starts that stay within 60 η, for every radius: ``(n,)``."""
    radii = torch.as_tensor(np.repeat(rho, len(starts)))
    map_ = sd.Map(sd.landscapes.quadratic([across, lam]), sd.SAM(radii), lr, base=base)
    box = [(-BOX * lr, BOX * lr)] * 2
    runs = sd.simulate(map_, np.tile(starts, (len(rho), 1)), steps, box=box, progress=False)
    left = (runs.status.values == sd.Status.LEFT) | (runs.status.values == sd.Status.DIVERGED)
    shares: np.ndarray = 1 - left.reshape(len(rho), -1).mean(1)
    return shares


def square(count: int, half_width: float) -> np.ndarray:
    """Return the centres of count² equal cells of a square around the saddle, ``(count², 2)``."""
    along = half_width * (2 * (np.arange(count) + 0.5) / count - 1)
    return np.stack(np.meshgrid(along, along), -1).reshape(-1, 2)


def least_radius(rho: np.ndarray, shares: np.ndarray, share: float) -> Estimate:
    """Return the radius from which on at least this share is held, between the last that holds less and the next."""
    last = int(np.flatnonzero(shares < share)[-1])
    return Estimate.bracket(rho[last], rho[last + 1])


sign_sam_held_share = Claim(
    id="sign-sam-held-share",
    statement="A saddle along the axes holds SAM with steps of η sign(F) for a share of the starts that depends on ρ/η "
    "and on κ = λ₊/|λ₋| alone. It is 0 for ρ up to η·min(½√(1+κ²), 1).",
    formula=r"\rho \leq \eta\,\min(\sqrt{1 + \kappa^2}/2,\ 1)",
    source="derived",
    process="map of SAM with Adam, β₁ = β₂ = ε = 0",
    cases=grid(kappa=(1.0, 0.1, 4.0), ratio=(1.1, 0.8, 0.45, 1.6), lam=-2.0, lr=0.01),
    predict=lambda kappa, ratio, lam, lr: sd.theory.sign_sam_held_share(
        lam=lam, across=-kappa * lam, rho=ratio * lr, lr=lr
    ),
    rival=lambda: 1.0,
    mistake="the trap of SAM without a base, which holds runs near the saddle at every radius",
    measure=lambda kappa, ratio, lam, lr: float(
        held(SIGN, lam, -kappa * lam, np.array([ratio * lr]), lr, square(100, lr), 200)[0]
    ),
    tolerance=0.0,
    absolute=0.01,
    reason="the starts are the centres of 100² cells",
)

sign_sam_threshold = Claim(
    id="sign-sam-threshold",
    statement="A saddle along the axes holds all starts near it of SAM with steps of η sign(F) from ρ = η√(1+κ²) on, "
    "κ = λ₊/|λ₋|, or for κ² > 3 from η√(1+¼(κ+3/κ)²).",
    formula=r"\rho = \eta\,\sqrt{1 + \kappa^2}",
    source="derived",
    process="map of SAM with Adam, β₁ = β₂ = ε = 0",
    cases=[
        {"lam": lam, "kappa": kappa, "lr": 0.01}
        for lam, kappa in ((-20.0, 0.1), (-2.0, 1.0), (-1.25, 1.6), (-0.4, 5.0))
    ],
    predict=lambda lam, kappa, lr: sd.theory.sign_sam_threshold(lam=lam, across=-kappa * lam, lr=lr),
    rival=lambda lam: 1 / abs(lam),
    mistake="the threshold of USAM",
    measure=lambda lam, kappa, lr: least_radius(
        radii := lr * np.arange(0.9, 3.2, 0.02), held(SIGN, lam, -kappa * lam, radii, lr, square(40, lr), 80), 1.0
    ),
    tolerance=0.03,
    reason="the starts lost last are in the corners, 1/40 of η away from the centres of the cells",
)
