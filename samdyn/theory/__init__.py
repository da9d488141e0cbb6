"""The closed forms, each a claim with a rival, and what linearisation says. Measurements never read them."""

from .claim import Claim, Verdict
from .effective import effective_hessian
from .notation import ETA, GAMMA, LAMBDA, RHO
from .saddles import boundary, effective_curvature, escape_rate, trap_half_width, two_cycle_amplitude, usam_threshold
from .stability import Condition, Stability, stability

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
    "effective_curvature",
    "effective_hessian",
    "escape_rate",
    "stability",
    "trap_half_width",
    "two_cycle_amplitude",
    "usam_threshold",
]
