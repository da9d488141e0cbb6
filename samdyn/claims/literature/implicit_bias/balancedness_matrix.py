"""How SAM changes the difference of the norms of two layers whose outer product counts."""

import numpy as np

import samdyn as sd
from samdyn.claims import Claim, grid, leading_order

from .balancedness import X, Y, balance_speed

TARGET = np.array([[1.0, 0.5], [-0.3, 2.0]])
OUTER = sd.Landscape("((a*c - 1)**2 + (a*d - 0.5)**2 + (b*c + 0.3)**2 + (b*d - 2)**2)/2", "a b c d")


def layer_gradients(scale: float) -> tuple[float, float]:
    """Return ‖∇ₓL‖² and ‖∇_yL‖² of ½‖xyᵀ − A‖²."""
    x, y = scale * X, Y
    g = np.outer(x, y) - TARGET
    return float((g @ y) @ (g @ y)), float((g.T @ x) @ (g.T @ x))


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
