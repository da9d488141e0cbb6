"""The distance that a constant radius leaves between stochastic SAM and the minimum."""

import numpy as np

import samdyn as sd
from samdyn.claims import Claim, Estimate, grid


def measure(curvatures: tuple[float, float], rho: float, lr: float, budget: float, seed: int) -> Estimate:
    """Return the mean difference of SAM and SGD with the same batches, after the time 6/mean curvature."""
    data = {"a": list(curvatures), "b": [-1.0, 1.0]}
    landscape = sd.SampleLandscape("a*(x - b)**2/2", "x", data)
    starts, steps = np.zeros((int(budget * 100_000), 1)), round(12 / (lr * sum(curvatures)))
    ends = [
        sd.simulate(sd.Map(landscape, method, lr, noise=sd.noise.FiniteSum(1)), starts, steps=steps, seed=seed)
        for method in (sd.SAM(rho), sd.GD())
    ]
    return Estimate.mean((ends[0].w - ends[1].w).values[:, -1, 0])


stochastic_bias = Claim(
    id="constant-radius-bias",
    statement="With a constant ρ stochastic SAM does not come to the minimum, however small η is, also if L is "
    "convex: of two samples ½aᵢ(x − bᵢ)², in batches of one, the mean of x is beside it by ρ(a₂ − a₁)/(a₁ + a₂).",
    formula=r"E x - x^* = \rho\,\frac{a_2 - a_1}{a_1 + a_2}",
    source="[S23]; value derived",
    process="map of SAM, batches of one sample",
    cases=grid(curvatures=((1.0, 3.0), (2.0, 1.0)), rho=(0.05, 0.15), lr=0.02),
    predict=lambda curvatures, rho: rho * (curvatures[1] - curvatures[0]) / (curvatures[0] + curvatures[1]),
    rival=lambda: 0.0,
    mistake="the minimum itself, as for full batches in the limit of small η",
    measure=measure,
    tolerance=4e-3,
    reason="the start decays by e⁻⁶ = 0.25 %; runs seldom cross a bᵢ",
)
