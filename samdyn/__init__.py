"""samdyn: a dynamical-systems simulator for Sharpness-Aware Minimization."""

from . import landscapes, methods
from .checks import InputError
from .dynamics import Flow, Map
from .landscapes import Landscape
from .methods import ASAM, DNSAM, GD, SAM, USAM, ExactSAM, Method
from .simulate import integrate, simulate

__all__ = [
    "ASAM",
    "DNSAM",
    "GD",
    "SAM",
    "USAM",
    "ExactSAM",
    "Flow",
    "InputError",
    "Landscape",
    "Map",
    "Method",
    "integrate",
    "landscapes",
    "methods",
    "simulate",
]
