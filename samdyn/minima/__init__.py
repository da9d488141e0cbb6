"""Predictions at minima: the flow along a manifold of minima, and the edge of stability along a run."""

from .flow import ManifoldFlow

__all__ = ["ManifoldFlow"]
