"""Optimisation methods. Each one is a function of a gradient oracle.

A new file of this folder, or of one in it, that defines a Method adds it to the catalogue.
"""

from .. import catalogues, checks
from .asam import ASAM, UASAM
from .blocks import Blocks
from .combinations.gsam import GSAM
from .combinations.polyak_sam import PolyakSAM
from .combinations.stable_sam import StableSAM
from .combinations.wsam import WSAM
from .exact_sam import ExactSAM
from .gd import GD
from .look_sam import LookSAM, SometimesSAM
from .method import Ascent, Method, Remembering, is_stateless
from .perturbations.fisher_sam import FisherSAM
from .perturbations.friendly_sam import FriendlySAM, FullFriendlySAM
from .perturbations.layer_sam import LayerSAM
from .perturbations.linf_sam import LinfSAM
from .perturbations.momentum_sam import MomentumSAM
from .sam import DNSAM, SAM, USAM
from .smoothing.gaussian_smoothing import GaussianSmoothing
from .smoothing.stochastic_sam import StochasticSAM
from .smoothing.tilted_sam import TiltedSAM

__all__ = ["ASAM", "DNSAM", "GD", "GSAM", "SAM", "UASAM", "USAM", "WSAM", "Ascent", "Blocks", "ExactSAM"]
__all__ += ["FisherSAM", "FriendlySAM", "FullFriendlySAM", "GaussianSmoothing", "LayerSAM", "LinfSAM", "MomentumSAM"]
__all__ += ["PolyakSAM", "StableSAM", "StochasticSAM", "TiltedSAM"]
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
