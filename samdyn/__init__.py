"""samdyn simulates Sharpness-Aware Minimization and its relatives as dynamical systems.

>>> import samdyn as sd
>>> print(sd.stability(sd.Flow(sd.landscapes.saddle(), sd.USAM(rho=0.6)), (0, 0)).kind)
attractor
"""

__version__ = "0.1.0"

from . import (
    analysis,
    bases,
    claims,
    landscapes,
    methods,
    minima,
    networks,
    noise,
    plot,
    schedules,
    statistics,
    symbolic,
    theory,
)
from .analysis import CentralFlow, attractors, basins, critical_points, lyapunov, predictability
from .checks import InputError
from .claims import Claim, verify
from .dynamics import Diffusion, Flow, Map
from .explorer import explore
from .landscapes import Landscape, SampleLandscape
from .methods import ASAM, DNSAM, GD, SAM, UASAM, USAM, ExactSAM, Method
from .minima import ManifoldFlow
from .simulation import (
    MSD,
    Accumulator,
    Covariance,
    EulerMaruyama,
    ExitTimes,
    Histogram,
    Mean,
    Milstein,
    Platen,
    Statistic,
    Status,
    StatusCounts,
    integrate,
    simulate,
)
from .sweep import sweep
from .symbolic import stability

__all__ = [
    "ASAM",
    "DNSAM",
    "GD",
    "MSD",
    "SAM",
    "UASAM",
    "USAM",
    "Accumulator",
    "CentralFlow",
    "Claim",
    "Covariance",
    "Diffusion",
    "EulerMaruyama",
    "ExactSAM",
    "ExitTimes",
    "Flow",
    "Histogram",
    "InputError",
    "Landscape",
    "ManifoldFlow",
    "Map",
    "Mean",
    "Method",
    "Milstein",
    "Platen",
    "SampleLandscape",
    "Statistic",
    "Status",
    "StatusCounts",
    "analysis",
    "attractors",
    "bases",
    "basins",
    "claims",
    "critical_points",
    "explore",
    "integrate",
    "landscapes",
    "lyapunov",
    "methods",
    "minima",
    "networks",
    "noise",
    "plot",
    "predictability",
    "schedules",
    "simulate",
    "stability",
    "statistics",
    "sweep",
    "symbolic",
    "theory",
    "verify",
]
