"""Methods on neural networks: a torch optimizer, networks as landscapes, their curvature, models and data."""

from . import attacks, models, saddle_dynamics, saddles
from .curvature import extreme_eigenpairs
from .data.archives import cifar
from .data.batches import augment, batches
from .data.data import Data, digits, mnist1d
from .data.text import Text, python_reference
from .epochs import train_epochs
from .landscape.classifier import Task, classifier, initial_weights
from .landscape.network import Network
from .measures.escape_step import escape_step
from .measures.first_at_loss import first_at_loss
from .measures.performance import accuracy_at_saves, performance
from .measures.plane import ascent_plane
from .measures.rescaling import rescale
from .measures.sharpness import largest_eigenvalue, max_rise, rise, sharpnesses
from .optimizer.epoch import evaluate, train_epoch
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
    "Task",
    "Text",
    "accuracy_at_saves",
    "against_edge",
    "ascent_plane",
    "attacks",
    "augment",
    "batches",
    "cifar",
    "classifier",
    "digits",
    "escape_step",
    "evaluate",
    "extreme_eigenpairs",
    "first_at_loss",
    "initial_weights",
    "largest_eigenvalue",
    "max_rise",
    "mnist1d",
    "models",
    "performance",
    "python_reference",
    "rescale",
    "rise",
    "saddle_dynamics",
    "saddles",
    "sharpnesses",
    "track_curvature",
    "train",
    "train_epoch",
    "train_epochs",
    "weights",
]
