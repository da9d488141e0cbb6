"""The slow flow of SAM on a curved manifold of minima."""

import numpy as np
import torch

import samdyn as sd
from samdyn.claims import Claim, grid

CURVED = sd.Landscape("(a*b + c*d - 1)**2/2", "a b c d")  # λ_max = ‖w‖² at its minima
START = np.array([1.5, 0.5, 1.0, 0.25])  # a minimum of it


def flow(lr: float | None, time: float) -> float:
    """Return λ_max after the time s on the path of the flow."""
    return float(sd.ManifoldFlow(CURVED, sd.SAM(0.02), lr=lr).path(START, time, steps=3).eigenvalue[-1])


def on_curved(lr: float, rho: float, time: float) -> float:
    """Return ‖w‖² after the time s = ηρ²k, at the mean of the last two iterates."""
    map_ = sd.Map(CURVED, sd.SAM(rho), lr=lr)
    last = torch.tensor(sd.simulate(map_, START + 1e-6, round(time / (lr * rho**2)), progress=False).w.values[0, -1])
    return float(((last + map_.step((last,))[0]) ** 2).sum() / 4)


curved_drift = Claim(
    id="manifold-flow-path",
    statement="SAM's iterates follow the slow flow along a curved manifold of minima. On (ab + cd − 1)²/2, whose "
    "largest eigenvalue is ‖w‖², they balance the factors.",
    formula=r"\frac{dw}{ds} = -\frac{1}{2}\left(\frac{2}{2-\eta\lambda}\right)^2 P\,\nabla\lambda_{max}",
    source="[W22, Theorem 4.5]; the factor of a finite η derived",
    process="map of SAM",
    cases=grid(lr=(0.1, 0.25), rho=0.02, time=0.4),
    predict=flow,
    rival=lambda time: flow(None, time),
    mistake="the limit of small steps at a finite η",
    measure=on_curved,
    tolerance=2e-3,
    reason="the relative error is of the order of ρ²",
)
