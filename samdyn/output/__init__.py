"""What is written: folders of results, figures that say what made them, and text on any terminal."""

from .folder import OutputFolder
from .provenance import provenance, save_figure

__all__ = ["OutputFolder", "provenance", "save_figure"]
