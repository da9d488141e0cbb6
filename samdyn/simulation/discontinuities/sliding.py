"""The velocity of runs that slide on surfaces across which the field jumps, at every step of an integration."""

import torch

from .jumps import Function, Surface, locate
from .search import SurfaceSearch


class Sliding:
    """The velocity of runs that slide.

    Attributes:
        field: the velocity beside the surface.
        normals: (d, N), the normal of each run's surface where the run is; the search for the surface goes along it.
    """

    def __init__(self, field: Function, normals: torch.Tensor, backend: str = "auto") -> None:
        self.field, self.normals = field, normals
        self._search = SurfaceSearch(field, backend)
        self._latest = normals[:, :0]

    def __call__(self, w: torch.Tensor, which: torch.Tensor) -> torch.Tensor:
        """Return the velocity at points near the surfaces, NaN where runs leave: ``(d, n), (n,) -> (d, n)``."""
        surface = self.surface(w, self.normals[:, which])
        self._latest = surface.normal
        return surface.sliding_velocity

    def accept(self, which: torch.Tensor, moves: torch.Tensor) -> None:
        """Store the normals of the latest evaluation for the runs that accepted the step to it."""
        self.normals[:, which[moves]] = self._latest[:, moves]

    def land(self, w: torch.Tensor, which: torch.Tensor) -> torch.Tensor:
        """Return the points of the surfaces nearest to w along the normals: ``(d, n), (n,) -> (d, n)``."""
        return self.surface(w, self.normals[:, which]).w

    def surface(self, w: torch.Tensor, way: torch.Tensor) -> Surface:
        """Find the surfaces near w (d, n) that the field points to along ``way`` (d, n)."""
        beyond = self._search.test(way)
        return locate(self.field, beyond, w, way, self._search)
