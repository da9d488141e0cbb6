"""Ensembles of trajectories on a device."""

from .ensemble import simulate
from .euler_maruyama import EulerMaruyama
from .milstein import Milstein
from .ode import integrate
from .platen import Platen
from .scheme import Scheme
from .statistics import Histogram

__all__ = ["EulerMaruyama", "Histogram", "Milstein", "Platen", "Scheme", "integrate", "simulate"]
