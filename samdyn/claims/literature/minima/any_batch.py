"""The slow flow along minima for batches between one sample and all."""

import numpy as np

import samdyn as sd
from samdyn.claims import Claim, grid

from ..beliefs.minibatch_drift import SLOPES, drift, valley


def predicted(batch: int, lr: float) -> float:
    """Return dz/ds at z = 0 by the flow."""
    noise = sd.noise.FiniteSum(batch, replacement=False)
    flow = sd.ManifoldFlow(valley(), sd.SAM(0.01), lr=lr, noise=noise, runs=8192)
    return float(flow.velocity(np.zeros(5))[-1])


minibatch_drift = Claim(
    id="minibatch-drift",
    statement="For batches S of any size SAM drifts along a manifold of minima by the mean, over the stationary "
    "bounce of the batches, of the gradient of yᵀH_S y at their perturbed points y.",
    formula=r"\frac{dz}{ds} = -\frac{1}{2\rho^2}\,\mathrm{E}_S\,\nabla_z\,(y^T H_S\, y)",
    source="derived; [W22] has batches of one sample and of all, and asks for those between",
    process="map of SAM, shared batch of samples without replacement, on a valley",
    cases=grid(batch=(2, 3), lr=0.003, rho=0.01),
    predict=predicted,
    rival=lambda batch: -SLOPES.sum() / batch,
    mistake="an isotropic perturbation, −∇tr H/2B",
    measure=drift,
    tolerance=6e-3,
    reason="the prediction's own standard error, a quarter of a percent",
)
