"""Which sharpness SAM lowers along a manifold of minima: full batch, and batches of one sample."""

import numpy as np

import samdyn as sd
from samdyn.claims import Claim, Estimate, grid, leading_order

RHO = 0.01


def terms(slopes: tuple[float, float]) -> tuple[str, str]:
    """Return two terms whose Hessian eigenvalues across the line x = y = 0 are 1.6 and 1 at z = 0, of these slopes."""
    return f"(1.6 + {slopes[0]}*z)*x**2/2", f"(1 + {slopes[1]}*z)*y**2/2"


def full_batch(slopes: tuple[float, float], lr: float) -> float:
    """Return the change of z in a step over ηρ², over steps 20 to 40, at z near 0."""
    landscape = sd.Landscape(" + ".join(terms(slopes)), "x y z")
    runs = sd.simulate(sd.Map(landscape, sd.SAM(RHO), lr), [[1e-6, 1e-6, 0.0]], steps=40, save_every=20)
    z = runs.w[0, :, 2].values
    return float(z[2] - z[1]) / (20 * lr * RHO**2)


def single_samples(slopes: tuple[float, float], lr: float, budget: float, seed: int) -> Estimate:
    """Return the mean change of z in a step over ηρ², over 50 steps, at z near 0. Each term of L is a sample."""
    loss = "2*a*{} + 2*b*{}".format(*terms(slopes))
    landscape = sd.SampleLandscape(loss, "x y z", {"a": [1, 0], "b": [0, 1]})
    map_ = sd.Map(landscape, sd.SAM(RHO), lr, noise=sd.noise.FiniteSum(1))
    starts = np.tile([1e-6, 1e-6, 0.0], (int(budget * 200_000), 1))
    ends = sd.simulate(map_, starts, steps=50, seed=seed).w[:, -1, 2].values
    return Estimate.mean(ends / (50 * lr * RHO**2))


full_batch_drift = Claim(
    id="sam-lowers-largest-eigenvalue",
    statement="With full batches SAM drifts along a manifold of minima by −½∇λ₁, λ₁ the largest eigenvalue, in the "
    "time ηρ²k.",
    formula=r"\dot{z} = -\nabla\lambda_1/2",
    source="[W22, Theorem 4.5]",
    process="map of SAM",
    cases=grid(slopes=((2.0, 0.6), (-0.9, 0.5)), lr=(0.002, 0.004, 0.008)),
    predict=lambda slopes: -0.5 * slopes[0],
    rival=lambda slopes: -0.5 * slopes[1],
    mistake="the smallest positive eigenvalue, which minimising the loss at the perturbed point would lower",
    measure=full_batch,
    tolerance=5e-3,
    reason="the relative error is ηλ₁ = 0.32 % at the smallest η",
    small="lr",
    record=leading_order(1),
)

single_sample_drift = Claim(
    id="sam-lowers-trace",
    statement="With batches of one sample SAM drifts along a manifold of minima by −½∇tr H, in the time ηρ²k.",
    formula=r"\dot{z} = -\nabla\,\mathrm{tr}\,H/2",
    source="[W22, Theorem 5.4]",
    process="map of SAM, batches of one sample",
    cases=grid(slopes=((2.0, 0.6), (1.1, 1.8)), lr=(0.0005, 0.004, 0.016)),
    predict=lambda slopes: -0.5 * (slopes[0] + slopes[1]),
    rival=lambda slopes: -0.5 * slopes[0],
    mistake="the largest eigenvalue, as with full batches",
    measure=single_samples,
    tolerance=3e-3,
    reason="the relative error is of order η times the curvature of a sample",
    small="lr",
    record=leading_order(1),
)
