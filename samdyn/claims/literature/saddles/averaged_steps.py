"""USAM that follows the mean gradient of several ascent steps has a window of radii in which saddles attract it."""

import numpy as np

import samdyn as sd
from samdyn.claims import Claim, grid

from .several_ascent_steps import window

mean_gradient = Claim(
    id="averaged-steps-window",
    statement="If USAM follows the mean gradient of its n ascent steps, a saddle attracts it above ρ = n/|λ|, λ the "
    "negative eigenvalue nearest 0, and for even n only below 2n/|λₘ|, λₘ the most negative one.",
    formula=r"n/|\lambda_-| < \rho\quad (< 2n/|\lambda_m|\ for\ even\ n)",
    source="derived; the average is our reading of [M23]",
    process="flow of USAM with n ascent steps, mean of the gradients",
    cases=grid(eigenvalues=((-1.5, 0.4), (-1.1, -2.0)), ascent_steps=(2, 3, 4), average=True),
    predict=lambda eigenvalues, ascent_steps: (
        ascent_steps / min(-lam for lam in eigenvalues if lam < 0),
        np.inf if ascent_steps % 2 else 2 * ascent_steps / max(-lam for lam in eigenvalues),
    ),
    rival=lambda eigenvalues, ascent_steps: (
        sd.theory.usam_threshold(eigenvalues=eigenvalues, ascent_steps=ascent_steps),
        np.inf,
    ),
    mistake="the gradient at the last point alone",
    measure=window,
    tolerance=1e-4,
    reason="the bracket of the scan",
)
