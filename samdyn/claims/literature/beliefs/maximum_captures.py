"""If ρ is small, SAM on a double well stays at the maximum if it starts within ρ of it."""

import numpy as np

from samdyn.claims import Claim, Estimate, fails, grid, in_range

from .hallucinated_minimisers import STARTS, ends


def share(rho: float, lr: float) -> Estimate:
    """Return the share of starts from which runs stay at the maximum."""
    captured = np.abs(ends(rho, lr)) < 0.2 * rho
    return Estimate(captured.mean(), half_width=1 / STARTS)


maximum_captures = Claim(
    id="maximum-captures-sam",
    statement="On a double well, if ρ is smaller than the distance from the maximum to the minima, SAM ends at the "
    "maximum from all starts within ρ of it, and from no others.",
    formula=r"P = \rho/2",
    source="derived",
    process="map of SAM on w⁴/4 − w²/2, from starts that are uniform in (−2, 2)",
    cases=grid(rho=(0.1, 0.3, 0.5, 0.7, 0.9, 0.95, 0.99), lr=0.01),
    predict=lambda rho: rho / 2,
    rival=lambda: 0.0,
    mistake="SAM has no attractors but minima for small ρ",
    measure=share,
    tolerance=1e-6,
    reason="the share is exact to one start",
    scan="rho",
    record=in_range(0.1, 0.9),  # above, the bounce about a minimum comes within ρ of the maximum, unless η is smaller
)

small_radius_is_safe = Claim(
    id="small-radius-is-safe",
    statement="On a double well, SAM has attractors that are no minima only if ρ is larger than the distance from the "
    "maximum to the minima; below it all runs end at the minima.",
    formula=r"P(|w_k| \approx 1) = 1 \quad (\rho < 1)",
    source="a converse of the theorem of [P25], which the paper does not state",
    process="map of SAM on w⁴/4 − w²/2, from starts that are uniform in (−2, 2)",
    cases=grid(rho=(0.3, 0.5, 0.7), lr=0.01),
    predict=lambda: 1.0,
    rival=lambda rho: 1 - rho,
    mistake="the share of the starts between the minima, |w| < 1, in place of |w| < 2",
    measure=lambda rho, lr: float((np.abs(np.abs(ends(rho, lr)) - 1) < 0.1).mean()),
    tolerance=1e-3,
    reason="the share is exact to one start",
    record=fails(0.65),
    instead="maximum-captures-sam",
)
