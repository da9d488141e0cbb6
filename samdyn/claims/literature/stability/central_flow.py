"""Where averaged iterates go at the edge of stability."""

import numpy as np
from scipy.optimize import brentq

import samdyn as sd
from samdyn.claims import Claim, grid

PULL, FAR = 0.05, 1.5  # stiffness of the pull along the valley, in the units of L per z², and where it ends


def edge(rho: float, lr: float) -> float:
    """Return the curvature λ with λ + ρλ² = 2/η."""
    return float((np.sqrt(1 + 8 * rho / lr) - 1) / (2 * rho)) if rho else 2 / lr


def rest(rho: float, lr: float) -> float:
    """Return where the iterates of GD (ρ = 0) or USAM stop along a valley that a pull draws them up."""
    valley = sd.Landscape(f"(1 + z**2)*y**2/2 + {PULL}*(z - {FAR})**2/2", "y z")
    map_ = sd.Map(valley, sd.USAM(rho) if rho else sd.GD(), lr)
    return float(sd.simulate(map_, [[0.1, 1.1]], steps=20_000).w[0, -1, 1])


central_flow_rest = Claim(
    id="edge-holds-averaged-iterates",
    statement="Where a force draws gradient descent or USAM up a valley of growing curvature λ, the averaged iterates "
    "stop where λ + ρλ² = 2/η: there the mean force of the oscillation balances it, as in the central flow.",
    formula=r"\dot{\bar w} = -F - \frac{1}{2} D^2F[\Sigma], \quad \lambda(1 + \rho\lambda) = 2/\eta",
    source="[CF24] for gradient descent; for USAM derived; theory 29",
    process="map of gradient descent and USAM",
    cases=(*grid(rho=(0.0,), lr=(0.65, 0.7)), *grid(rho=(0.1,), lr=(0.55, 0.6))),
    predict=lambda rho, lr: float(np.sqrt(edge(rho, lr) - 1)),
    rival=lambda: FAR,
    mistake="the flow ẇ = −F, which follows the force to its end",
    measure=rest,
    tolerance=0.004,
    reason="the edge holds to the square of the oscillation's width",
)

WEAK = 0.001  # the same pull for SAM, whose bounce is weaker, towards z = 1


def balance(lr: float, rho: float) -> float:
    """Return where the mean force of SAM's bounce on ½(1 + z²)y², 2ρ²λ′/(2 − ηλ)², balances the pull."""
    return float(brentq(lambda z: 4 * rho**2 * z / (2 - lr * (1 + z * z)) ** 2 + WEAK * (z - 1), 0, 1))


def sam_rest(rho: float, lr: float) -> float:
    """Return where SAM stops along the valley."""
    valley = sd.Landscape(f"(1 + z**2)*y**2/2 + {WEAK}*(z - 1)**2/2", "y z")
    return float(sd.simulate(sd.Map(valley, sd.SAM(rho), lr), [[0.01, 0.5]], steps=round(20_000 / lr)).w[0, -1, 1])


sam_rest_in_a_pull = Claim(
    id="sam-bounce-balances-pull",
    statement="Along a valley ½λ(z)y² SAM rests where a weak force towards larger λ equals 2ρ²λ′/(2 − ηλ)², the "
    "mean force of its 2-cycle. The plain flow −F knows no learning rate, and its bounce has the force of η → 0.",
    formula=r"\dot{\bar w} = -\frac{1}{2}(F(\bar w + d) + F(\bar w - d)), \quad B(\bar w, d) = 2d/\eta",
    source="derived; theory 29",
    process="map of SAM",
    cases=grid(rho=(0.01, 0.02), lr=(0.3, 0.4)),
    predict=lambda rho, lr: balance(lr, rho),
    rival=lambda rho: balance(0.0, rho),
    mistake="the limit of small steps",
    measure=sam_rest,
    tolerance=0.004,
    reason="the pull turns the perturbation by a share of ρ",
)
