"""The closed forms, each a claim with a rival. Measurements never read them."""

from .claim import Claim, Verdict
from .saddles import boundary, effective_curvature, escape_rate, trap_half_width, two_cycle_amplitude, usam_threshold

__all__ = [
    "Claim",
    "Verdict",
    "boundary",
    "effective_curvature",
    "escape_rate",
    "trap_half_width",
    "two_cycle_amplitude",
    "usam_threshold",
]
