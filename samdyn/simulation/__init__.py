"""Ensembles of trajectories on a device."""

from .iterates.ensemble import simulate
from .ode import integrate
from .schemes.euler_maruyama import EulerMaruyama
from .schemes.milstein import Milstein
from .schemes.platen import Platen
from .schemes.scheme import Scheme
from .statistics import Histogram

__all__ = ["EulerMaruyama", "Histogram", "Milstein", "Platen", "Scheme", "integrate", "simulate"]
