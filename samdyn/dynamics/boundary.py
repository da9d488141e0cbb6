"""Where capture by a saddle begins, in the terms that measurements and predictions share."""

import math
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Boundary:
    """Where capture begins: above a radius ρ, or within a distance of the saddle along its escaping direction.

    Attributes:
        quantity: "rho", a threshold in ρ, or "width", a distance w in the units of w.
        low, high: the interval it lies in. A threshold of inf: at no radius. A width of (0, 0): no trap was found; with
            high = inf it is at least low, and nothing was lost from as far out as was looked; with low = inf too, runs
            are captured from everywhere.
    """

    quantity: Literal["rho", "width"]
    low: float
    high: float

    def __str__(self) -> str:
        middle = (self.low + self.high) / 2
        if self.quantity == "rho":
            return f"ρ>{middle:.4g}" if math.isfinite(middle) else "never"
        if not self.high:
            return "none found"
        if math.isinf(self.low):
            return "everywhere"
        if math.isinf(self.high):
            return f"w≥{self.low:.4g}"
        sharp = self.high - self.low <= 0.01 * self.high
        return f"w<{middle:.4g}" if sharp else f"w<{self.low:.3g}…{self.high:.3g}"
