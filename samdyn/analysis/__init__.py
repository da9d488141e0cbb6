"""What the dynamics do: critical points, growth and capture near them, escape. Measured, never read off a formula."""

from ..dynamics import Boundary
from .attractors import attractors
from .basins import Basins, basins
from .bifurcation import BifurcationDiagram, bifurcation_diagram
from .boundary import capture_boundary
from .chart import StabilityChart, stability_chart
from .continuation import Branch, branch
from .critical_points import CriticalPoint, CriticalPoints, critical_points
from .crossings import Bifurcation
from .degenerate import CriticalSet, DegeneratePoint
from .diffusion_moments import LinearDiffusion, linear_diffusion
from .equilibria import Equilibria, Equilibrium, equilibria
from .escape import OUTCOMES, Escape, Survival, escape, survival
from .exact import ExactCriticalPoints, exact_critical_points
from .exits import Exits, exit_times
from .first_passage import first_passage_time
from .gradients import cosine
from .growth import growth_rate, growth_rates, is_linear, trapping_threshold
from .limit_sets import DIVERGED, UNDECIDED, Attractor
from .manifolds import Manifolds, manifolds
from .moments import LinearStep, linear_step
from .noise_threshold import NoiseThreshold, NoisyGrowth, noise_threshold, noisy_growth
from .orbits import OrbitDiagram, orbit_diagram
from .parameters import over_grid, parameters, with_parameters
from .spread import msd
from .starts import starts_around
from .trapping import TrapWidth, trap_half_width, trapping_radius
from .weak import expected

__all__ = [
    "DIVERGED",
    "OUTCOMES",
    "UNDECIDED",
    "Attractor",
    "Basins",
    "Bifurcation",
    "BifurcationDiagram",
    "Boundary",
    "Branch",
    "CriticalPoint",
    "CriticalPoints",
    "CriticalSet",
    "DegeneratePoint",
    "Equilibria",
    "Equilibrium",
    "Escape",
    "ExactCriticalPoints",
    "Exits",
    "LinearDiffusion",
    "LinearStep",
    "Manifolds",
    "NoiseThreshold",
    "NoisyGrowth",
    "OrbitDiagram",
    "StabilityChart",
    "Survival",
    "TrapWidth",
    "attractors",
    "basins",
    "bifurcation_diagram",
    "branch",
    "capture_boundary",
    "cosine",
    "critical_points",
    "equilibria",
    "escape",
    "exact_critical_points",
    "exit_times",
    "expected",
    "first_passage_time",
    "growth_rate",
    "growth_rates",
    "is_linear",
    "linear_diffusion",
    "linear_step",
    "manifolds",
    "msd",
    "noise_threshold",
    "noisy_growth",
    "orbit_diagram",
    "over_grid",
    "parameters",
    "stability_chart",
    "starts_around",
    "survival",
    "trap_half_width",
    "trapping_radius",
    "trapping_threshold",
    "with_parameters",
]
