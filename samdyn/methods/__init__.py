"""Optimisation methods. Each one is a function of a gradient oracle.

A new file of this folder that defines a Method adds it to the catalogue.
"""

from .. import catalogues, checks
from .asam import ASAM, UASAM
from .blocks import Blocks
from .exact_sam import ExactSAM
from .gd import GD
from .look_sam import LookSAM, SometimesSAM
from .method import Ascent, Method, Remembering, is_stateless
from .sam import DNSAM, SAM, USAM

__all__ = ["ASAM", "DNSAM", "GD", "SAM", "UASAM", "USAM", "Ascent", "Blocks", "ExactSAM"]
__all__ += ["LookSAM", "Method", "Remembering", "SometimesSAM", "is_stateless"]
__all__ += ["catalogue", "named"]

catalogues.import_all(__name__, __path__)


def catalogue() -> dict[str, type[Method]]:
    """Return every method that can be used, those that the user defined included: ``{name: class}``.

    >>> import samdyn as sd
    >>> sd.methods.catalogue()["SAM"]
    <class 'samdyn.methods.sam.SAM'>
    """
    return catalogues.concrete(Method)  # type: ignore[type-abstract]


def __getattr__(name: str) -> type[Method]:
    return catalogues.attribute(__name__, name, catalogue())


def __dir__() -> list[str]:
    return sorted({*__all__, *catalogue()})


def named(name: str) -> type[Method]:
    """Return the method of this name, in upper or lower case.

    >>> import samdyn as sd
    >>> sd.methods.named("usam")(rho=0.1)
    USAM(rho=0.1, ascent_steps=1, average=False)

    Raises:
        InputError: no method has this name. The message lists the names and suggests the nearest.
    """
    methods = catalogue()
    return methods[checks.known("method", name, methods)]
