"""The edge of stability of every method that bounces is the equation of its bounce."""

import torch
import xarray as xr

import samdyn as sd
from samdyn.claims import Claim

SETTLING = 400  # steps; the bounce forgets its start by |1 − ηλ| a step, or by √γ


def effective(method: sd.Method, lam: float, lr: float, momentum: float) -> float:
    """Return λₑ, measured on the quadratic of curvatures λ and 0.3 after the bounce has settled."""
    map_ = sd.Map(sd.landscapes.quadratic([lam, 0.3]), method, lr=lr, momentum=momentum)
    state = map_.start(torch.full((2,), 0.1 * method.radius, dtype=torch.float64))
    for _ in range(SETTLING):
        state = map_.step(state)
    runs = xr.Dataset({"w": (("run", "step", "coord"), state[0].numpy()[None, None])}, coords={"step": [SETTLING]})
    return float(sd.minima.edge_along(map_, runs).effective.item())


METHODS = (sd.SAM(0.1), sd.SAM(0.1, ascent_steps=3), sd.SAM(0.2, ascent_steps=2, average=True))
CASES = [
    {"method": method, "lam": lam, "lr": 0.1, "momentum": momentum}
    for method in METHODS
    for lam, momentum in ((6.0, 0.0), (15.0, 0.0), (18.0, 0.5))
]

edge_identity = Claim(
    id="edge-is-the-bounce",
    statement="An iterate that bounces from x to −x and back has the effective curvature 2(1+γ)/η along its bounce, "
    "whatever the curvature is, for SAM with any number of ascent steps and their mean. So where a normalised "
    "method is at its edge, its curvature need not have moved there.",
    formula=r"\eta F(x) = 2(1+\gamma)\,x,\quad \lambda_e = \frac{2(1+\gamma)}{\eta}",
    source="derived; the edge of SAM is that of [L23]",
    process="map on a quadratic, on its 2-cycle, also with heavy ball",
    cases=CASES,
    predict=lambda lr, momentum: 2 * (1 + momentum) / lr,
    rival=lambda lam: lam,
    mistake="the effective curvature is that of the Hessian, as for gradient descent",
    measure=effective,
    tolerance=1e-8,
    reason="rounding",
)
