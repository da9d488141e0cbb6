"""Cycles of odd period, on which SAM with heavy ball is on one side of the minimum more often than on the other."""

import numpy as np

import samdyn as sd
from samdyn.claims import Claim

STEPS, LAST = 800, 12  # γ^(STEPS/2) is below 1e-18
PERIOD = 3


def measure(lam: float, lr: float, momentum: float, rho: float) -> float:
    """Return the largest |w| on the orbits of period 3 on which runs end."""
    sizes = rho * np.linspace(-8, 8, 41)
    starts, velocities = (part.ravel()[:, None] for part in np.meshgrid(sizes, sizes))
    map_ = sd.Map(sd.landscapes.quadratic([lam]), sd.SAM(rho), lr=lr, momentum=momentum)
    runs = sd.simulate(map_, starts, STEPS, v0=velocities, progress=False)
    ends = sd.simulate(map_, runs.w[:, -1].values, LAST, v0=runs.v.values, save_every=1, progress=False)
    w = ends.w[..., 0].values
    repeats = np.abs(w[:, PERIOD:] - w[:, :-PERIOD]).max(axis=1) < 1e-9 * rho
    return float(np.abs(w[repeats]).max()) if repeats.any() else np.inf


def predict(lam: float, lr: float, momentum: float, rho: float) -> float:
    """Return |w| where w has stayed on its side for a step: the fixed point of three steps with the signs +, +, −."""
    h = lr * lam
    step, push = np.array([[1 - h, -momentum], [h, momentum]]), h * rho * np.array([-1.0, 1.0])  # of (w, ηv)
    z = np.linalg.solve(np.eye(2) - step @ step @ step, step @ step @ push + step @ push - push)
    path = [z, step @ z + push, step @ (step @ z + push) + push]
    signs = [float(np.sign(point[0])) for point in path]
    return max(abs(float(point[0])) for point in path) if signs == [1.0, 1.0, -1.0] else np.inf


odd_cycle = Claim(
    id="heavy-ball-odd-cycle",
    statement="With heavy ball SAM on ½λw² also has stable cycles of odd period, whose mean is not the minimum: z = "
    "(I − A³)⁻¹(A²q + Aq − q) in (w, ηv), w > 0 at two of three steps. A is the step without ρ, q the push by ρ.",
    formula=r"z = (I - A^3)^{-1} (A^2 q + A q - q)",
    source="derived",
    process="map of SAM with heavy ball, from many starts",
    cases=[
        {"lam": 1.0, "lr": 2.2, "momentum": 0.9, "rho": 0.1},
        {"lam": 1.6, "lr": 1.5, "momentum": 0.9, "rho": 0.2},
        {"lam": 1.0, "lr": 2.0, "momentum": 0.8, "rho": 0.1},
    ],
    predict=predict,
    rival=lambda lam, lr, momentum, rho: lr * rho * lam / (2 * (1 + momentum) - lr * lam),
    mistake="the 2-cycle alone",
    measure=measure,
    tolerance=1e-6,
    reason="rounding; a run forgets its start by √γ a step",
)
