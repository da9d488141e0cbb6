"""Schemes that turn a diffusion into steps. The catalogue finds every file here that defines a Scheme."""

from ... import catalogues, checks
from .euler_maruyama import EulerMaruyama
from .milstein import Milstein
from .platen import Platen
from .scheme import Scheme

__all__ = ["EulerMaruyama", "Milstein", "Platen", "Scheme", "catalogue", "named"]

catalogues.import_all(__name__, __path__)


def catalogue() -> dict[str, type[Scheme]]:
    """Return every scheme by name. It includes the user's own classes.

    >>> [name for name in ("EulerMaruyama", "Milstein", "Platen") if name in catalogue()]
    ['EulerMaruyama', 'Milstein', 'Platen']
    """
    return catalogues.concrete(Scheme)  # type: ignore[type-abstract]


def __getattr__(name: str) -> type[Scheme]:
    return catalogues.attribute(__name__, name, catalogue())


def named(name: str) -> type[Scheme]:
    """Return the scheme of this name, in upper or lower case.

    Raises:
        InputError: the name is unknown. The message lists the known names and suggests the nearest.

    >>> named("platen").__name__
    'Platen'
    """
    schemes = catalogue()
    return schemes[checks.known("scheme", name, schemes)]
