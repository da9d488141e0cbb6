"""Noise models of the gradient, the ways in which the gradients of a step share noise, and the random generator.

A new file of this folder that defines a Noise adds it to the catalogue.
"""

from .. import catalogues, checks
from .directions import direction_moments, direction_slope
from .finite_sum import FiniteSum, LabelNoise
from .gaussian import Fisher, Gaussian
from .generator import Draws, StepDraws, normals
from .given import Given
from .model import COUPLINGS, Noise

__all__ = [
    "COUPLINGS",
    "Draws",
    "FiniteSum",
    "Fisher",
    "Gaussian",
    "Given",
    "LabelNoise",
    "Noise",
    "StepDraws",
    "catalogue",
    "direction_moments",
    "direction_slope",
    "named",
    "normals",
]

catalogues.import_all(__name__, __path__)


def catalogue() -> dict[str, type[Noise]]:
    """Return every noise model that can be used, those that the user defined included: ``{name: class}``.

    >>> import samdyn as sd
    >>> sd.noise.catalogue()["Gaussian"]
    <class 'samdyn.noise.gaussian.Gaussian'>
    """
    return catalogues.concrete(Noise)  # type: ignore[type-abstract]


def __getattr__(name: str) -> type[Noise]:
    return catalogues.attribute(__name__, name, catalogue())


def named(name: str) -> type[Noise]:
    """Return the noise model of this name, in upper or lower case.

    >>> import samdyn as sd
    >>> sd.noise.named("fisher")
    <class 'samdyn.noise.gaussian.Fisher'>

    Raises:
        InputError: no noise model has this name. The message lists the names and suggests the nearest.
    """
    models = catalogue()
    return models[checks.known("noise", name, models)]
