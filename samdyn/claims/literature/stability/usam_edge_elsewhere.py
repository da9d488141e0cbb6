"""USAM's edge on a landscape whose curvature changes along the way."""

import numpy as np

import samdyn as sd
from samdyn.claims import Claim, Estimate, fails, grid


def measure(rho: float, lr: float) -> Estimate:
    """Return the smallest curvature y² from which a run that starts beside the valley x = 0 diverges."""
    y = np.linspace(1.0, 6.0, 1501)
    starts = np.stack([np.full_like(y, 1e-3), y], axis=1)
    runs = sd.simulate(sd.Map(sd.Landscape("x**2*y**2/2", "x y"), sd.USAM(rho), lr), starts, steps=300)
    first = int(np.argmax(runs.status.values == "diverged"))
    return Estimate.bracket(y[first - 1] ** 2, y[first] ** 2)


usam_edge_elsewhere = Claim(
    id="usam-edge-off-quadratics",
    statement="Also where the curvature changes along the way, USAM diverges if the curvature at its start is above "
    "the edge λ + ρλ² = 2/η: on ½x²y², from beside the valley x = 0, where λ = y².",
    formula=r"\eta\lambda(1 + \rho\lambda) > 2",
    source="derived; on [D23], whose condition is for quadratics",
    process="map of USAM",
    cases=grid(rho=(0.1, 0.2), lr=(0.05, 0.1)),
    predict=sd.theory.edge_of_stability,
    rival=lambda lr: 2 / lr,
    mistake="the edge of gradient descent",
    measure=measure,
    tolerance=5e-3,
    reason="the grid of starts has steps of 0.2 % of λ",
    record=fails(1.64),
    instead="usam-edge",
)
