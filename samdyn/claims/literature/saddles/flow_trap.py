"""The region around a saddle in which the gradient of SAM's flow can only shrink."""

from collections.abc import Sequence

import numpy as np
import torch
from scipy.optimize import brentq

import samdyn as sd
from samdyn.claims import Claim, grid


def largest_norm(eigenvalues: Sequence[float], rho: float) -> float:
    """Return the gradient norm up to which ‖∇L‖ falls along SAM's flow in all directions, axes and random ones."""
    hessian = torch.tensor(eigenvalues, dtype=torch.float64)[:, None]
    flow, dim = sd.Flow(sd.landscapes.quadratic(eigenvalues), sd.SAM(rho)), len(eigenvalues)
    random = torch.as_tensor(np.random.default_rng(0).standard_normal((dim, 10_000)))
    directions = torch.cat([torch.eye(dim, dtype=torch.float64), random / random.norm(dim=0)], 1)

    def fastest(norm: float) -> float:
        return float((directions * hessian * flow(norm * directions / hessian)).sum(0).max())

    return float(brentq(fastest, 0.01 * rho, 100 * rho, rtol=1e-9))


flow_trap = Claim(
    id="sam-flow-trap",
    statement="Where ‖Hw‖ < ρ|λ*|, λ* the negative eigenvalue nearest 0, SAM's flow lowers ‖Hw‖ and ends at the "
    "saddle. No larger region of this form is a trap.",
    formula=r"\|Hw\| < \rho\,|\lambda^*|",
    source="[C23]; that it is sharp is derived",
    process="flow of SAM on a quadratic",
    cases=grid(eigenvalues=((-1.0, 2.0), (-0.5, -3.0, 0.3)), rho=(0.1, 0.5)),
    predict=lambda eigenvalues, rho: rho * min(-lam for lam in eigenvalues if lam < 0),
    rival=lambda eigenvalues, rho: rho * max(-lam for lam in eigenvalues if lam < 0),
    mistake="the most negative eigenvalue",
    measure=largest_norm,
    tolerance=1e-6,
    reason="rounding; the directions contain the axes",
)
