"""The boundary of capture by a saddle, in the terms that measurements and predictions share."""

import math
from dataclasses import dataclass
from typing import Literal

from .. import html


@dataclass(frozen=True)
class Boundary:
    """The boundary of capture by a saddle: a radius ρ, or a distance from the saddle along its escaping direction.

    The saddle captures runs at radii above the threshold, and runs that start within the width of the trap.

    Attributes:
        quantity: "rho" for a threshold in ρ, "width" for the width of the trap in the units of w.
        low, high: the interval that holds the boundary. A threshold of inf means that no radius captures. A width of
            (0, 0) means that there is no trap. A width with high = inf is at least low: the widest start that was
            tried was captured. With low = inf too, the saddle captures runs from everywhere.
        share: the share of the starts within ``high`` that is captured, if the edge of the trap is fractal: lost starts
            lie among captured ones from low to high. Else None.

    >>> from samdyn.dynamics import Boundary
    >>> print(Boundary("rho", 0.4999, 0.5001))
    ρ>0.5
    >>> print(Boundary("width", 0.2, 0.3))
    w<0.2…0.3
    >>> print(Boundary("width", 0.1, 0.3, share=0.9))
    90 % of w<0.3
    """

    quantity: Literal["rho", "width"]
    low: float
    high: float
    share: float | None = None

    def _repr_html_(self) -> str:
        return html.block(html.table(("capture", "boundary from", "to"), [(str(self), self.low, self.high)]))

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
        if self.share is not None:
            return f"{100 * self.share:.0f} % of w<{self.high:.4g}"
        sharp = self.high - self.low <= 0.01 * self.high
        return f"w<{middle:.4g}" if sharp else f"w<{self.low:.3g}…{self.high:.3g}"
