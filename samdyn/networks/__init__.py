"""Methods on neural networks: a torch optimizer, networks as landscapes, their curvature, models and data."""

from . import models, saddle_dynamics, saddles
from .curvature import extreme_eigenpairs
from .data.archives import cifar
from .data.data import Data, digits, mnist1d
from .landscape.network import Network
from .optimizer.optimizer import NotFinite, Optimizer
from .optimizer.parameters import weights
from .optimizer.rounding import RoundingWarning
from .top_curvature import against_edge, track_curvature
from .training import train

__all__ = [
    "Data",
    "Network",
    "NotFinite",
    "Optimizer",
    "RoundingWarning",
    "against_edge",
    "cifar",
    "digits",
    "extreme_eigenpairs",
    "mnist1d",
    "models",
    "saddle_dynamics",
    "saddles",
    "track_curvature",
    "train",
    "weights",
]
