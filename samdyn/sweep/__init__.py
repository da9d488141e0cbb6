"""A measurement over a grid: labelled, resumable, on any executor."""

from .sweep import sweep

__all__ = ["sweep"]
