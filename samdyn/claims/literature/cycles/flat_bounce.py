"""The 2-cycle of SAM at a minimum without curvature."""

import torch
from scipy.optimize import brentq

import samdyn as sd
from samdyn.claims import Claim, grid, leading_order


def measure(power: int, rho: float, lr: float) -> float:
    """Return the point w > 0 that one step takes to −w."""
    map_ = sd.Map(sd.Landscape(f"x**{power}/{power}", "x"), sd.SAM(rho), lr)

    def middle(w: float) -> float:
        return w + float(map_.step((torch.tensor([[w]], dtype=torch.float64),))[0])

    return float(brentq(middle, 1e-9 * rho, rho, xtol=1e-15 * rho))


flat_bounce = Claim(
    id="sam-flat-minimum-bounce",
    statement="SAM bounces also at a minimum whose curvature is 0: on L = |w|ʳ/r the 2-cycle has the amplitude "
    "½η|L′(ρ)| = ½ηρʳ⁻¹, for small ρ.",
    formula=r"|w| = \eta\rho^{r-1}/2",
    source="derived",
    process="map of SAM",
    cases=grid(power=4, rho=(0.05, 0.1, 0.2), lr=0.2) + grid(power=6, rho=(0.05, 0.1, 0.2), lr=0.4),
    predict=lambda power, rho, lr: lr * rho ** (power - 1) / 2,
    rival=lambda power, rho, lr: lr * (power - 1) * rho ** (power - 1) / 2,
    mistake="ηρλ/2 with the curvature at the distance ρ",
    measure=measure,
    tolerance=2e-3,
    reason="the relative error is (r−1)ηρʳ⁻²/2, 0.08 % at r = 4, and less at r = 6, at the smallest ρ",
    small="rho",
    record=leading_order(2),
)
