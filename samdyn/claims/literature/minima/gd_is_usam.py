"""Gradient descent as a flow of USAM."""

from scipy.optimize import brentq

import samdyn as sd
from samdyn.claims import Claim, grid, leading_order

LANDSCAPE = sd.Landscape("(x**2 - 1)**2/4", "x")


def measure(start: float, lr: float) -> float:
    """Return the ρ with which USAM's flow is at t = 0.3 where gradient descent is."""
    end = sd.simulate(sd.Map(LANDSCAPE, sd.GD(), lr), [[start]], steps=round(0.3 / lr)).w[0, -1, 0].values

    def difference(rho: float) -> float:
        flow = sd.Flow(LANDSCAPE, sd.USAM(rho))
        return float(sd.integrate(flow, [start], times=0.3, rtol=1e-9, atol=1e-11).w[0, -1, 0]) - float(end)

    return float(brentq(difference, 0.0, 0.5, xtol=1e-8))


gd_is_usam = Claim(
    id="gd-is-usam-with-half-lr",
    statement="Gradient descent with a finite step η follows the flow of USAM with ρ = η/2, to an error of order η².",
    formula=r"\rho = \eta/2",
    source="derived",
    process="map of GD against the flow of USAM",
    cases=grid(start=(0.3, -0.2), lr=(0.003, 0.006, 0.012)),
    predict=lambda lr: lr / 2,
    rival=lambda lr: lr,
    mistake="ρ = η, the point after the step instead of its middle",
    measure=measure,
    tolerance=5e-3,
    reason="the relative error is of order η",
    small="lr",
    record=leading_order(1),
)
