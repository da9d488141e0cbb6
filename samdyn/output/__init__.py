"""Output: folders of results, figures with their provenance, and text on any terminal."""

from .folder import OutputFolder
from .provenance import provenance, save_figure

__all__ = ["OutputFolder", "provenance", "save_figure"]
