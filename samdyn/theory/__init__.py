"""Closed forms, each with its source and a rival: a plausible wrong formula. Measurements never read them."""

from .adaptive_trap import adam_sam_threshold, sign_sam_held_share, sign_sam_threshold
from .closed_form import About, Verdict, about, check
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
from .labelled import labelled
from .noise_trap import gaussian_noise_threshold, mean_step, noise_threshold, noisy_escape_rate, noisy_radius
from .predicted_chart import compared_chart, predicted_chart
from .rests import rest_distances
from .saddles import (
    edge_of_stability,
    effective_curvature,
    escape_rate,
    largest_lr,
    trap_half_width,
    two_cycle_amplitude,
    usam_threshold,
)
from .variants import fisher_distance, look_sam_half_width, valley_drift

__all__ = [
    "About",
    "Verdict",
    "about",
    "adam_sam_threshold",
    "check",
    "compared_chart",
    "edge_of_stability",
    "effective_curvature",
    "escape_rate",
    "exact_sam_msd",
    "fisher_distance",
    "gaussian_noise_threshold",
    "heavy_ball_msd",
    "labelled",
    "largest_lr",
    "look_sam_half_width",
    "mean_step",
    "noise_threshold",
    "noisy_escape_rate",
    "noisy_radius",
    "ou",
    "predicted_chart",
    "rest_distances",
    "sgd_msd",
    "sign_sam_held_share",
    "sign_sam_threshold",
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
    "valley_drift",
]
