"""What the dynamics do: critical points, growth and capture near them, escape. Measured, never read off a formula."""

from .critical_points import CriticalPoint, critical_points
from .escape import OUTCOMES, Escape, Survival, escape, survival
from .gradients import cosine
from .growth import growth_rate, trapping_threshold
from .trapping import trap_half_width, trapping_radius

__all__ = [
    "OUTCOMES",
    "CriticalPoint",
    "Escape",
    "Survival",
    "cosine",
    "critical_points",
    "escape",
    "growth_rate",
    "survival",
    "trap_half_width",
    "trapping_radius",
    "trapping_threshold",
]
