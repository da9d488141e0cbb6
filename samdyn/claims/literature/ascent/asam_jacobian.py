"""The linearisation of unnormalised ASAM at a critical point."""

import numpy as np
import torch

import samdyn as sd
from samdyn.claims import Claim, grid

LANDSCAPE = sd.Landscape("(x - 1.5)**2 + (x - 1.5)*(y + 0.5) - (y + 0.5)**2/2", "x y")
CENTER, HESSIAN = np.array([1.5, -0.5]), np.array([[2.0, 1.0], [1.0, -1.0]])
LR = 0.1


def measure(rho: float, shift: float) -> np.ndarray:
    """Return (I − Dstep)/η at the critical point, by differences of steps from 2·10⁻⁵ apart."""
    offsets = 1e-5 * np.concatenate([np.eye(2), -np.eye(2)])
    starts = torch.as_tensor((CENTER + offsets).T)
    (ends,) = sd.Map(LANDSCAPE, sd.UASAM(rho, shift=shift), LR).step((starts,))
    return (np.eye(2) - (ends[:, :2] - ends[:, 2:]).numpy() / 2e-5) / LR


def effective(rho: float, scale: np.ndarray) -> np.ndarray:
    """Return H(I + ρSH) for a diagonal S."""
    return HESSIAN @ (np.eye(2) + rho * np.diag(scale) @ HESSIAN)


asam_jacobian = Claim(
    id="asam-jacobian",
    statement="Near a critical point unnormalised ASAM acts as gradient descent with H(I + ρT²H), T = diag(|w| + s): "
    "whether a saddle attracts depends on where it is.",
    formula=r"J = -H(I + \rho T^2 H)",
    source="derived; unnormalised form of the method of [A21]",
    process="map of unnormalised ASAM",
    cases=grid(rho=(0.2, 0.8), shift=(0.0, 0.1)),
    predict=lambda rho, shift: effective(rho, (abs(CENTER) + shift) ** 2),
    rival=lambda rho, shift: effective(rho, abs(CENTER) + shift),
    mistake="T in place of T², as if the gradient were not rescaled as well",
    measure=measure,
    tolerance=1e-7,
    reason="the error of the differences is of order 1e-10, rounding of order 1e-10",
)
