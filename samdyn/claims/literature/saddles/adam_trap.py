"""Saddles hold SAM with Adam from a radius that compares with the learning rate."""

import numpy as np

import samdyn as sd
from samdyn.bases import Adam
from samdyn.claims import Claim

from .sign_trap import held, least_radius, square

FLAT = 0.01  # λ₊/|λ₋| where it is to play no part

adam_sam_threshold = Claim(
    id="adam-sam-threshold",
    statement="Where a saddle's positive curvature is small, it holds SAM with Adam from ρ = √3(η − ε/|λ₋|) on, for "
    "β₁ = 0 and β₂ near 1: the threshold compares with η, and not with 1/|λ₋|.",
    formula=r"\rho = \sqrt{3}\,(\eta - \varepsilon/|\lambda_-|)",
    source="derived",
    process="map of SAM with Adam along the axes, β₁ = 0, β₂ = 0.99",
    cases=[{"lam": lam, "eps": eps, "lr": 0.01} for lam, eps in ((-2.0, 0.0), (-20.0, 0.0), (-2.0, 0.01))],
    predict=sd.theory.adam_sam_threshold,
    rival=lambda lr: lr,
    mistake="every step of the length η, as of the sign",
    measure=lambda lam, eps, lr: least_radius(
        radii := lr * np.arange(0.5, 2.2, 0.02),
        held(Adam(0.0, 0.99, eps), lam, -FLAT * lam, radii, lr, square(4, lr / 10), 4000),
        0.5,
    ),
    tolerance=0.05,
    reason="β₂ = 0.99 lets v fluctuate by a few per cent",
)
