"""How fast SAM comes to its 2-cycle."""

import samdyn as sd
from samdyn.claims import Claim, grid


def measure(lam: float, rho: float, lr: float) -> float:
    """Return the factor of one step on the difference of a run on the 2-cycle and one that starts beside it."""
    map_ = sd.Map(sd.landscapes.quadratic([lam]), sd.SAM(rho), lr)
    cycle = sd.simulate(map_, [[0.9 * rho]], steps=300).w[0, -1, 0].item()
    ends = sd.simulate(map_, [[cycle], [1.1 * cycle]], steps=3, save_every=1).w[:, :, 0].values
    before, after = (ends[1] - ends[0])[-2:]
    return float(after / before)


cycle_contraction = Claim(
    id="sam-cycle-contraction",
    statement="Along an eigenvector with λ > 0 a step of SAM multiplies the deviation from the 2-cycle by 1 − "
    "ηλ, at every ρ: SAM approaches its 2-cycle as gradient descent approaches the minimum.",
    formula=r"\delta_{k+1} = (1 - \eta\lambda)\,\delta_k",
    source="derived",
    process="map of SAM",
    cases=grid(lam=(1.0, 3.0), rho=(0.1, 0.5), lr=(0.1, 0.3)),
    predict=lambda lam, lr: 1 - lr * lam,
    rival=lambda lam, rho, lr: 1 - lr * lam * (1 + rho * lam),
    mistake="the factor of USAM",
    measure=measure,
    tolerance=1e-8,
    reason="rounding; the two neighbours stay on one side of 0, where the map is linear",
)
