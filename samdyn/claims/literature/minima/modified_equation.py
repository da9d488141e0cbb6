"""How closely flows follow the iterates of a method."""

import math

import numpy as np

import samdyn as sd
from samdyn.claims import Claim, grid

LANDSCAPE = sd.landscapes.double_well()
METHODS = {"USAM": sd.USAM(0.1), "SAM": sd.SAM(0.1)}


def error(method: sd.Method, order: int, lr: float) -> float:
    """Return the distance between map and flow at t = 0.2."""
    start = (0.4, 0.8)
    steps = sd.simulate(sd.Map(LANDSCAPE, method, lr), [start], steps=round(0.2 / lr)).w[0, -1].values
    flow = sd.Flow(LANDSCAPE, method, order, lr if order == 2 else None)
    return float(np.linalg.norm(steps - sd.integrate(flow, start, times=0.2, rtol=1e-10, atol=1e-12).w[0, -1].values))


def measure(method: str, order: int) -> float:
    """Return the order of the error in η, between η = 1/100 and 1/200."""
    chosen = METHODS[method]
    return math.log2(error(chosen, order, 1 / 100) / error(chosen, order, 1 / 200))


modified_equation = Claim(
    id="modified-equation",
    statement="The flow ẇ = −F follows the iterates w − ηF(w) of any method with an error of order η, and the flow "
    "ẇ = −F − (η/2)DF·F with one of order η².",
    formula=r"\dot{w} = -F + O(\eta), \quad \dot{w} = -F - \eta\, DF\, F/2 + O(\eta^2)",
    source="derived",
    process="map against flow of USAM and SAM",
    cases=grid(method=("USAM", "SAM"), order=(1, 2)),
    predict=lambda order: float(order),
    rival=lambda: 1.0,
    mistake="a correction that does not raise the order",
    measure=measure,
    tolerance=7e-3,
    reason="the fitted order is that of the limit to O(η)",
)
