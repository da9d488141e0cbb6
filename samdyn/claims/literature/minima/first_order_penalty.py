"""The penalties that SAM and USAM follow to first order in ρ."""

import numpy as np
import torch

import samdyn as sd
from samdyn.claims import Claim, grid, leading_order

LANDSCAPE = sd.Landscape("x**2*y/2 + y**3/3 - x", "x y")
METHODS = {"SAM": sd.SAM, "USAM": sd.USAM}


def measure(method: str, point: tuple[float, float], rho: float) -> np.ndarray:
    """Return (F(w) − ∇L(w))/ρ."""
    w = torch.tensor(point, dtype=torch.float64)[:, None]
    change = METHODS[method](rho)(w, LANDSCAPE.grad) - LANDSCAPE.grad(w)
    return (change[:, 0] / rho).numpy()


def penalty_gradients(point: tuple[float, float]) -> dict[str, np.ndarray]:
    """Return the gradients of ‖∇L‖ and of ½‖∇L‖²."""
    (x, y), h = point, np.array([[point[1], point[0]], [point[0], 2 * point[1]]])
    g = np.array([x * y - 1, x**2 / 2 + y**2])
    return {"SAM": h @ g / np.linalg.norm(g), "USAM": h @ g}


first_order_penalty = Claim(
    id="sam-gradient-norm",
    statement="To first order in ρ SAM's field is the gradient of L + ρ‖∇L‖, and USAM's that of L + (ρ/2)‖∇L‖².",
    formula=r"F_{SAM} = \nabla(L + \rho\,\|\nabla L\|) + O(\rho^2), \quad "
    r"F_{USAM} = \nabla(L + \frac{\rho}{2}\|\nabla L\|^2) + O(\rho^2)",
    source="[C23]; [ZP22]",
    process="fields of SAM and USAM",
    cases=grid(method=("SAM", "USAM"), point=((0.5, 0.8), (-1.0, 2.0)), rho=(0.0005, 0.001, 0.002)),
    predict=lambda method, point: penalty_gradients(point)[method],
    rival=lambda method, point: penalty_gradients(point)["USAM" if method == "SAM" else "SAM"],
    mistake="the penalty of the other method",
    measure=measure,
    tolerance=3e-3,
    reason="the relative error is of order ρ",
    small="rho",
    record=leading_order(1),
)
