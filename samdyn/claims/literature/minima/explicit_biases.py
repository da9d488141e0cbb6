"""What three notions of sharpness measure at a minimum."""

import numpy as np
import torch

import samdyn as sd
from samdyn.claims import Claim, grid

LANDSCAPE = sd.Landscape("(3 + z)*x**2/2 + (1 + z**2)*y**2/2", "x y z")  # minima on the line x = y = 0
POINT = np.array([[0.0], [0.0], [0.5]])  # there the eigenvalues are 3.5, 1.25 and 0
EIGENVALUES = np.array([3.5, 1.25, 0.0])


def measure(sharpness: str, rho: float) -> float:
    """Return L at perturbed points over ρ²: the maximum or mean over a sphere, or the infimum near POINT at SAM's."""
    heights, weights = np.polynomial.legendre.leggauss(41)
    angles = np.linspace(0, 2 * np.pi, 120, endpoint=False)
    if sharpness == "ascent":
        offsets = 1e-6 * rho * np.stack([np.cos(angles), np.sin(angles), 0 * angles])
        points = sd.SAM(rho).perturbed(torch.as_tensor(POINT + offsets), LANDSCAPE.grad)
        return float(LANDSCAPE.value(points).min()) / rho**2
    across = np.sqrt(1 - heights**2)[:, None]
    sphere = np.stack(np.broadcast_arrays(across * np.cos(angles), across * np.sin(angles), heights[:, None]))
    values = LANDSCAPE.value(torch.as_tensor(POINT[..., None] + rho * sphere)).numpy() / rho**2
    return float(values.max() if sharpness == "maximum" else (weights @ values.mean(axis=1)) / 2)


def predict(sharpness: str) -> float:
    """Return the sharpness in the limit of small ρ."""
    if sharpness == "average":
        return float(EIGENVALUES.sum()) / (2 * len(EIGENVALUES))
    return float({"maximum": EIGENVALUES[0], "ascent": EIGENVALUES[1]}[sharpness]) / 2


explicit_biases = Claim(
    id="three-sharpnesses",
    statement="At a minimum the loss at the worst point of a sphere, at a random one, and at SAM's own perturbed "
    "point (its infimum nearby) measure three curvatures: ½ρ²λ₁, ρ²tr H/(2d), and "
    "½ρ² times the smallest positive eigenvalue.",
    formula=r"\rho^2\lambda_1/2, \quad \rho^2\,\mathrm{tr}\,H/(2d), \quad \rho^2\lambda_M/2",
    source="[W22, Theorem 4.2]",
    process="losses at perturbed points",
    cases=grid(sharpness=("maximum", "average", "ascent"), rho=1e-3),
    predict=predict,
    rival=lambda: float(EIGENVALUES[0]) / 2,
    mistake="the largest eigenvalue for all three",
    measure=measure,
    tolerance=1e-4,
    reason="a grid of 120 angles that has the eigenvectors; the error of the expansion is of order ρ²",
)
