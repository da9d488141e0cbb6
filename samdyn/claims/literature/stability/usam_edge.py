"""The largest curvature at which USAM and SAM stay bounded on a quadratic."""

import math

import torch
from scipy.optimize import brentq

import samdyn as sd
from samdyn.claims import Claim, grid

FAR = 1e6  # the start, in the units of w: far beyond every ρ


def edge(method: sd.Method, lr: float) -> float:
    """Return the curvature at which a step from far away keeps the distance from the minimum."""

    def growth(lam: float) -> float:
        start = torch.full((1, 1), FAR, dtype=torch.float64)
        (end,) = sd.Map(sd.landscapes.quadratic([lam]), method, lr).step((start,))
        return math.log(abs(float(end)) / FAR)

    return float(brentq(growth, 0.1, 1000.0, rtol=1e-10))


usam_edge = Claim(
    id="usam-edge",
    statement="USAM on a quadratic diverges above the curvature λ with λ + ρλ² = 2/η.",
    formula=r"\eta\lambda(1 + \rho\lambda) = 2",
    source="[L23]; [D23]; [AD23]",
    process="map of USAM",
    cases=grid(rho=(0.05, 0.3), lr=(0.02, 0.1)),
    predict=sd.theory.edge_of_stability,
    rival=lambda lr: 2 / lr,
    mistake="the edge of gradient descent",
    measure=lambda rho, lr: edge(sd.USAM(rho), lr),
    tolerance=1e-8,
    reason="the root of a smooth function, to a relative error of 1e-10",
)

sam_edge = Claim(
    id="sam-divergence",
    statement="Normalised SAM on a quadratic diverges above the curvature 2/η only, at every ρ: far from the "
    "minimum its perturbation does not count.",
    formula=r"\eta\lambda = 2",
    source="[D23]",
    process="map of SAM",
    cases=grid(rho=(0.05, 0.3), lr=(0.02, 0.1)),
    predict=lambda lr: 2 / lr,
    rival=sd.theory.edge_of_stability,
    mistake="the edge of USAM",
    measure=lambda rho, lr: edge(sd.SAM(rho), lr),
    tolerance=1e-6,
    reason="at the distance 1e6 the perturbation changes a step by ρ·1e-6",
)
