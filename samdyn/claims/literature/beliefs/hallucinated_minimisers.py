"""If ρ is large, SAM on a double well ends at points that are no minima."""

import numpy as np

import samdyn as sd
from samdyn.claims import Claim, grid

STEPS = 3000
STARTS = 4000  # evenly spaced in (−2, 2), none of them at 0


def ends(rho: float, lr: float) -> np.ndarray:
    """Return the last points of runs of SAM on w⁴/4 − w²/2, all started within two of the maximum at 0."""
    well = sd.Landscape("w**4/4 - w**2/2", "w")
    starts = -2 + 4 * (np.arange(STARTS) + 0.5) / STARTS
    runs = sd.simulate(sd.Map(well, sd.SAM(rho), lr=lr), starts[:, None], STEPS, progress=False)
    return np.asarray(runs.w[:, -1, 0].values)


def nearest_and_farthest(rho: float, lr: float) -> np.ndarray:
    """Return the smallest and the largest distance from the maximum at which runs end."""
    distances = np.abs(ends(rho, lr))
    return np.array([distances.min(), distances.max()])


hallucinated_minimisers = Claim(
    id="hallucinated-minimisers",
    statement="On the double well w⁴/4 − w²/2, if ρ is larger than the distance 1 from its maximum to its minima, SAM "
    "converges to the points ±(ρ − 1), whose gradient is not 0: at the perturbed point, a minimum, it is 0.",
    formula=r"|\hat{w}| = \rho - 1 \quad (1 < \rho < 2)",
    source="[P25], that there are such points; those of this well are derived",
    process="map of SAM on w⁴/4 − w²/2, from starts in (−2, 2)",
    cases=grid(rho=(1.2, 1.5, 1.9), lr=0.01),
    predict=lambda rho: np.full(2, rho - 1),
    rival=lambda: 1.0,
    mistake="convergence to the minima",
    measure=nearest_and_farthest,
    tolerance=1e-6,
    reason="runs converge by 1 − 2η a step",
)
