"""The 2-cycle of SAM along a direction of negative curvature."""

from scipy.optimize import brentq

import samdyn as sd
from samdyn.claims import Claim

from .concave_chaos import CASES, concave_map


def multiplier(lam: float, rho: float, lr: float) -> float:
    """Return the factor of two steps on a deviation from the point w > 0 that one step takes to −w."""
    map_ = concave_map(lam, rho, lr)

    def after(w: float, steps: int) -> float:
        return float(sd.simulate(map_, [[w]], steps=steps).w[0, -1, 0])

    cycle = float(brentq(lambda w: after(w, 1) + w, 1e-6 * rho, rho, xtol=1e-15 * rho))
    return (after(cycle * (1 + 1e-5), 2) - after(cycle * (1 - 1e-5), 2)) / (2e-5 * cycle)


concave_cycle = Claim(
    id="sam-concave-cycle-repels",
    statement="Along a direction of curvature λ < 0 SAM has a 2-cycle, which repels: two steps multiply a "
    "deviation by (1 + η|λ|)².",
    formula=r"m = (1 + \eta|\lambda|)^2",
    source="derived; [B22] is on minima",
    process="map of SAM",
    cases=CASES,
    predict=lambda lam, lr: (1 + lr * abs(lam)) ** 2,
    rival=lambda lam, lr: (1 - lr * abs(lam)) ** 2,
    mistake="the factor of the 2-cycle along λ > 0",
    measure=multiplier,
    tolerance=1e-6,
    reason="rounding in the difference of two points that are 1e-5 apart",
)
