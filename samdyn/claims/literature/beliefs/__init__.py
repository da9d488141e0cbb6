"""What many people believe, and what fails for the algorithm that people run."""

FIRST = (
    *("sam_trap", "bounce_multiplier", "normalised_diffusion", "normalised_diffusion_independent", "sam_edge"),
    *("momentum_two_cycle", "momentum_cycles", "momentum_trap", "micro_batch_threshold", "mean_square_instability"),
    *("hallucinated_minimisers", "maximum_captures", "minibatch_drift", "decaying_radius"),
)
