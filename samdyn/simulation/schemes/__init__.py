"""Schemes that turn a diffusion into steps. A new file with a Scheme in it joins the catalogue."""

from ... import catalogues, checks
from .euler_maruyama import EulerMaruyama
from .milstein import Milstein
from .platen import Platen
from .scheme import Scheme

__all__ = ["EulerMaruyama", "Milstein", "Platen", "Scheme", "catalogue", "named"]

catalogues.import_all(__name__, __path__)


def catalogue() -> dict[str, type[Scheme]]:
    """Return every scheme that can be used, by name, those defined by the user included."""
    return catalogues.concrete(Scheme)  # type: ignore[type-abstract]


def __getattr__(name: str) -> type[Scheme]:
    return catalogues.attribute(__name__, name, catalogue())


def named(name: str) -> type[Scheme]:
    """Return the scheme of this name, in any case.

    Raises:
        InputError: an unknown name; the message lists the known ones and suggests the nearest.
    """
    known = catalogue()
    return known[checks.known("scheme", name, known)]
