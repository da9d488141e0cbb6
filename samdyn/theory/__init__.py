"""The closed forms, each a claim with a rival, and what linearisation says. Measurements never read them."""

from .claim import Claim, Verdict
from .conditions import Condition
from .diffusion import (
    exact_sam_msd,
    heavy_ball_msd,
    ou,
    sgd_msd,
    theorem_2_gap,
    theorem_2_msd,
    theorem_3_excess,
    theorem_3_msd,
    theorem_3_other_reading,
    usam_gap,
    usam_msd,
)
from .effective import effective_hessian
from .growth import predicted_growth
from .noise_trap import gaussian_noise_threshold, mean_step, noise_threshold, noisy_escape_rate, noisy_radius
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
    "exact_sam_msd",
    "gaussian_noise_threshold",
    "heavy_ball_msd",
    "largest_lr",
    "mean_step",
    "noise_threshold",
    "noisy_escape_rate",
    "noisy_radius",
    "ou",
    "predicted_growth",
    "sgd_msd",
    "stability",
    "theorem_2_gap",
    "theorem_2_msd",
    "theorem_3_excess",
    "theorem_3_msd",
    "theorem_3_other_reading",
    "trap_half_width",
    "two_cycle_amplitude",
    "usam_gap",
    "usam_msd",
    "usam_threshold",
]
