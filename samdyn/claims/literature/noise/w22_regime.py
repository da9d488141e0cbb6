"""How far beyond its assumptions the drift law of [W22] holds."""

import torch

import samdyn as sd
from samdyn.claims import Claim, grid, leading_order


def measure(curvature: float, slope: float, lr: float, ratio: float) -> float:
    """Return the drift of z by two steps of SAM in units of 2ηρ², after the bounce has settled."""
    rho = ratio * lr
    landscape = sd.Landscape(f"({curvature} + {slope}*z)*x**2/2 + (0.2 - 0.1*z)*y**2/2", "x y z")
    map_, steps = sd.Map(landscape, sd.SAM(rho), lr=lr), int(5 / (lr * curvature))
    runs = sd.simulate(map_, (lr * rho, lr * rho / 10, 0), steps, progress=False)
    before = (torch.tensor(runs.w.values[:, -1].T),)
    after = map_.step(map_.step(before))
    return float(after[0][2] - before[0][2]) / (2 * lr * rho**2)


w22_regime = Claim(
    id="w22-regime",
    statement="SAM drifts along the minima as −½∇λ_max in the time ηρ²k also if ρ is ten times η, where the theorem "
    "asks for ρ/η → 0: the error is of order η.",
    formula=r"\frac{\Delta z}{\eta \rho^2} = -\frac{1}{2} \nabla \lambda_{max}",
    source="[W22, Theorem 4.5]; the regime derived",
    process="map of SAM, full batch",
    cases=grid(curvature=0.6, slope=(0.7, -0.3), lr=(0.012, 0.006, 0.003), ratio=10.0),
    predict=lambda slope: -slope / 2,
    rival=lambda slope: -(slope - 0.1) / 2,
    mistake="the gradient of the trace, along which SAM with one sample a step drifts",
    measure=measure,
    tolerance=0.004,
    reason="the factor (2/(2−ηλ))² and the drift of λ itself, 0.2 % at the smallest η",
    small="lr",
    record=leading_order(1),
)
