"""Instability of the mean square says little about runs: it diverges while every run converges."""

import numpy as np

import samdyn as sd
from samdyn.claims import Claim, Estimate, fails


def exponent(curvatures: tuple[float, ...], lr: float, rho: float, budget: float, seed: int) -> Estimate:
    """Return the mean growth of log|w| a step over runs of USAM, each step with one sample of mean a·w²/2."""
    landscape = sd.SampleLandscape("a*w**2/2", "w", {"a": list(curvatures)})
    map_ = sd.Map(landscape, sd.USAM(rho), lr=lr, noise=sd.noise.FiniteSum(1))
    steps = 200
    runs = sd.simulate(map_, np.ones((int(budget * 250_000), 1)), steps, seed=seed, progress=False)
    return Estimate.mean(np.log(np.abs(runs.w[:, -1, 0].values)) / steps)


def factors(curvatures: tuple[float, ...], lr: float, rho: float) -> np.ndarray:
    """Return the factors by which the samples multiply w."""
    a = np.array(curvatures)
    return np.asarray(np.abs(1 - lr * a * (1 + rho * a)))


CASES = [
    {"curvatures": (1.0, 3.0), "lr": 0.6, "rho": 0.3},
    {"curvatures": (1.0, 1.9, 3.2), "lr": 0.5, "rho": 0.4},
]

lyapunov_exponent = Claim(
    id="runs-follow-lyapunov-exponent",
    statement="Runs of USAM with batches of one grow or shrink by the mean logarithm of the samples' factors "
    "1 − ηa(1 + ρa), so that all runs may converge while their mean square diverges.",
    formula=r"\frac{1}{k} \log|w_k| \to E \log|1 - \eta a(1 + \rho a)|",
    source="derived",
    process="map of USAM, shared batch of one sample",
    cases=CASES,
    predict=lambda curvatures, lr, rho: float(np.log(factors(curvatures, lr, rho)).mean()),
    rival=lambda curvatures, lr, rho: float(np.log((factors(curvatures, lr, rho) ** 2).mean()) / 2),
    mistake="the growth of the mean square in place of that of a run",
    measure=exponent,
    tolerance=1e-6,
    reason="rounding; the standard error is that of the runs",
)

mean_square_instability = Claim(
    id="mean-square-instability",
    statement="Where the mean square of w grows, the runs of USAM leave the minimum, at the rate of its square root.",
    formula=r"\frac{1}{k} \log|w_k| \to \frac{1}{2} \log E(1 - \eta a(1 + \rho a))^2",
    source="a reading of [DX24] and [CK25], whose theorems are on the mean square",
    process="map of USAM, shared batch of one sample",
    cases=CASES,
    predict=lambda curvatures, lr, rho: float(np.log((factors(curvatures, lr, rho) ** 2).mean()) / 2),
    rival=lambda curvatures, lr: float(np.log(factors(curvatures, lr, 0.0)).mean()),
    mistake="the runs of SGD, ρ = 0",
    measure=exponent,
    tolerance=1e-6,
    reason="rounding; the standard error is that of the runs",
    record=fails(-0.5823),
    instead="runs-follow-lyapunov-exponent",
)
