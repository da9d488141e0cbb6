"""Motion on a surface across which the field jumps, in the sense of Filippov.

A.F. Filippov, *Differential Equations with Discontinuous Righthand Sides*, Kluwer 1988, §4: where the field points to
the surface from both sides, a run follows the convex combination of the two limits that is tangent to it.
"""

import torch

from .jumps import Function, Surface, locate


class Sliding:
    """The velocity of runs that slide.

    Attributes:
        field: the velocity beside the surface.
        normals: (d, N), of each run where it is, for where to look for its surface.
    """

    def __init__(self, field: Function, normals: torch.Tensor) -> None:
        self.field, self.normals = field, normals
        self._latest = normals[:, :0]

    def __call__(self, w: torch.Tensor, which: torch.Tensor) -> torch.Tensor:
        """Return the velocity at points near the surfaces, NaN where they let go: ``(d, n), (n,) -> (d, n)``."""
        surface = self.surface(w, self.normals[:, which])
        self._latest = surface.normal
        return slide(surface)

    def accept(self, which: torch.Tensor, accepted: torch.Tensor) -> None:
        """Go on from where the velocity was last asked for."""
        self.normals[:, which[accepted]] = self._latest[:, accepted]

    def land(self, w: torch.Tensor, which: torch.Tensor) -> torch.Tensor:
        """Return the points of the surfaces next to points near them: ``(d, n), (n,) -> (d, n)``."""
        return self.surface(w, self.normals[:, which]).w

    def surface(self, w: torch.Tensor, way: torch.Tensor) -> Surface:
        """Find the surfaces near w (d, n) that the field points to along ``way`` (d, n)."""

        def beyond(x: torch.Tensor) -> torch.Tensor:
            return (self.field(x) * way.reshape(len(w), *[1] * (x.ndim - 2), -1)).sum(0) < 0

        return locate(self.field, beyond, w, way)


def slide(surface: Surface) -> torch.Tensor:
    """Return the sliding velocity ``(d, n)``, NaN where the field does not point to the surface from both sides."""
    towards, away = surface.speeds
    velocity = (towards * surface.after - away * surface.before) / (towards - away)
    return torch.where(surface.known & (towards > 0) & (away < 0), velocity, torch.nan)
