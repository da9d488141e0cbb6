"""With many ascent steps no saddle attracts USAM."""

import numpy as np

from samdyn.claims import Claim, grid, leading_order

from .several_ascent_steps import weakest_pull

many_steps = Claim(
    id="many-steps-limit",
    statement="With many ascent steps USAM acts near a critical point as gradient descent with λ exp(ρλ) for λ, so "
    "that no saddle attracts it at any ρ.",
    formula=r"\lambda_e \to \lambda\, e^{\rho\lambda}",
    source="derived",
    process="flow of USAM with n ascent steps",
    cases=grid(lam=(-1.5, 2.0), rho=(0.4, 0.8), inverse=(1 / 64, 1 / 256, 1 / 1024)),
    predict=lambda lam, rho: lam * np.exp(rho * lam),
    rival=lambda lam, rho: lam * (1 + rho * lam),
    mistake="one ascent step",
    measure=lambda lam, rho, inverse: weakest_pull([lam], np.array([rho]), round(1 / inverse), average=False)[0],
    tolerance=5e-3,
    reason="the error at 1024 steps is about ρ²λ²/2048",
    small="inverse",
    record=leading_order(1),
)
