"""Gradient ascent on the inputs of a network, with and without additive noise, and what it does to other networks.

The paper on additive noise and transferability [K22] was not available when this was written: its abstract was, and its
theorem was not. What stands here about noise is our own reading, E L(x + ξ) ≈ L(x) + (σ²/2) tr ∇²ₓL.
"""

from .additive_noise import AdditiveNoise
from .ascent import fgsm, pgd
from .fooling import fooling_rate
from .input_loss import InputLoss
from .laplacian import laplacian

__all__ = ["AdditiveNoise", "InputLoss", "fgsm", "fooling_rate", "laplacian", "pgd"]
