"""Measures what the dynamics do: points, attractors, bifurcations, capture, escape and moments; no closed forms."""

from ..dynamics import Boundary
from .averaged import CentralFlow
from .bifurcations.continuation import Branch, branch
from .bifurcations.crossings import Bifurcation
from .bifurcations.curves.codimension_two import CodimensionTwoPoint
from .bifurcations.curves.curve import BifurcationCurve, bifurcation_curve
from .bifurcations.cycle_branch import CycleBranch, cycle_branch
from .bifurcations.diagram import BifurcationDiagram, bifurcation_diagram
from .bifurcations.orbits import OrbitDiagram, orbit_diagram
from .capture.boundary import capture_boundaries, capture_boundary
from .capture.chart import StabilityChart, stability_chart
from .capture.growth import growth_rate, growth_rates, is_linear, trapping_threshold
from .capture.held_set import HeldSet, Share, held_set, held_sets
from .capture.least_radius import least_radius
from .capture.noise_threshold import NoiseThreshold, NoisyGrowth, noise_threshold, noisy_growth
from .capture.trapping import trapping_radii, trapping_radius
from .comparisons import COMPARISONS, by_comparison, comparable, compared_on_quadratic, distinct_rates, equal_rates
from .escapes.dataset import escapes_dataset
from .escapes.escape import OUTCOMES, Escape, escape, escapes
from .escapes.exits import Exits, exit_times, exits_along
from .escapes.first_passage import first_passage_time, mean_exit_time
from .escapes.passage import passage_time
from .escapes.paths import example_paths, paths_past_saddle
from .gradients import cosine, perturbed
from .limit_sets.along.basins_along import basins_along
from .limit_sets.along.result import BasinsAlong, ContinuedAttractor
from .limit_sets.attractors import attractors
from .limit_sets.basins import Basins, basins
from .limit_sets.manifolds import Manifolds, manifolds
from .limit_sets.phase_plane import PhasePlane, equilibria_dataset, phase_plane
from .limit_sets.search.attractor import Attractor, Attractors
from .limit_sets.search.labels import DIVERGED, UNBOUNDED, UNDECIDED
from .limit_sets.search.recurrence.wandering import Exponent
from .moments.exact_msd import exact_msd
from .moments.exact_msds import exact_msds
from .moments.least_momentum import least_momentum
from .moments.linear_diffusion import LinearDiffusion, linear_diffusion
from .moments.linear_step import LinearStep, linear_step
from .moments.msd import msd
from .moments.weak import expected
from .orbits.cycle import Cycle, cycle
from .orbits.late_motion import LateMotion, late_motion
from .orbits.lyapunov import lyapunov
from .parameters import over_grid, parameters, with_parameters
from .points.critical_points import CriticalPoint, CriticalPoints, critical_points
from .points.degenerate import CriticalSet, DegeneratePoint, PointOnSet
from .points.equilibria import Equilibria, Equilibrium, equilibria
from .points.exact import ExactCriticalPoints, exact_critical_points
from .points.proof.report import Unproved
from .points.sets.geometry import Chart
from .rounding import Predictability, predictability
from .starts import starts_around

__all__ = [
    "COMPARISONS",
    "DIVERGED",
    "OUTCOMES",
    "UNBOUNDED",
    "UNDECIDED",
    "Attractor",
    "Attractors",
    "Basins",
    "BasinsAlong",
    "Bifurcation",
    "BifurcationCurve",
    "BifurcationDiagram",
    "Boundary",
    "Branch",
    "CentralFlow",
    "Chart",
    "CodimensionTwoPoint",
    "ContinuedAttractor",
    "CriticalPoint",
    "CriticalPoints",
    "CriticalSet",
    "Cycle",
    "CycleBranch",
    "DegeneratePoint",
    "Equilibria",
    "Equilibrium",
    "Escape",
    "ExactCriticalPoints",
    "Exits",
    "Exponent",
    "HeldSet",
    "LateMotion",
    "LinearDiffusion",
    "LinearStep",
    "Manifolds",
    "NoiseThreshold",
    "NoisyGrowth",
    "OrbitDiagram",
    "PhasePlane",
    "PointOnSet",
    "Predictability",
    "Share",
    "StabilityChart",
    "Unproved",
    "attractors",
    "basins",
    "basins_along",
    "bifurcation_curve",
    "bifurcation_diagram",
    "branch",
    "by_comparison",
    "capture_boundaries",
    "capture_boundary",
    "comparable",
    "compared_on_quadratic",
    "cosine",
    "critical_points",
    "cycle",
    "cycle_branch",
    "distinct_rates",
    "equal_rates",
    "equilibria",
    "equilibria_dataset",
    "escape",
    "escapes",
    "escapes_dataset",
    "exact_critical_points",
    "exact_msd",
    "exact_msds",
    "example_paths",
    "exit_times",
    "exits_along",
    "expected",
    "first_passage_time",
    "growth_rate",
    "growth_rates",
    "held_set",
    "held_sets",
    "is_linear",
    "late_motion",
    "least_momentum",
    "least_radius",
    "linear_diffusion",
    "linear_step",
    "lyapunov",
    "manifolds",
    "mean_exit_time",
    "msd",
    "noise_threshold",
    "noisy_growth",
    "orbit_diagram",
    "over_grid",
    "parameters",
    "passage_time",
    "paths_past_saddle",
    "perturbed",
    "phase_plane",
    "predictability",
    "stability_chart",
    "starts_around",
    "trapping_radii",
    "trapping_radius",
    "trapping_threshold",
    "with_parameters",
]
