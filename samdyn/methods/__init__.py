"""Optimisation methods, each one function of a gradient oracle. A new file with a Method in it joins the catalogue."""

import inspect
import pkgutil
from importlib import import_module

from .. import checks
from .asam import ASAM, UASAM
from .blocks import Blocks
from .exact_sam import ExactSAM
from .gd import GD
from .method import Ascent, Method
from .sam import DNSAM, SAM, USAM

__all__ = ["ASAM", "DNSAM", "GD", "SAM", "UASAM", "USAM", "Ascent", "Blocks", "ExactSAM", "Method"]
__all__ += ["catalogue", "named"]

for _info in pkgutil.iter_modules(__path__):
    import_module(f"{__name__}.{_info.name}")


def catalogue() -> dict[str, type[Method]]:
    """Return every method that can be used, by name, those defined by the user included."""
    found: dict[str, type[Method]] = {}
    to_visit = Method.__subclasses__()
    while to_visit:
        cls = to_visit.pop()
        to_visit.extend(cls.__subclasses__())
        if not inspect.isabstract(cls):
            found[cls.__name__] = cls
    return dict(sorted(found.items()))


def named(name: str) -> type[Method]:
    """Return the method of this name, in any case.

    Raises:
        InputError: an unknown name; the message lists the known ones and suggests the nearest.
    """
    known = catalogue()
    return known[checks.known("method", name, known)]
