"""The drift of SAM along a line of minima."""

import samdyn as sd
from samdyn.claims import Claim, grid, leading_order
from samdyn.methods import GSAM


def measure(curvature: str, rho: float, lr: float, alpha: float = 0.0) -> float:
    """Return the change of z in a step of GSAM, over steps 20 to 40, from z = ½. With α = 0 GSAM is SAM."""
    map_ = sd.Map(sd.landscapes.ravine(curvature), GSAM(rho, alpha=alpha), lr)
    z = sd.simulate(map_, [[rho / 10, 0.5]], steps=40, save_every=20).w[0, :, 1].values
    return float(z[-1] - z[-2]) / 20


def slopes(curvature: str) -> tuple[float, float]:
    """Return λ and λ′ at z = ½."""
    return {"1 + 2*z**2": (1.5, 2.0), "2 - 0.5*z": (1.75, -0.5)}[curvature]


def predict(curvature: str, rho: float, lr: float, alpha: float = 0.0) -> float:
    """Return the closed form at z = ½."""
    lam, slope = slopes(curvature)
    return float(sd.theory.valley_drift(lam=lam, slope=slope, rho=rho, lr=lr, alpha=alpha))


ravine_drift = Claim(
    id="sam-ravine-drift",
    statement="On the line of minima of ½λ(z)y² SAM's bounce in y drifts down λ, by 2ηρ²λ′/(2 − ηλ)² a step.",
    formula=r"\Delta z = -\frac{2\eta\rho^2}{(2 - \eta\lambda)^2}\,\lambda'(z)",
    source="[B22]; theory 8",
    process="map of SAM",
    cases=grid(curvature=("1 + 2*z**2", "2 - 0.5*z"), rho=(0.005, 0.01, 0.02), lr=(0.3, 0.4)),
    predict=predict,
    rival=lambda curvature, rho, lr: -0.5 * lr * rho**2 * slopes(curvature)[1],
    mistake="the limit of small steps, −½ηρ²λ′",
    measure=measure,
    tolerance=2e-3,
    reason="z moves by a share of ρ² in 40 steps, and λ with it",
    small="rho",
    record=leading_order(2),
)

gsam_ravine_drift = Claim(
    id="gsam-ravine-drift",
    statement="GSAM bounces as far as SAM, A = ηρλ/(2 − ηλ), and drifts down λ faster: by ½ηαρAλ′ more a step.",
    formula=r"\Delta z = -\frac{\eta}{2}\,((A + \rho)^2 + \alpha A \rho)\,\lambda'(z)",
    source="derived; the method is that of [ZG22]",
    process="map of GSAM",
    cases=grid(curvature="2 - 0.5*z", rho=(0.005, 0.01, 0.02), lr=0.4, alpha=(0.4, 1.0)),
    predict=predict,
    rival=lambda curvature, rho, lr: predict(curvature, rho, lr),
    mistake="the drift of SAM, since both bounce alike",
    measure=measure,
    tolerance=2e-3,
    reason="z moves by a share of ρ² in 40 steps, and λ with it",
    small="rho",
    record=leading_order(2),
)
