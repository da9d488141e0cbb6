"""The angle between SAM's two gradients near a saddle."""

from collections.abc import Sequence

import numpy as np

import samdyn as sd
from samdyn.claims import Claim, grid

STARTS = ((0.0, 0.2), (0.0, 0.8), (0.3, 0.2), (0.1, -0.4), (-0.02, 0.45))


def cosines(eigenvalues: Sequence[float], rho: float) -> np.ndarray:
    """Return the cosine of the two gradients at the starts of runs."""
    map_ = sd.Map(sd.landscapes.quadratic(eigenvalues), sd.SAM(rho), lr=0.01)
    runs = sd.simulate(map_, STARTS, 1, save_every=1, progress=False)
    return np.asarray(sd.analysis.cosine(map_, runs)[:, 0])


def predicted(eigenvalues: Sequence[float], rho: float) -> np.ndarray:
    """Return gᵀ(I + ρH/‖g‖)g over the norms, g = Hw."""
    g = np.array(STARTS) * eigenvalues
    norm = np.linalg.norm(g, axis=1, keepdims=True)
    perturbed = g * (1 + rho * np.array(eigenvalues) / norm)
    return np.asarray((g * perturbed).sum(1) / (norm[:, 0] * np.linalg.norm(perturbed, axis=1)))


cosine_flips = Claim(
    id="gradients-turn-at-saddle",
    statement="Along its escape direction SAM's two gradients are opposite within ρ of a saddle, and parallel beyond; "
    "between the axes the angle follows from (I + ρH/‖g‖)g.",
    formula=r"\cos = g^T(I + \rho H/\|g\|)\,g\ /\ (\|g\|\,\|(I + \rho H/\|g\|)\,g\|)",
    source="[K23, Case III]; the angle is derived",
    process="map of SAM on a quadratic",
    cases=grid(eigenvalues=((2.0, -2.0), (2.0, -1.0)), rho=(0.1, 0.5)),
    predict=predicted,
    rival=lambda: np.ones(len(STARTS)),
    mistake="the gradient at the perturbed point is about parallel to that at the point",
    measure=cosines,
    tolerance=1e-9,
    reason="rounding",
)
