"""Predictions at minima: the flow along a manifold of minima, and the edge of stability along a run."""

from .edge import edge_along
from .flow import ManifoldFlow

__all__ = ["ManifoldFlow", "edge_along"]
