"""The drift of SAM with heavy ball along a line of minima."""

import torch

import samdyn as sd
from samdyn.claims import Claim, grid

RHO = 0.0005


def with_momentum(curvature: float, slope: float, lr: float, momentum: float) -> float:
    """Return the change of z a step in units of ηρ², over the steps after the bounce has settled."""
    map_ = sd.Map(sd.landscapes.ravine(f"{curvature} + {slope}*z"), sd.SAM(RHO), lr=lr, momentum=momentum)
    state, z = map_.start(torch.tensor([RHO / 2, 0.0], dtype=torch.float64)), []
    for step in range(1, 301):
        state = map_.step(state)
        if step in (200, 300):
            z.append(float(state[0][1]))
    return (z[1] - z[0]) / (100 * lr * RHO**2)


def reach(curvature: float, lr: float, momentum: float) -> float:
    """Return the square of the distance of the perturbed points from the minimum, in units of ρ²."""
    edge = 2 * (1 + momentum)
    return (edge / (edge - lr * curvature)) ** 2


momentum_drift = Claim(
    id="momentum-drift",
    statement="With heavy ball SAM's bounce across a valley is shorter, and its drift along it is longer by 1/(1 − γ).",
    formula=r"\frac{\Delta z}{\eta\rho^2} = -\frac{\lambda'}{2(1-\gamma)}\left(\frac{2(1+\gamma)}"
    r"{2(1+\gamma)-\eta\lambda}\right)^2",
    source="derived; without momentum [B22]",
    process="map of SAM with heavy ball, on the 2-cycle",
    cases=grid(curvature=1.5, slope=(0.7, -0.4), lr=(1.0, 1.2), momentum=(0.3, 0.6)),
    predict=lambda curvature, slope, lr, momentum: -slope / 2 / (1 - momentum) * reach(curvature, lr, momentum),
    rival=lambda curvature, slope, lr, momentum: -slope / 2 / (1 - momentum) * reach(curvature, lr, 0.0),
    mistake="the bounce without momentum",
    measure=with_momentum,
    tolerance=2e-3,
    reason="z moves during the measurement, and λ with it",
)
