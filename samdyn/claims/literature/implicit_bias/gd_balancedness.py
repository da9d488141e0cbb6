"""How gradient descent changes the difference of the norms of two layers."""

import numpy as np
import torch

import samdyn as sd
from samdyn.claims import Claim, grid

from .balancedness import INNER, X, Y


def gd_factor(lr: float, scale: float) -> float:
    """Return the factor of a step of gradient descent on B."""
    w = torch.as_tensor(np.concatenate([scale * X, Y]))[:, None]
    (end,) = sd.Map(INNER, sd.GD(), lr).step((w,))
    before, after = ((v[:2] ** 2).sum() - (v[2:] ** 2).sum() for v in (w, end))
    return float(after / before)


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
