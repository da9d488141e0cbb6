"""Methods on neural networks: a torch optimizer, networks as landscapes, their curvature, models and data."""

from . import models, saddles
from .archives import cifar
from .curvature import extreme_eigenpairs
from .data import Data, digits, mnist1d
from .network import Network
from .optimizer import NotFinite, Optimizer
from .parameters import weights
from .rounding import RoundingWarning
from .training import train

__all__ = [
    "Data",
    "Network",
    "NotFinite",
    "Optimizer",
    "RoundingWarning",
    "cifar",
    "digits",
    "extreme_eigenpairs",
    "mnist1d",
    "models",
    "saddles",
    "train",
    "weights",
]
