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
    statement="If ρ is smaller than the distance from a maximum to a minimum, SAM stays at the maximum from all starts "
    "within ρ of it: a small ρ has no hallucinated minimisers but captures.",
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
    record=in_range(0.1, 0.9),  # above, runs that bounce about a minimum come within ρ of the maximum
)

small_radius_is_safe = Claim(
    id="small-radius-is-safe",
    statement="SAM's attractors that are no minima need a ρ larger than the distance from a maximum to a minimum; "
    "below it all runs end at the minima.",
    formula=r"P(|w_k| \approx 1) = 1 \quad (\rho < 1)",
    source="[P25], a reading of its theorem",
    process="map of SAM on w⁴/4 − w²/2, from starts that are uniform in (−2, 2)",
    cases=grid(rho=(0.3, 0.5, 0.7), lr=0.01),
    predict=lambda: 1.0,
    rival=lambda rho: 1 - rho,
    mistake="capture of starts within ρ on both sides counted twice",
    measure=lambda rho, lr: float((np.abs(np.abs(ends(rho, lr)) - 1) < 0.1).mean()),
    tolerance=1e-3,
    reason="the share is exact to one start",
    record=fails(0.65),
    instead="maximum-captures-sam",
)
