"""Where stochastic SAM and USAM end, on average, beside the minimiser."""

import numpy as np

import samdyn as sd
from samdyn.claims import Claim, Estimate

LR, STEPS = 0.01, 600  # no run crosses the minimiser of a sample; what is left of the start is below 1e-5


def measure(
    curvatures: tuple[float, float], minimisers: tuple[float, float], rho: float, method: str, budget: float, seed: int
) -> Estimate:
    """Return the mean distance of the runs from those of SGD, which end at the minimiser on average.

    Both draw the same samples, so that the noise of the difference is small.
    """
    losses = sd.SampleLandscape("a*(x - b)**2/2", "x", {"a": curvatures, "b": minimisers})
    start = np.full((int(budget * 40_000), 1), np.average(minimisers, weights=curvatures))
    ends = []
    for each in (sd.SAM(rho) if method == "SAM" else sd.USAM(rho), sd.GD()):
        map_ = sd.Map(losses, each, lr=LR, noise=sd.noise.FiniteSum(1))
        ends.append(sd.simulate(map_, start, STEPS, seed=seed, progress=False).w.values[:, -1, 0])
    return Estimate.mean(ends[0] - ends[1])


def predict(curvatures: tuple[float, float], minimisers: tuple[float, float], rho: float, method: str) -> float:
    """Return the point at which the mean step vanishes, relative to the minimiser."""
    (a1, a2), (b1, b2) = curvatures, minimisers
    if method == "SAM":
        return rho * (a2 - a1) / (a1 + a2)
    f1, f2 = a1 * (1 + rho * a1), a2 * (1 + rho * a2)
    return (f1 * b1 + f2 * b2) / (f1 + f2) - (a1 * b1 + a2 * b2) / (a1 + a2)


stochastic_bias = Claim(
    id="stochastic-sam-bias",
    statement="With one sample a step SAM does not end at the minimiser, however small η: between the minimisers of "
    "two samples, b₁ < b₂, of curvatures a₁ and a₂ its mean ends ρ(a₂−a₁)/(a₁+a₂) from it. USAM's mean ends where "
    "Σaᵢ(1+ρaᵢ)(x−bᵢ) = 0.",
    formula=r"E[x] - x^* = \rho \frac{a_2 - a_1}{a_1 + a_2}",
    source="[S23] for the bias; the limit derived",
    process="map of SAM and USAM, batches of one sample",
    cases=[
        {"curvatures": (1.3, 2.9), "minimisers": (-1.1, 1.2), "rho": 0.05, "method": "SAM"},
        {"curvatures": (3.1, 1.2), "minimisers": (-0.9, 1.3), "rho": 0.15, "method": "SAM"},
        {"curvatures": (1.3, 2.9), "minimisers": (-1.1, 1.2), "rho": 0.15, "method": "USAM"},
        {"curvatures": (3.1, 1.2), "minimisers": (-0.9, 1.3), "rho": 0.05, "method": "USAM"},
    ],
    predict=predict,
    rival=lambda: 0.0,
    mistake="convergence to the minimiser, as of SGD on average",
    measure=measure,
    tolerance=0.002,
    reason="the mean step is linear as long as no run crosses a sample's minimiser, six deviations away",
)
