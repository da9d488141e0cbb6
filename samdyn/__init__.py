"""samdyn: a dynamical-systems simulator for Sharpness-Aware Minimization."""

from . import analysis, landscapes, methods, networks, noise, plot, symbolic, theory
from .analysis import attractors, basins, critical_points
from .checks import InputError
from .dynamics import Diffusion, Flow, Map
from .landscapes import Landscape, SampleLandscape
from .methods import ASAM, DNSAM, GD, SAM, UASAM, USAM, ExactSAM, Method
from .simulate import EulerMaruyama, Histogram, Milstein, Platen, integrate, simulate
from .symbolic import stability

__all__ = [
    "ASAM",
    "DNSAM",
    "GD",
    "SAM",
    "UASAM",
    "USAM",
    "Diffusion",
    "EulerMaruyama",
    "ExactSAM",
    "Flow",
    "Histogram",
    "InputError",
    "Landscape",
    "Map",
    "Method",
    "Milstein",
    "Platen",
    "SampleLandscape",
    "analysis",
    "attractors",
    "basins",
    "critical_points",
    "integrate",
    "landscapes",
    "methods",
    "networks",
    "noise",
    "plot",
    "simulate",
    "stability",
    "symbolic",
    "theory",
]
