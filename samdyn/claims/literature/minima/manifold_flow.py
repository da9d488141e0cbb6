"""The slow flow along minima for batches of any size, with momentum, and on a curved manifold."""

import numpy as np
import torch

import samdyn as sd
from samdyn.claims import Claim, Estimate, grid

CURVATURES = np.array([1.6, 1.3, 1.1, 1.0])  # F at z = 0; sample k has the loss 4 F_k(z) x_k²
SLOPES = np.array([1.0, -0.5, 0.6, 0.3])  # F' at z = 0
SETTLING, STEPS = 800, 400  # batches of three forget the start slowest, in some hundred steps
CURVED = sd.Landscape("(a*b + c*d - 1)**2/2", "a b c d")  # λ_max = ‖w‖² at its minima
START = np.array([1.5, 0.5, 1.0, 0.25])  # a minimum of it


def samples() -> sd.SampleLandscape:
    """Return the valley along z of four samples."""
    terms = [f"a{k}*({f} + {slope}*z)*x{k}**2" for k, (f, slope) in enumerate(zip(CURVATURES, SLOPES, strict=True))]
    data = {f"a{k}": np.eye(4)[k].tolist() for k in range(4)}
    return sd.SampleLandscape(f"4*({' + '.join(terms)})", "x0 x1 x2 x3 z", data)


def predicted(batch: int, lr: float) -> float:
    """Return dz/ds at z = 0 by the flow."""
    noise = sd.noise.FiniteSum(batch, replacement=False)
    flow = sd.ManifoldFlow(samples(), sd.SAM(0.01), lr=lr, noise=noise, runs=16384)
    return float(flow.velocity(np.zeros(5))[-1])


def drift(batch: int, lr: float, rho: float, budget: float, seed: int) -> Estimate:
    """Return the mean change of z a step, in units of ηρ²."""
    map_ = sd.Map(samples(), sd.SAM(rho), lr=lr, noise=sd.noise.FiniteSum(batch, replacement=False))
    starts = np.tile([lr * rho, -lr * rho / 2, lr * rho / 3, lr * rho / 4, 0.0], (int(budget * 20_000), 1))
    settled = sd.simulate(map_, starts, SETTLING, seed=seed, progress=False).w[:, -1].values
    settled[:, 4] = 0.0
    runs = sd.simulate(map_, settled, STEPS, seed=seed, first_step=SETTLING, progress=False)
    return Estimate.mean(runs.w[:, -1, 4].values / (STEPS * lr * rho**2))


def with_momentum(curvature: float, slope: float, lr: float, momentum: float) -> float:
    """Return the change of z a step in units of ηρ², over the steps after the bounce has settled."""
    rho = 0.0005
    map_ = sd.Map(sd.landscapes.ravine(f"{curvature} + {slope}*z"), sd.SAM(rho), lr=lr, momentum=momentum)
    state, z = map_.start(torch.tensor([rho / 2, 0.0], dtype=torch.float64)), []
    for step in range(1, 301):
        state = map_.step(state)
        if step in (200, 300):
            z.append(float(state[0][1]))
    return (z[1] - z[0]) / (100 * lr * rho**2)


def reach(curvature: float, lr: float, momentum: float) -> float:
    """Return the square of the distance of the perturbed points from the minimum, in units of ρ²."""
    edge = 2 * (1 + momentum)
    return (edge / (edge - lr * curvature)) ** 2


def on_curved(lr: float, rho: float, time: float) -> float:
    """Return ‖w‖² after the time s = ηρ²k, at the mean of the last two iterates."""
    map_ = sd.Map(CURVED, sd.SAM(rho), lr=lr)
    last = torch.tensor(sd.simulate(map_, START + 1e-6, round(time / (lr * rho**2)), progress=False).w.values[0, -1])
    return float(((last + map_.step((last,))[0]) ** 2).sum() / 4)


minibatch_drift = Claim(
    id="minibatch-drift",
    statement="For batches of any size SAM drifts along a manifold of minima by the mean, over the stationary bounce of "
    "the batches' own perturbed points y = x + ρu, of the gradient of yᵀH_S y.",
    formula=r"\frac{dz}{ds} = -\frac{1}{2\rho^2}\,\mathrm{E}_S\,\nabla_z\,(y^T H_S\, y)",
    source="derived; [W22] has batches of one sample and of all, and asks for those between",
    process="map of SAM, shared batch of samples without replacement, on a valley",
    cases=grid(batch=(2, 3), lr=(0.003, 0.01), rho=0.01),
    predict=predicted,
    rival=lambda batch: -SLOPES.sum() / batch,
    mistake="an isotropic perturbation, −∇tr H/2B",
    measure=drift,
    tolerance=6e-3,
    reason="the prediction's own standard error, a quarter of a percent",
)

momentum_drift = Claim(
    id="momentum-drift",
    statement="With heavy ball SAM's bounce across a valley is shorter, and its drift along it is longer by 1/(1 − γ).",
    formula=r"\frac{\Delta z}{\eta\rho^2} = -\frac{\lambda'}{2(1-\gamma)}\left(\frac{2(1+\gamma)}"
    r"{2(1+\gamma)-\eta\lambda}\right)^2",
    source="derived; without momentum [B22]",
    process="map of SAM with heavy ball, on the 2-cycle",
    cases=grid(curvature=1.5, slope=(0.7, -0.4), lr=(1.0, 1.2), momentum=(0.3, 0.6)),
    predict=lambda curvature, slope, lr, momentum: -slope / 2 / (1 - momentum) * reach(curvature, lr, momentum),
    rival=lambda curvature, slope, lr, momentum: -slope / 2 / (1 - momentum) * reach(curvature, lr, 0.0),
    mistake="the bounce without momentum",
    measure=with_momentum,
    tolerance=2e-3,
    reason="z moves during the measurement, and λ with it",
)

curved_drift = Claim(
    id="manifold-flow-path",
    statement="SAM's iterates follow the slow flow along a curved manifold of minima. On (ab + cd − 1)²/2, whose largest "
    "eigenvalue is ‖w‖², they balance the factors.",
    formula=r"\frac{dw}{ds} = -\frac{1}{2}\left(\frac{2}{2-\eta\lambda}\right)^2 P\,\nabla\lambda_{max}",
    source="[W22, Theorem 4.5]; the factor of a finite η derived",
    process="map of SAM",
    cases=grid(lr=(0.1, 0.25), rho=0.02, time=0.4),
    predict=lambda lr, time: float(sd.ManifoldFlow(CURVED, sd.SAM(0.02), lr=lr).path(START, time, 8).eigenvalue[-1]),
    rival=lambda time: float(sd.ManifoldFlow(CURVED, sd.SAM(0.02)).path(START, time, 8).eigenvalue[-1]),
    mistake="the limit of small steps at a finite η",
    measure=on_curved,
    tolerance=2e-3,
    reason="the relative error is of the order of ρ²",
)
