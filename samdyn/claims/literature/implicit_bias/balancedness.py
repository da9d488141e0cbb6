"""How SAM and gradient descent change the difference of the norms of two layers: scalar and matrix products."""

import numpy as np
import torch

import samdyn as sd
from samdyn.claims import Claim, grid, leading_order

X, Y = np.array([1.2, 0.5]), np.array([0.3, -0.4])
TARGET = np.array([[1.0, 0.5], [-0.3, 2.0]])
INNER = sd.Landscape("(a*c + b*d - 1)**2/2", "a b c d")  # x = (a, b), y = (c, d)
OUTER = sd.Landscape("((a*c - 1)**2 + (a*d - 0.5)**2 + (b*c + 0.3)**2 + (b*d - 2)**2)/2", "a b c d")


def balance_speed(landscape: sd.Landscape, rho: float, scale: float) -> float:
    """Return dB/dt of SAM's flow, B = ½(‖x‖² − ‖y‖²), at (scale·X, Y)."""
    w = torch.as_tensor(np.concatenate([scale * X, Y]))[:, None]
    moved = (w * sd.Flow(landscape, sd.SAM(rho))(w))[:, 0]
    return float(moved[:2].sum() - moved[2:].sum())


def gd_factor(lr: float, scale: float) -> float:
    """Return the factor of a step of gradient descent on B."""
    w = torch.as_tensor(np.concatenate([scale * X, Y]))[:, None]
    (end,) = sd.Map(INNER, sd.GD(), lr).step((w,))
    before, after = ((v[:2] ** 2).sum() - (v[2:] ** 2).sum() for v in (w, end))
    return float(after / before)


def inner_speed(rho: float, scale: float, at_perturbed: bool = True) -> float:
    """Return −2ρuf′B with f′ = p − 1 at the perturbed point, or at the point itself."""
    x, y = scale * X, Y
    squares, slope = x @ x + y @ y, x @ y - 1
    u = np.sign(slope) / np.sqrt(squares)
    if at_perturbed:
        slope = (x + rho * u * y) @ (y + rho * u * x) - 1
    return float(-2 * rho * u * slope * (x @ x - y @ y) / 2)


def layer_gradients(scale: float) -> tuple[float, float]:
    """Return ‖∇ₓL‖² and ‖∇_yL‖² of ½‖xyᵀ − A‖²."""
    x, y = scale * X, Y
    g = np.outer(x, y) - TARGET
    return float((g @ y) @ (g @ y)), float((g.T @ x) @ (g.T @ x))


balancedness = Claim(
    id="sam-balancedness",
    statement="On f(xᵀy) the flow of SAM changes B = ½(‖x‖² − ‖y‖²) by dB/dt = −2ρ u f′(x̃ᵀỹ) B, x̃ and ỹ at the "
    "perturbed point, u = sgn f′(xᵀy)/√(‖x‖² + ‖y‖²): |B| falls wherever f′ has one sign at both points.",
    formula=r"\dot{B} = -2\rho\, u\, f'(\tilde{x}^T\tilde{y})\, B",
    source="derived; sharpens [LZ24, Theorem 3]",
    process="flow of SAM",
    cases=grid(rho=(0.05, 0.3), scale=(1.0, 3.0)),
    predict=lambda rho, scale: inner_speed(rho, scale),
    rival=lambda rho, scale: inner_speed(rho, scale, at_perturbed=False),
    mistake="f′ at the point itself, which is right to first order in ρ",
    measure=lambda rho, scale: balance_speed(INNER, rho, scale),
    tolerance=1e-10,
    reason="rounding",
)

matrix_balancedness = Claim(
    id="sam-balancedness-matrix",
    statement="On f(xyᵀ) the flow of SAM changes B = ½(‖x‖² − ‖y‖²) by ρ(‖∇ₓL‖² − ‖∇_yL‖²)/√(‖∇ₓL‖² + ‖∇_yL‖²), "
    "to first order in ρ.",
    formula=r"\dot{B} = \rho\,\frac{\|\nabla_x L\|^2 - \|\nabla_y L\|^2}{\sqrt{\|\nabla_x L\|^2 + \|\nabla_y L\|^2}}",
    source="[LZ24, Theorem 2]",
    process="flow of SAM",
    cases=grid(rho=(0.0005, 0.001, 0.002), scale=(1.0, 3.0)),
    predict=lambda rho, scale: rho * np.subtract(*layer_gradients(scale)) / np.sqrt(np.add(*layer_gradients(scale))),
    rival=lambda rho, scale: rho * np.subtract(*layer_gradients(scale)),
    mistake="the rate of USAM",
    measure=lambda rho, scale: balance_speed(OUTER, rho, scale),
    tolerance=4e-3,
    reason="the relative error is of order ρ",
    small="rho",
    record=leading_order(1),
)

gd_balancedness = Claim(
    id="gd-balancedness",
    statement="On f(xᵀy) a step of gradient descent multiplies ‖x‖² − ‖y‖² by 1 − η²f′². The flow conserves it, "
    "the iterates do not.",
    formula=r"B_{k+1} = (1 - \eta^2 f'^2)\, B_k",
    source="derived; [LZ24, Theorem 1] for the flow",
    process="map of GD",
    cases=grid(lr=(0.1, 0.5), scale=(1.0, 3.0)),
    predict=lambda lr, scale: 1 - lr**2 * (scale * X @ Y - 1) ** 2,
    rival=lambda: 1.0,
    mistake="the conservation law of the flow",
    measure=gd_factor,
    tolerance=1e-10,
    reason="rounding",
)
