"""The closed forms, each a claim with a rival, and what linearisation says. Measurements never read them."""

from .claim import Claim, Verdict
from .conditions import Condition
from .effective import effective_hessian
from .growth import predicted_growth
from .notation import ETA, GAMMA, LAMBDA, RHO
from .saddles import (
    boundary,
    edge_of_stability,
    effective_curvature,
    escape_rate,
    largest_lr,
    trap_half_width,
    two_cycle_amplitude,
    usam_threshold,
)
from .stability import Stability, stability

__all__ = [
    "ETA",
    "GAMMA",
    "LAMBDA",
    "RHO",
    "Claim",
    "Condition",
    "Stability",
    "Verdict",
    "boundary",
    "edge_of_stability",
    "effective_curvature",
    "effective_hessian",
    "escape_rate",
    "largest_lr",
    "predicted_growth",
    "stability",
    "trap_half_width",
    "two_cycle_amplitude",
    "usam_threshold",
]
