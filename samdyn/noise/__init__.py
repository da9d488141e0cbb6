"""Where randomness enters: noise models, how a step's gradients share it, and the generator.

A new file with a Noise in it joins the catalogue.
"""

from .. import catalogues, checks
from .directions import direction_moments, direction_slope
from .finite_sum import FiniteSum, LabelNoise
from .gaussian import Fisher, Gaussian
from .generator import Draws, StepDraws, normals
from .given import Given
from .model import Noise

__all__ = [
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
    """Return every noise model that can be used, by name, those defined by the user included."""
    return catalogues.concrete(Noise)  # type: ignore[type-abstract]


def __getattr__(name: str) -> type[Noise]:
    return catalogues.attribute(__name__, name, catalogue())


def named(name: str) -> type[Noise]:
    """Return the noise model of this name, in any case.

    Raises:
        InputError: an unknown name; the message lists the known ones and suggests the nearest.
    """
    known = catalogue()
    return known[checks.known("noise", name, known)]
