"""Ensembles of trajectories on a device."""

from .ensemble import simulate
from .ode import integrate

__all__ = ["integrate", "simulate"]
