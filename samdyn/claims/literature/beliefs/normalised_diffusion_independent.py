"""How far noise carries normalised SAM from a critical point if the perturbation has a batch of its own."""

from samdyn.claims import Claim

from .normalised_diffusion import cases, displacement, shared, spread

normalised_diffusion_independent = Claim(
    id="normalised-sam-diffusion-independent",
    statement="If the perturbation has a batch of its own, normalised SAM with gradient noise s²I is near a critical "
    "point an Ornstein–Uhlenbeck process of drift λ(1 + ρₑλ), ρₑ = ρ c_d/s, and the perturbation always adds noise.",
    formula=r"OU(\lambda(1+\rho_e\lambda),\ \eta(s^2 + \lambda^2\rho^2/d),\ t),\quad "
    r"c_d = \frac{\Gamma((d+1)/2)}{\sqrt{2}\, \Gamma(d/2+1)}",
    source="derived",
    process="map of SAM, noise of covariance s²I, independent batches",
    cases=cases("independent", (-1.0, 2, 0.2, 0.25, 0.3), (-1.5, 3, 0.3, 0.4, 0.2)),
    predict=lambda lam, dim, rho, noise, t, lr: displacement(lam, dim, rho, noise, t, lr, (lam * rho) ** 2 / dim),
    rival=shared,
    mistake="one batch for both gradients",
    measure=spread,
    tolerance=2e-3,
    reason="the process is the limit η → 0, and its drift that of ‖Hw‖ ≪ s",
)
