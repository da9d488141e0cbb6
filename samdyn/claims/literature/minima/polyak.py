"""SAM with Polyak's step."""

import numpy as np

import samdyn as sd
from samdyn.claims import Claim, grid


def measure(eigenvalues: tuple[float, ...], start: float, rho: float, steps: int) -> float:
    """Return |w| after steps of SAM with Polyak's step, from the last axis."""
    map_ = sd.Map(sd.landscapes.quadratic(eigenvalues), sd.methods.PolyakSAM(rho), lr=1.0)
    w0 = [0.0] * (len(eigenvalues) - 1) + [start]
    return float(np.linalg.norm(sd.simulate(map_, w0, steps, progress=False).w.values[0, -1]))


polyak = Claim(
    id="sam-polyak-stalls",
    statement="With Polyak's step normalised SAM along an eigenvector halves its distance from the sphere of "
    "radius ρ around the minimum each step, and stalls there.",
    formula=r"|w_k| = \rho + (|w_0| - \rho)/2^k",
    source="derived; the rule is that of [OL26]",
    process="map of SAM with Polyak's step",
    cases=grid(eigenvalues=((1.7,), (4.0, 0.6)), start=(0.9, 1.5), rho=(0.1, 0.2), steps=(3, 40)),
    predict=lambda start, rho, steps: rho + (start - rho) / 2**steps,
    rival=lambda start, steps: start / 2**steps,
    mistake="the halved distance from the minimum, as for gradient descent with Polyak's step",
    measure=measure,
    tolerance=1e-9,
    reason="rounding",
)
