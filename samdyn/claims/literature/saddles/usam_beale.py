"""The radius from which the saddle of Beale's function attracts USAM."""

from fractions import Fraction

import numpy as np
import torch
from scipy.optimize import brentq

import samdyn as sd
from samdyn.claims import Claim, grid

CLOSE = 1e-5  # distance from the saddle, in the units of w


def threshold(point: tuple[float, float], lr: float) -> float:
    """Return the radius at which the multipliers of a step from near the saddle come to lie within the unit circle."""
    beale = sd.landscapes.beale()
    offsets = torch.tensor([[1, 0, -1, 0], [0, 1, 0, -1]], dtype=torch.float64)
    around = torch.tensor(point, dtype=torch.float64)[:, None] + CLOSE * offsets

    def largest(rho: float) -> float:
        (ends,) = sd.Map(beale, sd.USAM(rho), lr=lr).step((around,))
        jacobian = ((ends[:, :2] - ends[:, 2:]) / (2 * CLOSE)).numpy()
        return float(np.abs(np.linalg.eigvals(jacobian)).max() - 1)

    return float(brentq(largest, 1e-3, 1.0, rtol=1e-9))


usam_beale = Claim(
    id="usam-beale",
    statement="The saddle (0, 1) of Beale's function, λ = ±111/4, attracts USAM for ρ > 4/111.",
    formula=r"\rho^* = 4/111",
    source="[K23, Theorem 1]; the number is derived",
    process="map of USAM on Beale's function",
    cases=grid(point=((0.0, 1.0),), lr=(1e-4, 1.25e-5)),
    predict=lambda: float(Fraction(4, 111)),
    rival=lambda: 0.5,
    mistake="the radius from which normalised SAM ends at this saddle in the figures of [K23]",
    measure=threshold,
    tolerance=1e-5,
    reason="the multipliers are differences over 2e-5",
)
