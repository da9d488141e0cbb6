"""Where normalised SAM ends on a double well: at minima, at points that are none, or at the maximum between them."""

import numpy as np

import samdyn as sd
from samdyn.claims import Claim, Estimate, fails, grid, in_range

STEPS = 3000
STARTS = 4000  # evenly spaced in (−2, 2), none of them at 0


def ends(rho: float, lr: float) -> np.ndarray:
    """Return the last points of runs of SAM on w⁴/4 − w²/2, all started within two of the maximum at 0."""
    well = sd.Landscape("w**4/4 - w**2/2", "w")
    starts = -2 + 4 * (np.arange(STARTS) + 0.5) / STARTS
    runs = sd.simulate(sd.Map(well, sd.SAM(rho), lr=lr), starts[:, None], STEPS, progress=False)
    return np.asarray(runs.w[:, -1, 0].values)


def share(rho: float, lr: float) -> Estimate:
    """Return the share of starts from which runs stay at the maximum."""
    captured = np.abs(ends(rho, lr)) < 0.2 * rho
    return Estimate(captured.mean(), half_width=1 / STARTS)


hallucinated_minimisers = Claim(
    id="hallucinated-minimisers",
    statement="If ρ is larger than the distance from a maximum to a minimum, SAM converges to points at a distance ρ "
    "from the minimum, whose gradient is not 0.",
    formula=r"|\hat{w}| = \rho - 1 \quad (1 < \rho < 2)",
    source="[P25]; the points on this well are derived",
    process="map of SAM on w⁴/4 − w²/2, from starts in (−2, 2)",
    cases=grid(rho=(1.2, 1.5, 1.9), lr=0.01),
    predict=lambda rho: np.full(2, rho - 1),
    rival=lambda: 1.0,
    mistake="convergence to the minima",
    measure=lambda rho, lr: np.abs(ends(rho, lr))[[0, STARTS // 2]],
    tolerance=1e-6,
    reason="runs converge by 1 − 2η a step",
)

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
