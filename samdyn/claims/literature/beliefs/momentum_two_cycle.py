"""With heavy ball, a run of SAM rarely ends on the 2-cycle."""

import numpy as np

from samdyn.claims import Claim, fails, grid

from .momentum_cycles import last_states


def from_rest(lr: float, momentum: float, rho: float) -> float:
    """Return the amplitude of the cycle on which a run from w = 1 ends."""
    return float(np.abs(last_states(np.ones(1), np.zeros(1), lr, momentum, rho)).max())


momentum_two_cycle = Claim(
    id="momentum-two-cycle",
    statement="With heavy ball, SAM ends on the 2-cycle of amplitude ηρλ/(2(1+γ) − ηλ).",
    formula=r"|w| = \eta\rho\lambda\,/\,(2(1+\gamma) - \eta\lambda)",
    source="derived; without momentum [B22]",
    process="map of SAM with heavy ball on ½w², from w = 1 at rest",
    cases=grid(lr=(0.01, 0.1, 1.9), momentum=0.9, rho=0.1),
    predict=lambda lr, momentum, rho: lr * rho / (2 * (1 + momentum) - lr),
    rival=lambda lr, momentum, rho: lr / (1 - momentum) * rho / 2,
    mistake="the small-step 2-cycle of SAM without momentum at the learning rate η/(1 − γ)",
    measure=from_rest,
    tolerance=1e-4,
    reason="rounding, and the digits of the recorded ratio",
    record=fails(12.972),
    instead="momentum-cycles-coexist",
)
