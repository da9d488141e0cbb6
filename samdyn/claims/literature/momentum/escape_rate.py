"""How fast momentum takes USAM away from a saddle."""

import math

import torch

import samdyn as sd
from samdyn.claims import Claim, grid, leading_order


def measure(lam: float, rho: float, lr: float, momentum: float) -> float:
    """Return the rate at which a run's distance grows, in 1/t, after its velocity has settled."""
    map_ = sd.Map(sd.landscapes.quadratic([lam]), sd.USAM(rho), lr=lr, momentum=momentum)
    state, settle, steps = map_.start(torch.ones(1, 1, dtype=torch.float64)), int(30 / (1 - momentum)), 100
    for _ in range(settle):
        state = map_.step(state)
    before = float(state[0])
    for _ in range(steps):
        state = map_.step(state)
    return math.log(float(state[0]) / before) / (steps * lr)


def first_order(lam: float, rho: float, lr: float, momentum: float) -> float:
    """Return the rate of the escape to first order in η."""
    a = abs(lam * (1 + rho * lam))
    return a / (1 - momentum) - lr * a**2 * (1 + momentum) / (2 * (1 - momentum) ** 3)


momentum_escape_rate = Claim(
    id="momentum-escape-rate",
    statement="With momentum γ USAM leaves a saddle at the rate log z/η, z the larger root of z² − (1+γ−ηλₑ)z + γ = 0, "
    "λₑ = λ(1+ρλ): slower than |λₑ|/(1−γ).",
    formula=r"\frac{1}{\eta} \log z, \quad z^2 - (1 + \gamma - \eta\lambda_e) z + \gamma = 0",
    source="derived [theory 1]; on [K23, Theorem 1], which has no momentum",
    process="map of USAM with heavy ball",
    cases=grid(lam=-1.6, rho=0.25, lr=(0.03, 0.3), momentum=(0.5, 0.9)),
    predict=sd.theory.escape_rate,
    rival=lambda lam, rho, momentum: abs(lam) * (1 + rho * lam) / (1 - momentum),
    mistake="as many plain steps of η/(1−γ), in the limit of small η",
    measure=measure,
    tolerance=1e-9,
    reason="after 30/(1−γ) steps the other root is of the order of 1e-13",
)

momentum_deficit = Claim(
    id="momentum-escape-deficit",
    statement="With momentum γ USAM leaves a saddle at the rate a/(1−γ) − ηa²(1+γ)/(2(1−γ)³) to first order in η, "
    "a = |λ(1+ρλ)|. Theorem 3 of K23 lacks the second term, which matters for γ near 1.",
    formula=r"r = \frac{a}{1-\gamma} - \frac{\eta a^2 (1+\gamma)}{2 (1-\gamma)^3}, \quad a = |\lambda(1+\rho\lambda)|",
    source="derived; corrects [K23, Theorem 3]",
    process="map of USAM with heavy ball",
    cases=grid(lam=-1.6, rho=0.25, lr=(5e-4, 1e-4, 2e-5), momentum=(0.5, 0.9)),
    predict=first_order,
    rival=lambda lam, rho, lr, momentum: first_order(lam, rho, lr / (1 - momentum), 0.0) / (1 - momentum),
    mistake="as many plain steps of η/(1−γ)",
    measure=measure,
    tolerance=1e-5,
    reason="the next term is of the relative order (ηa/(1−γ)²)², 4e-6 at the smallest η",
    small="lr",
    record=leading_order(2),
)
