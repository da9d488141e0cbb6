"""The explorer: one web page in which a user plays with the phase plane of an optimizer.

Everything in the page is computed from programs that samdyn traces from its own landscapes, methods and maps.
"""

from .explorer import Explorer, explore

__all__ = ["Explorer", "explore"]
