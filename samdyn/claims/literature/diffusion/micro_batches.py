"""What the size of the micro-batch does to USAM's noise and to its drift."""

import samdyn as sd
from samdyn.claims import Claim, grid

SIGNS = {"z": [1.0, 1.0, -1.0, -1.0], "y": [1.0, -1.0, 1.0, -1.0]}  # independent samples of mean 0 and variance 1


def spread(lam: float, rho: float, batch_size: int, micro_batch: int, lr: float, steps: int) -> float:
    """Return the exact variance of the iterates, from the critical point."""
    noise = sd.noise.Fisher([0], batch_size=batch_size, micro_batch=micro_batch)
    map_ = sd.Map(sd.landscapes.quadratic([lam]), sd.USAM(rho), lr=lr, noise=noise)
    return float(sd.analysis.linear_step(map_).moments([0.0], steps)[1][-1, 0, 0])


def drift(lam: float, slope: float, rho: float, micro_batch: int, w: float) -> float:
    """Return the mean of (w − w′)/η over all batches, for gradients (λ + slope · z)w + y of the samples."""
    losses = sd.SampleLandscape(f"({lam} + {slope}*z)*w**2/2 + y*w", "w", SIGNS)
    noise = sd.noise.FiniteSum(4, micro_batch=micro_batch)
    mean, _ = sd.analysis.linear_step(sd.Map(losses, sd.USAM(rho), lr=0.1, noise=noise)).moments([w], 1)
    return float(mean[0, 0] - mean[1, 0]) / 0.1


micro_batch_diffusion = Claim(
    id="micro-batch-diffusion",
    statement="On a quadratic with additive noise the spread of m-USAM, which perturbs each micro-batch of m samples "
    "by its own gradient, does not depend on m: the noise of m samples is larger by B/m, and B/m of them are averaged.",
    formula=r"\sigma_k^2 = \frac{\eta^2 (1+\rho\lambda)^2 |\lambda|}{B} "
    r"\sum_{i<k} (1 - \eta\lambda(1+\rho\lambda))^{2i}",
    source="derived; corrects a reading of [LU25, Theorem 3.5]",
    process="map of m-USAM, shared batch",
    cases=grid(lam=(-1.2, 0.7), rho=0.4, batch_size=12, micro_batch=(1, 3, 12), lr=0.1, steps=7),
    predict=lambda lam, rho, batch_size, lr, steps: (
        lr**2 * (1 + rho * lam) ** 2 * abs(lam) / batch_size
        * sum((1 - lr * lam * (1 + rho * lam)) ** (2 * k) for k in range(steps))
    ),
    rival=lambda lam, rho, batch_size, micro_batch, lr, steps: (
        lr**2 * (1 + rho * lam) ** 2 * abs(lam) * micro_batch / batch_size**2
        * sum((1 - lr * lam * (1 + rho * lam)) ** (2 * k) for k in range(steps))
    ),
    mistake="a variance that is smaller by m/B",
    measure=spread,
    tolerance=1e-9,
    reason="rounding",
)  # fmt: skip

micro_batch_drift = Claim(
    id="micro-batch-drift",
    statement="Noise in the perturbation adds (ρ/2m) tr V to the loss whose gradient is the mean step of m-USAM, V "
    "the covariance of a sample's gradient: it depends on the micro-batch m, not on the batch.",
    formula=r"E[F] = \nabla (L + \frac{\rho}{2} \|\nabla L\|^2 + \frac{\rho}{2m} \mathrm{tr}\, V)",
    source="[LU25, Theorems 3.3 to 3.5]; [AF22]",
    process="map of m-USAM, batches of 4 samples with replacement",
    cases=grid(lam=1.5, slope=0.7, rho=0.3, micro_batch=(1, 2, 4), w=0.6),
    predict=lambda lam, slope, rho, micro_batch, w: (
        lam * w + rho * lam**2 * w + rho / (2 * micro_batch) * 2 * slope**2 * w  # V = 1 + slope² w²
    ),
    rival=lambda lam, slope, rho, w: lam * w + rho * lam**2 * w + rho / 4 * slope**2 * w,
    mistake="the batch of 4 in place of the micro-batch",
    measure=drift,
    tolerance=1e-9,
    reason="the loss of a sample is quadratic, for which the formula is exact",
)
