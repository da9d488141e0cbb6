"""SAM with a weight of the sharpness."""

from dataclasses import dataclass, field
from typing import Any

from ... import checks
from ...ops import Point, unit
from ...oracle import Oracle
from ..method import Ascent


@dataclass(frozen=True)
class WSAM(Ascent):
    """Weighted SAM: F(w) = g + γ/(1−γ) (gₚ − g), with gₚ = ∇L(w + ρ g/‖g‖) and g = ∇L(w).

    γ/(1−γ) weighs the sharpness L(w + ρ g/‖g‖) − L(w). With γ = ½ the method is SAM, and with γ = 0 it is GD. The
    authors let a base optimizer transform g alone and subtract the sharpness afterwards. With SGD without momentum that
    is this method. With a base or momentum, ``Map`` transforms the sum, as their form that is not decoupled.

    [YJ23, equation 5 and algorithm 1]

    >>> import samdyn as sd, torch
    >>> loss, w = sd.Landscape("x**2 - y**2", "x y"), torch.tensor([0.75, 1.0], dtype=torch.float64)
    >>> sd.methods.WSAM(rho=0.5, gamma=0.75)(w, loss.grad).round(decimals=6).tolist()  # g = (1.5, −2), gₚ = (2.1, −1.2)
    [3.3, 0.4]

    Attributes:
        rho, ascent_steps, average: as of SAM.
        gamma: γ in [0, 1), or one per run.

    Raises:
        InputError: as Ascent; γ is out of its range.
    """

    gamma: Any = field(default=0.9, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "gamma", checks.fraction("gamma", self.gamma, "Use e.g. gamma=0.9, or 0.5 for SAM"))

    def direction(self, w: Point, g: Point, grad: Oracle) -> Point:
        """Return g/‖g‖."""
        return unit(g)

    def __call__(self, w: Point, grad: Oracle) -> Point:
        g = grad(w)
        return g + self.gamma / (1 - self.gamma) * (self.climb(w, grad, g) - g)
