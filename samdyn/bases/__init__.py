"""Base optimizers: what SGD, Adam, Lion and others make of the direction F of a method.

A new file of this folder that defines a Base adds it to the catalogue.
"""

from .. import catalogues, checks
from .adam import Adam, AdamW, RMSProp
from .base import Base
from .lion import Lion
from .lookahead import Lookahead
from .preconditioned import Preconditioned
from .sgd import EMA, SGD
from .small_steps import SmallSteps

__all__ = ["EMA", "SGD", "Adam", "AdamW", "Base", "Lion", "Lookahead", "Preconditioned", "RMSProp", "SmallSteps"]
__all__ += ["catalogue", "named"]

catalogues.import_all(__name__, __path__)


def catalogue() -> dict[str, type[Base]]:
    """Return every base optimizer, those that the user defined included: ``{name: class}``.

    >>> import samdyn as sd
    >>> sd.bases.catalogue()["AdamW"]
    <class 'samdyn.bases.adam.AdamW'>
    """
    return catalogues.concrete(Base)  # type: ignore[type-abstract]


def __getattr__(name: str) -> type[Base]:
    return catalogues.attribute(__name__, name, catalogue())


def named(name: str) -> type[Base]:
    """Return the base optimizer of this name, in upper or lower case.

    >>> import samdyn as sd
    >>> sd.bases.named("adamw")().weight_decay
    0.01

    Raises:
        InputError: none has this name. The message lists the names and suggests the nearest.
    """
    bases = catalogue()
    return bases[checks.known("base", name, bases)]
