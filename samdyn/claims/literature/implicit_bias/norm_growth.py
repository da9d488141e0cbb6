"""What SAM does to the norm of weights on which the loss does not depend."""

import math

import numpy as np
import torch

import samdyn as sd
from samdyn.claims import Claim, grid

LANDSCAPE = sd.Landscape("1 - x/sqrt(x**2 + y**2 + z**2)", "x y z")


def measure(point: tuple[float, ...], rho: float) -> float:
    """Return d‖w‖²/dt of SAM's flow."""
    w = torch.tensor(point, dtype=torch.float64)[:, None]
    return float(2 * (w * sd.Flow(LANDSCAPE, sd.SAM(rho))(w)).sum())


def predict(point: tuple[float, ...], rho: float) -> float:
    """Return 2ρ‖w‖ sin(θ + arctan(ρ/‖w‖))/(‖w‖² + ρ²), θ the angle between w and the minima."""
    norm = float(np.linalg.norm(point))
    angle = math.acos(point[0] / norm) + math.atan(rho / norm)
    return 2 * rho * norm * math.sin(angle) / (norm**2 + rho**2)


norm_growth = Claim(
    id="sam-norm-growth",
    statement="If the loss does not depend on the norm of w, the flow of SAM lets the norm grow: d‖w‖²/dt = "
    "2ρ⟨∇L(wᵖ), u⟩, u = ∇L/‖∇L‖. On L = 1 − cos θ this is 2ρ‖w‖ sin(θ + δ)/(‖w‖² + ρ²), tan δ = ρ/‖w‖.",
    formula=r"\frac{d}{dt}\|w\|^2 = 2\rho\,\langle \nabla L(w^p), u\rangle = "
    r"\frac{2 \rho \|w\| \sin(\theta + \delta)}{\|w\|^2 + \rho^2}, \quad \tan\delta = \rho/\|w\|",
    source="derived; setting of [LL22]",
    process="flow of SAM",
    cases=grid(point=((0.2, 1.0, 0.5), (2.0, -0.7, 1.0)), rho=(0.1, 0.5)),
    predict=predict,
    rival=lambda: 0.0,
    mistake="a norm that stays constant, as under the flow of gradient descent",
    measure=measure,
    tolerance=1e-10,
    reason="rounding",
)
