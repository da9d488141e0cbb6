"""Where randomness enters: noise models, how a step's gradients share it, and the generator."""

from .gaussian import Fisher, Gaussian
from .generator import Draws, normals
from .model import Noise

__all__ = ["Draws", "Fisher", "Gaussian", "Noise", "normals"]
