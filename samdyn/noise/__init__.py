"""Where randomness enters: noise models, how a step's gradients share it, and the generator."""

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
    "direction_moments",
    "direction_slope",
    "normals",
]
