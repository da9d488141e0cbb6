"""USAM stops in a valley in which SAM drifts on."""

import math

from scipy.optimize import brentq

import samdyn as sd
from samdyn.claims import Claim, grid, leading_order

Y = 2.0  # the start, in the units of w


def after_drift(y: float, lr: float, time: float) -> float:
    """Return the y that SAM reaches in the time ηρ²k if it drifts by −4ηρ²y/(2 − ηy²)² a step."""

    def integral(y: float) -> float:
        return 4 * math.log(y) - 2 * lr * y**2 + lr**2 * y**4 / 4

    return float(brentq(lambda end: integral(end) - integral(y) + 4 * time, 1e-3, y))


def measure(method: sd.Method, lr: float, time: float) -> float:
    """Return the y that is reached in this time."""
    steps = round(time / (lr * method.radius**2))
    runs = sd.simulate(sd.Map(sd.Landscape("x**2*y**2/2", "x y"), method, lr), [[method.radius / 2, Y]], steps=steps)
    return float(runs.w[0, -1, 1])


usam_stops = Claim(
    id="usam-stops-in-a-valley",
    statement="In the valley x = 0 of ½x²y² USAM comes to rest at a minimum and drifts no further.",
    formula=r"y_{2k} = y_k",
    source="[D23]",
    process="map of USAM",
    cases=grid(lr=0.1, time=(0.08, 0.12)),
    predict=lambda: 1.0,
    rival=lambda lr, time: after_drift(Y, lr, 2 * time) / after_drift(Y, lr, time),
    mistake="the drift of SAM",
    measure=lambda lr, time: measure(sd.USAM(0.05), lr, 2 * time) / measure(sd.USAM(0.05), lr, time),
    tolerance=1e-9,
    reason="x shrinks by more than ηy² a step, so that y no longer changes after 100 steps",
)

sam_drifts = Claim(
    id="sam-drifts-in-a-valley",
    statement="In the valley x = 0 of ½x²y² SAM drifts to lower curvature, by 4ηρ²y/(2 − ηy²)² a step.",
    formula=r"\Delta y = -\frac{4\eta\rho^2 y}{(2 - \eta y^2)^2}",
    source="[D23]; rate derived, after [B22]",
    process="map of SAM",
    cases=grid(rho=(0.05, 0.1, 0.2), lr=(0.05, 0.1), time=(0.08, 0.12)),
    predict=lambda lr, time: after_drift(Y, lr, time),
    rival=lambda lr, time: Y * math.exp(-time),
    mistake="the drift in the limit of small steps",
    measure=lambda rho, lr, time: measure(sd.SAM(rho), lr, time),
    tolerance=2e-3,
    reason="the relative error is of order ρ²",
    small="rho",
    record=leading_order(2),
)
