"""How SAM changes the difference of the norms of two layers whose scalar product counts."""

import numpy as np
import torch

import samdyn as sd
from samdyn.claims import Claim, grid

X, Y = np.array([1.2, 0.5]), np.array([0.3, -0.4])
INNER = sd.Landscape("(a*c + b*d - 1)**2/2", "a b c d")  # x = (a, b), y = (c, d)


def balance_speed(landscape: sd.Landscape, rho: float, scale: float) -> float:
    """Return dB/dt of SAM's flow, B = ½(‖x‖² − ‖y‖²), at (scale·X, Y)."""
    w = torch.as_tensor(np.concatenate([scale * X, Y]))[:, None]
    moved = (w * sd.Flow(landscape, sd.SAM(rho))(w))[:, 0]
    return float(moved[:2].sum() - moved[2:].sum())


def inner_speed(rho: float, scale: float, at_perturbed: bool = True) -> float:
    """Return −2ρuf′B with f′ = p − 1 at the perturbed point, or at the point itself."""
    x, y = scale * X, Y
    squares, slope = x @ x + y @ y, x @ y - 1
    u = np.sign(slope) / np.sqrt(squares)
    if at_perturbed:
        slope = (x + rho * u * y) @ (y + rho * u * x) - 1
    return float(-2 * rho * u * slope * (x @ x - y @ y) / 2)


balancedness = Claim(
    id="sam-balancedness",
    statement="On f(xᵀy) the flow of SAM changes B = ½(‖x‖² − ‖y‖²) by dB/dt = −2ρ u f′(x̃ᵀỹ) B, x̃ and ỹ at the "
    "perturbed point, u = sgn f′(xᵀy)/√(‖x‖² + ‖y‖²): |B| falls wherever f′ has one sign at both points.",
    formula=r"\dot{B} = -2\rho\, u\, f'(\tilde{x}^T\tilde{y})\, B",
    source="derived; sharpens [LZ24, Theorem 3]",
    process="flow of SAM",
    cases=grid(rho=(0.05, 0.3), scale=(0.3, 3.0, 8.0)),
    predict=lambda rho, scale: inner_speed(rho, scale),
    rival=lambda rho, scale: inner_speed(rho, scale, at_perturbed=False),
    mistake="f′ at the point itself, which is right to first order in ρ",
    measure=lambda rho, scale: balance_speed(INNER, rho, scale),
    tolerance=1e-10,
    reason="rounding",
)
