"""StableSAM, which cures the bounce at minima, converges to saddles."""

from collections.abc import Sequence

import numpy as np

import samdyn as sd
from samdyn.claims import Claim
from samdyn.methods import StableSAM

from .trap_width import CASES, half_width


def late_factor(eigenvalues: Sequence[float], rho: float, lr: float) -> float:
    """Return the factor of ‖w‖ a step, long after a start within the trap of StableSAM."""
    map_ = sd.Map(sd.landscapes.quadratic(eigenvalues), StableSAM(rho), lr=lr)
    starts = rho * np.array([[0.3, 0.2]])
    runs = sd.simulate(map_, starts, 170, save_every=1, progress=False)
    size = np.linalg.norm(runs.w[0].values, axis=1)
    return float((size[-1] / size[150]) ** (1 / 20))


stable_sam_trap_width = Claim(
    id="stable-sam-trap-width",
    statement="A saddle holds runs of StableSAM, whose step has the length of gradient descent's, from as far as those "
    "of SAM: within ρ along the escape direction.",
    formula=r"|w| < \rho",
    source="derived; the method is that of [TZ24]",
    process="map of StableSAM, small steps",
    predict=sd.theory.trap_half_width,
    rival=lambda rho: 0 * rho,
    mistake="a stable method does not stay at saddles",
    cases=CASES,
    measure=lambda lam, rho, lr: half_width(StableSAM, lam, rho, lr),
    tolerance=1e-3,
    reason="starts are 0.2 % of ρ apart",
)

stable_sam_converges = Claim(
    id="stable-sam-converges-to-saddle",
    statement="Within the trap StableSAM does not bounce: it converges to the saddle, by 1 − η min|λ| a step.",
    formula=r"\|w_{k+1}\| / \|w_k\| \to 1 - \eta\,\min|\lambda|",
    source="derived; the method is that of [TZ24]",
    process="map of StableSAM on a saddle",
    cases=[{"eigenvalues": (3.0, -2.0), "rho": 0.5, "lr": 0.1}, {"eigenvalues": (1.5, -2.0), "rho": 0.2, "lr": 0.15}],
    predict=lambda eigenvalues, lr: 1 - lr * min(abs(lam) for lam in eigenvalues),
    rival=lambda eigenvalues, lr: 1 - lr * min(eigenvalues),
    mistake="a method without bounce leaves saddles as gradient descent does",
    measure=late_factor,
    tolerance=1e-4,
    reason="the distance is small beside ρ, and nearly along the slowest direction",
)
