"""What three notions of sharpness measure at a minimum."""

import numpy as np
import torch

import samdyn as sd
from samdyn.claims import Claim, grid

LANDSCAPE = sd.Landscape("(3 + z)*x**2/2 + (1 + z**2)*y**2/2", "x y z")  # minima on the line x = y = 0


def measure(sharpness: str, z: float, rho: float) -> float:
    """Return L over ρ² at perturbed points of (0, 0, z): its maximum or mean over a sphere, or its least at SAM's."""
    point = np.array([[0.0], [0.0], [z]])
    heights, weights = np.polynomial.legendre.leggauss(41)
    angles = np.linspace(0, 2 * np.pi, 120, endpoint=False)
    if sharpness == "ascent":
        offsets = 1e-6 * rho * np.stack([np.cos(angles), np.sin(angles), 0 * angles])
        points = sd.SAM(rho).perturbed(torch.as_tensor(point + offsets), LANDSCAPE.grad)
        return float(LANDSCAPE.value(points).min()) / rho**2
    across = np.sqrt(1 - heights**2)[:, None]
    sphere = np.stack(np.broadcast_arrays(across * np.cos(angles), across * np.sin(angles), heights[:, None]))
    values = LANDSCAPE.value(torch.as_tensor(point[..., None] + rho * sphere)).numpy() / rho**2
    return float(values.max() if sharpness == "maximum" else (weights @ values.mean(axis=1)) / 2)


def predict(sharpness: str, z: float) -> float:
    """Return the sharpness over ρ² in the limit of small ρ."""
    positive = 3 + z, 1 + z**2  # the eigenvalues of the Hessian; the third is 0
    return {"maximum": max(positive) / 2, "average": sum(positive) / (2 * 3), "ascent": min(positive) / 2}[sharpness]


explicit_biases = Claim(
    id="three-sharpnesses",
    statement="Three sharpnesses of a minimum measure three curvatures. The largest loss at the distance ρ is ½ρ²λ₁, "
    "the mean loss there is ρ²tr H/(2d), and the least loss at SAM's perturbed points of nearby w is ½ρ² times the "
    "smallest positive eigenvalue λ_M.",
    formula=r"\rho^2\lambda_1/2, \quad \rho^2\,\mathrm{tr}\,H/(2d), \quad \rho^2\lambda_M/2",
    source="[W22, Theorem 4.2]",
    process="losses at perturbed points",
    cases=grid(sharpness=("maximum", "average", "ascent"), z=(0.5, -1.5), rho=1e-3),
    predict=predict,
    rival=lambda z: predict("maximum", z),
    mistake="the largest eigenvalue for all three",
    measure=measure,
    tolerance=1e-4,
    reason="a grid of 120 angles that has the eigenvectors; the error of the expansion is of order ρ²",
)
