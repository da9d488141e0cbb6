"""Heavy ball against plain steps of the effective size η/(1−γ)."""

import samdyn as sd
from samdyn.claims import Claim, grid, leading_order


def measure(lam: float, rho: float, batch_size: int, lr: float, t: float, momentum: float) -> float:
    """Return the exact variance of USAM's iterates with a shared batch, from rest."""
    noise = sd.noise.Fisher([0], batch_size=batch_size)
    map_ = sd.Map(sd.landscapes.quadratic([lam]), sd.USAM(rho), lr=lr * (1 - momentum), momentum=momentum, noise=noise)
    return float(sd.analysis.linear_step(map_).moments([0.0], round(t / lr))[1][-1, 0, 0])


equal_steps = Claim(
    id="equal-effective-steps",
    statement="Near a saddle or minimum heavy ball with the learning rate η(1−γ) spreads as plain steps of η do, for "
    "small η: momentum alone changes nothing to leading order, and adds nothing that a larger η would not.",
    formula=r"\sigma^2 = \frac{\eta C}{2 a} (1 - e^{-2 a t}), \quad t = k\eta, \quad a = \lambda(1+\rho\lambda)",
    source="derived [theory 14]",
    process="map of USAM with heavy ball of learning rate η(1−γ), shared batch",
    cases=grid(lam=(-1.2, 0.7), rho=0.3, batch_size=6, lr=(0.02, 0.004, 0.0008), t=0.8, momentum=(0.2, 0.4)),
    predict=lambda lam, rho, batch_size, lr, t: sd.theory.usam_msd(lam=lam, rho=rho, batch_size=batch_size, lr=lr, t=t),
    rival=lambda lam, rho, batch_size, lr, t, momentum: sd.theory.usam_msd(
        lam=lam, rho=rho, batch_size=batch_size, lr=lr * (1 - momentum), t=t
    ),
    mistake="noise that momentum averages over 1/(1−γ) steps, so that its effect shrinks",
    measure=measure,
    tolerance=0.006,
    reason="the velocity takes 1/(1−γ) steps to settle, 0.3 % in the variance at the smallest η",
    small="lr",
    record=leading_order(1),
)
