"""Optimisation methods, each one function of a gradient oracle. A new file with a Method in it joins the catalogue."""

from .. import catalogues, checks
from .asam import ASAM, UASAM
from .blocks import Blocks
from .exact_sam import ExactSAM
from .gd import GD
from .method import Ascent, Method
from .sam import DNSAM, SAM, USAM

__all__ = ["ASAM", "DNSAM", "GD", "SAM", "UASAM", "USAM", "Ascent", "Blocks", "ExactSAM", "Method"]
__all__ += ["catalogue", "named"]

catalogues.import_all(__name__, __path__)


def catalogue() -> dict[str, type[Method]]:
    """Return every method that can be used, by name, those defined by the user included."""
    return catalogues.concrete(Method)  # type: ignore[type-abstract]


def __getattr__(name: str) -> type[Method]:
    return catalogues.attribute(__name__, name, catalogue())


def __dir__() -> list[str]:
    return sorted({*__all__, *catalogue()})


def named(name: str) -> type[Method]:
    """Return the method of this name, in any case.

    Raises:
        InputError: an unknown name; the message lists the known ones and suggests the nearest.
    """
    known = catalogue()
    return known[checks.known("method", name, known)]
