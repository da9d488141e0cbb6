"""The drift of SAM along a line of minima."""

import samdyn as sd
from samdyn.claims import Claim, grid, leading_order


def measure(curvature: str, rho: float, lr: float) -> float:
    """Return the change of z in a step, over steps 20 to 40, from z = ½."""
    map_ = sd.Map(sd.landscapes.ravine(curvature), sd.SAM(rho), lr)
    z = sd.simulate(map_, [[rho / 10, 0.5]], steps=40, save_every=20).w[0, :, 1].values
    return float(z[-1] - z[-2]) / 20


def slopes(curvature: str) -> tuple[float, float]:
    """Return λ and λ′ at z = ½."""
    return {"1 + 2*z**2": (1.5, 2.0), "2 - 0.5*z": (1.75, -0.5)}[curvature]


ravine_drift = Claim(
    id="sam-ravine-drift",
    statement="On the line of minima of ½λ(z)y² SAM's bounce in y drifts down λ, by 2ηρ²λ′/(2 − ηλ)² a step.",
    formula=r"\Delta z = -\frac{2\eta\rho^2}{(2 - \eta\lambda)^2}\,\lambda'(z)",
    source="[B22]; theory 8",
    process="map of SAM",
    cases=grid(curvature=("1 + 2*z**2", "2 - 0.5*z"), rho=(0.005, 0.01, 0.02), lr=(0.3, 0.4)),
    predict=lambda curvature, rho, lr: -2 * lr * rho**2 * slopes(curvature)[1] / (2 - lr * slopes(curvature)[0]) ** 2,
    rival=lambda curvature, rho, lr: -0.5 * lr * rho**2 * slopes(curvature)[1],
    mistake="the limit of small steps, −½ηρ²λ′",
    measure=measure,
    tolerance=2e-3,
    reason="z moves by a share of ρ² in 40 steps, and λ with it",
    small="rho",
    record=leading_order(2),
)
