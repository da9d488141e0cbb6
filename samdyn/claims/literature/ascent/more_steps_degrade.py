"""The belief that more ascent steps approximate the maximum less well."""

from samdyn.claims import AtMost, Claim, fails, grid

from .ascent_limit import EIGENVALUES, START, after_one_step, cosine, measure, to_maximum

more_steps_degrade = Claim(
    id="more-ascent-steps-degrade",
    statement="With more ascent steps the gradient approximates the direction of the maximum on the ball less well.",
    formula=r"\cos_n \leq \cos_1",
    source="[XS26], which says that it may; read here as a rule",
    process="perturbation of SAM with n ascent steps, on a convex quadratic",
    cases=grid(rho=(0.1, 0.3), share=(1 / 4, 1 / 16)),
    predict=lambda rho: AtMost(after_one_step(rho)),
    rival=lambda rho: cosine(EIGENVALUES * START, to_maximum(rho)),
    mistake="no ascent at all",
    measure=measure,
    tolerance=1e-3,
    reason="rounding is far smaller",
    record=fails(1.097),
    instead="ascent-limit-cosine",
)
