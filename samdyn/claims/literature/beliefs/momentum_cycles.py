"""The cycles of SAM with heavy ball, of which several coexist."""

import numpy as np

import samdyn as sd
from samdyn.claims import Claim

STEPS = 500  # a run forgets its start by √γ a step
LONGEST = 10  # half-period in steps, more than the longest here


def last_states(starts: np.ndarray, velocities: np.ndarray, lr: float, momentum: float, rho: float) -> np.ndarray:
    """Return w over the last steps of runs on ½w², (run, step)."""
    map_ = sd.Map(sd.landscapes.quadratic([1.0]), sd.SAM(rho), lr=lr, momentum=momentum)
    runs = sd.simulate(map_, starts[:, None], STEPS, v0=velocities[:, None], progress=False)
    end = sd.simulate(map_, runs.w[:, -1].values, 4 * LONGEST, v0=runs.v.values, save_every=1, progress=False)
    return np.asarray(end.w[..., 0].values)


def amplitude(lr: float, momentum: float, rho: float, half_period: int) -> float:
    """Return the amplitude of the runs that end on the cycle in which w changes its sign after p steps; inf if none."""
    sizes = rho * lr * np.linspace(-3, 3, 81)
    starts, velocities = (part.ravel() for part in np.meshgrid(sizes, sizes / lr))
    w = last_states(starts, velocities, lr, momentum, rho)
    turned = [np.abs(w[:, p : p + 2 * LONGEST] + w[:, : 2 * LONGEST]).max(1) < 1e-9 * rho for p in range(1, LONGEST)]
    chosen = np.abs(w[turned[half_period - 1] & ~np.any(turned[: half_period - 1], axis=0)])
    return float(chosen.max()) if chosen.size else np.inf


def cycle(lr: float, momentum: float, rho: float, half_period: int) -> float:
    """Return the amplitude of the cycle of half-period p on ½w², inf where it contradicts the signs it assumes."""
    step, push = np.array([[1 - lr, -momentum], [lr, momentum]]), np.array([-lr * rho, lr * rho])  # of (w, ηv)
    powers = [np.linalg.matrix_power(step, k) for k in range(half_period + 1)]
    z = -np.linalg.solve(np.eye(2) + powers[-1], sum(powers[:-1]) @ push)
    path = [z[0]]
    for _ in range(half_period):
        z = step @ z + push
        path.append(z[0])
    return max(path) if min(path[:-1]) > 0 else np.inf


momentum_cycles_coexist = Claim(
    id="momentum-cycles-coexist",
    statement="With heavy ball, SAM on ½w² has a stable cycle for every half-period p for which the start "
    "z = −(I + Aᵖ)⁻¹ ΣAⁱq keeps the sign of w for p steps; z = (w, ηv), and (A, q) is a step at w > 0. "
    "Where a run starts decides on which cycle it ends.",
    formula=r"z = -(I + A^p)^{-1} \sum_{i<p} A^i q,\quad z_{k+1} = A z_k + q\ (w_k > 0),\quad z_{k+p} = -z_k",
    source="derived",
    process="map of SAM with heavy ball on ½w², from many starts",
    cases=[
        *({"lr": 0.02, "momentum": 0.5, "rho": 0.1, "half_period": p} for p in (1, 2, 3, 4)),
        *({"lr": 0.1, "momentum": 0.9, "rho": 0.3, "half_period": p} for p in (1, 3, 5, 6)),
    ],
    predict=cycle,
    rival=lambda lr, momentum, rho: lr * rho / (2 * (1 + momentum) - lr),
    mistake="the amplitude of the 2-cycle for every cycle",
    measure=amplitude,
    tolerance=1e-6,
    reason="rounding; a run forgets its start by √γ a step",
)
