"""The mean step of mini-batch SAM near a saddle, measured from batches there, and the radius from which it stalls.

At w off a critical point, with a batch gradient H_B w + ξ, SAM steps along H_B(w + ρ(H_B w + ξ)/‖H_B w + ξ‖). To first
order in w the mean of that is (H + ρQ)w, Q = E[H_B₂(I − uuᵀ)H_B₁/‖ξ‖] with u = ξ/‖ξ‖: B₁ is the batch of the ascent and
B₂ that of the descent. It neglects the change of curvature over the perturbation.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from ... import checks
from ...arguments import checked
from ..landscape.network import Network

if TYPE_CHECKING:
    import xarray

COUPLINGS = ("shared", "independent")  # whether the two gradients of a step have the same batch
RADII = np.geomspace(1e-3, 1e2, 300)  # ρ at which the mean step is tried


@dataclass(frozen=True)
class SampleStep:
    """The gradient and the Hessian of every sample at one point: ``(n, d)`` and ``(n, d, d)``."""

    gradients: torch.Tensor
    hessians: torch.Tensor


@dataclass(frozen=True)
class MeanStep:
    """The mean step (H + ρQ)w near a saddle, and the noise of the gradient there.

    Attributes:
        hessian: H, ``(d, d)``.
        perturbation: Q for each coupling, "shared" or "independent", ``(d, d)``.
        noise: ξ, one per batch, ``(batches, d)``.
        inverse_norm: E[1/‖ξ‖].
    """

    hessian: np.ndarray
    perturbation: dict[str, np.ndarray]
    noise: np.ndarray
    inverse_norm: float

    @property
    def noise_norm(self) -> float:
        """s√d, the root of the mean square of ‖ξ‖."""
        return float(np.sqrt((self.noise**2).sum(1).mean()))

    def on(self, coords: slice) -> "MeanStep":
        """Return the step on some coordinates, which it must not mix with others. The noise stays that of all."""
        parts = {coupling: matrix[coords, coords] for coupling, matrix in self.perturbation.items()}
        return MeanStep(self.hessian[coords, coords], parts, self.noise, self.inverse_norm)

    def additive(self) -> np.ndarray:
        """Return Q as it would be if noise were only added to the gradient, and all batches had the Hessian H."""
        product: np.ndarray = self.hessian @ self.hessian * self.inverse_norm
        return product

    def stalls_from(self, perturbation: np.ndarray, starts: np.ndarray, drop: float, lr: float, steps: int) -> float:
        """Return the smallest radius at which (H + ρQ) lowers the quadratic loss ½wᵀHw by less than ``drop``.

        Args:
            perturbation: Q, one of ``perturbation`` or ``additive()``.
            starts: groups of starts relative to the saddle, ``(n, k, d)``; the loss of a group is the sum of its k.
            drop: the least mean loss that groups must lose, in the units of the loss.
            lr: η.
            steps: the number of steps.

        Returns:
            ρ, to 4 %, between 10⁻³ and 100 in the units of w; inf if there is none.
        """
        hessian = torch.as_tensor(self.hessian)
        jacobian = hessian + torch.as_tensor(RADII)[:, None, None] * torch.as_tensor(perturbation)
        multiplier = torch.eye(len(hessian), dtype=hessian.dtype) - lr * jacobian
        begin = torch.as_tensor(starts, dtype=hessian.dtype).reshape(-1, len(hessian)).T
        end = torch.linalg.matrix_power(multiplier, steps) @ begin
        lowered = -(end * (hessian @ end)).sum((1, 2)) / 2 / len(starts)
        stalls = (lowered < drop).numpy()
        return float(RADII[np.argmax(stalls)]) if stalls.any() else np.inf


@checked
def sample_step(network: Network, w: torch.Tensor) -> SampleStep:
    """Return the gradient and the Hessian of every sample at w ``(d,)``, for ``mean_step``.

    >>> from torch.nn.functional import mse_loss
    >>> from samdyn.networks import Network, models
    >>> x = torch.tensor([[1.0], [2.0]], dtype=torch.float64)
    >>> network = Network(torch.nn.Linear(1, 1, bias=False), mse_loss, x, x)
    >>> samples = sample_step(network, torch.zeros(1, dtype=torch.float64))
    >>> samples.gradients.flatten().tolist(), samples.hessians.flatten().tolist()
    ([-2.0, -8.0], [2.0, 8.0])
    """
    at, each = w[:, None].expand(-1, network.samples), torch.arange(network.samples)[None, None]
    units = torch.eye(network.dim, dtype=w.dtype)
    hessians = [network.batch_hvp(at, each, unit[:, None].expand_as(at)).T for unit in units]
    return SampleStep(network.batch_gradient(at, each).T, torch.stack(hessians, 1))


@checked
def mean_step(samples: SampleStep, batch_size: int, batches: int, seed: int = 0) -> MeanStep:
    """Measure the mean step at a saddle from random batches, drawn with replacement.

    Args:
        samples: the gradients and Hessians there.
        batch_size: B.
        batches: the number of batches. From few, radii from which steps stall are too large: by about 10 % from 50.
        seed: the seed of the batches.

    Raises:
        InputError: a batch size or a number of batches below 1.

    >>> hessians = torch.tensor([[[-3.0]], [[1.0]]], dtype=torch.float64)
    >>> samples = SampleStep(torch.tensor([[1.0], [-1.0]], dtype=torch.float64), hessians)
    >>> step = mean_step(samples, batch_size=1, batches=10)
    >>> step.hessian.tolist(), step.noise_norm, step.perturbation["shared"].tolist()  # in one coordinate I − uuᵀ = 0
    ([[-1.0]], 1.0, [[0.0]])
    """
    batch_size = checks.count("batch_size", batch_size, "Use e.g. batch_size=32")
    batches = checks.count("batches", batches, "Use e.g. batches=500")
    number = len(samples.gradients)
    chosen = np.random.default_rng((seed, batch_size)).integers(number, size=(batches, batch_size))
    counts = np.array([np.bincount(batch, minlength=number) for batch in chosen])
    shares = torch.as_tensor(counts / batch_size)
    full = samples.hessians.mean(0)
    xi, own = shares @ samples.gradients, torch.einsum("bn,nij->bij", shares, samples.hessians)
    norms = xi.norm(dim=1)
    u = xi / norms[:, None]
    across = (own - u[:, :, None] * torch.einsum("bi,bij->bj", u, own)[:, None]) / norms[:, None, None]
    products = {"shared": (own @ across).mean(0), "independent": full @ across.mean(0)}
    matrices = {coupling: product.numpy() for coupling, product in products.items()}
    return MeanStep(full.numpy(), matrices, xi.numpy(), float((1 / norms).mean()))


@checked
def predicted_stalls(
    samples: SampleStep,
    starts: np.ndarray,
    batch_size: int,
    batches: int,
    *,
    drop: float,
    lr: float,
    steps: int,
    coords: slice = slice(None),
    parts: int = 8,
    seed: int = 0,
) -> "xarray.Dataset":
    """Return the radii from which mini-batch SAM stalls at a saddle, as its mean step there says.

    Args:
        samples: the gradients and Hessians at the saddle.
        starts, drop, lr, steps: as in ``MeanStep.stalls_from``.
        batch_size: B.
        batches: the number of batches that measure the mean step.
        coords: the coordinates in which the starts are, which the step must not mix with others.
        parts: the number of parts of the batches, each of which predicts a radius; their spread is its error.
        seed: the seed of the first part; the others have the following ones.

    Returns:
        "mean_step", the radius of each coupling and part; "additive", that if noise were only added to the gradient;
        "noise_norm", s√d; and "effective_dim", in how many directions the noise is.

    Raises:
        InputError: fewer batches than parts, or numbers that are out of their ranges.

    >>> samples = SampleStep(torch.tensor([[0.1], [-0.1]]).double(), torch.tensor([[[-1.0]], [[-1.0]]]).double())
    >>> start = np.array([[[0.01]]])  # ½w² = 0.02 after 100 steps if w grows twentyfold
    >>> how = {"drop": 0.02, "lr": 0.1, "steps": 100}
    >>> radii = predicted_stalls(samples, start, batch_size=1, batches=4, parts=2, **how)
    >>> round(float(radii.additive), 2), round(float(radii.noise_norm), 3)  # a rate of 0.3: 1 − ρ/0.1 = 0.3
    (0.07, 0.1)
    """
    import xarray

    if checks.count("parts", parts, "Use e.g. parts=8") > checks.count("batches", batches, "Use e.g. batches=4000"):
        checks.reject("batches", batches, f"are fewer than the {parts} parts", "Use e.g. batches=4000")
    drop, lr = checks.positive("drop", drop, "Use e.g. drop=0.02"), checks.learning_rate(lr)
    steps = checks.count("steps", steps, "Use e.g. steps=600")
    measured = [mean_step(samples, batch_size, batches // parts, (seed + part) % 2**32) for part in range(parts)]
    moving = [step.on(coords) for step in measured]
    inverse = float(np.mean([step.inverse_norm for step in measured]))
    additive = replace(moving[0], inverse_norm=inverse).additive()
    own = [[step.stalls_from(step.perturbation[c], starts, drop, lr, steps) for step in moving] for c in COUPLINGS]
    return xarray.Dataset(
        {
            "mean_step": (("coupling", "part"), own),
            "additive": moving[0].stalls_from(additive, starts, drop, lr, steps),
            "noise_norm": float(np.sqrt(np.mean([step.noise_norm**2 for step in measured]))),
            "effective_dim": effective_dim(np.concatenate([step.noise for step in measured])),
        },
        coords={"coupling": list(COUPLINGS)},
    )


@checked
def effective_dim(noise: np.ndarray) -> float:
    """Return (tr C)²/tr C² of the covariance C of noise ``(n, d)`` of mean 0: in how many directions it is.

    >>> effective_dim(np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]]))
    2.0
    """
    variances = np.linalg.svd(noise, compute_uv=False) ** 2
    return float(variances.sum() ** 2 / (variances**2).sum())


@checked
def hidden_units(w: torch.Tensor, widths: tuple[int, int, int]) -> np.ndarray:
    """Return the weights of each hidden unit of ``models.mlp(widths)``: those of its inputs, its bias, its outputs.

    At zero weights hidden units do not interact, so each moves as the only one of a network ``models.mlp`` with one
    hidden unit, whose parameters have this order too, before the biases of the outputs.

    Args:
        w: the parameters of networks, ``(n, d)``.
        widths: p, the number of hidden units, q.

    Returns:
        An array ``(n, units, p + 1 + q)``.

    Raises:
        InputError: parameters of another network.

    >>> hidden_units(torch.arange(10.0)[None], (1, 2, 2))  # w₁, w₂; b₁, b₂; W₁₁, W₁₂, W₂₁, W₂₂; two biases follow
    array([[[0., 2., 4., 6.],
            [1., 3., 5., 7.]]], dtype=float32)
    """
    inputs, hidden, outputs = widths
    dim = hidden * (inputs + 1 + outputs)
    if w.ndim != 2 or w.shape[1] != dim + outputs:
        rule = f"must be (n, {dim + outputs}) for widths {widths}"
        checks.reject("w", tuple(w.shape), rule, "Give the parameters of models.mlp(widths)")
    first, biases, last = w[:, :dim].split([inputs * hidden, hidden, outputs * hidden], dim=1)
    parts = [first.view(-1, hidden, inputs), biases[..., None], last.view(-1, outputs, hidden).transpose(1, 2)]
    units: np.ndarray = torch.cat(parts, 2).numpy()
    return units
