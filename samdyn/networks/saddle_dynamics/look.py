"""What a network is like where it stalled."""

import numpy as np
import torch

from ... import checks
from ...arguments import checked
from ...methods import Method
from ..curvature import extreme_eigenpairs
from ..landscape.network import Network

# Beside the saddle at zero weights the two ends of the spectrum are of equal size to six digits. A smaller tolerance
# would try to separate them.
TOLERANCE = 1e-4


@checked
def look_at(
    network: Network,
    w: torch.Tensor,
    method: Method,
    directions: np.ndarray,
    *,
    batch_size: int | None = None,
    batches: int = 50,
    seed: int = 0,
) -> dict[str, float]:
    """Measure a network at one point: the ends of its spectrum, the gradient at w and wᵖ, and the gradient's noise.

    Args:
        network: the loss over all samples.
        w: the point, ``(d,)``. Its dtype is that of the computation.
        method: the method whose wᵖ it is; its radius is a number.
        directions: orthonormal directions, ``(d, k)``, such as those in which a saddle is left.
        batch_size: B of the noise. None: there is none.
        batches: the number of batches that measure it.
        seed: the seed of the batches.

    Returns:
        "lam_min", "lam_max", in the units of the loss per w²; "gradient_norm", ‖g‖; "cosine", that of the gradients at
        w and wᵖ; "escape_cosine", the same in the directions only; "noise_norm", the root of the mean square of a
        batch's gradient minus g.

    Raises:
        InputError: as for ``extreme_eigenpairs``.

    >>> from torch.nn.functional import mse_loss
    >>> import samdyn as sd
    >>> x = torch.tensor([0.5, 1.0], dtype=torch.float64)
    >>> network = Network(sd.networks.models.one_neuron(), mse_loss, x, x**2)
    >>> w, directions = torch.tensor([0.1, 0.1], dtype=torch.float64), np.eye(2)[:, :1]
    >>> look = look_at(network, w, sd.SAM(0.01), directions)
    >>> round(look["lam_min"], 3), round(look["lam_max"], 3), round(look["escape_cosine"], 3)
    (-0.343, 0.131, 1.0)
    """
    batches = checks.count("batches", batches, "Use e.g. batches=50")
    values, _ = extreme_eigenpairs(network, w, tolerance=TOLERANCE)
    g = network.grad(w)
    there = network.grad(method.perturbed(w, network.grad))
    escaping = torch.as_tensor(directions).to(w)
    noise_norm = 0.0
    if batch_size is not None:
        batch_size = checks.count("batch_size", batch_size, "Use e.g. batch_size=32")
        chosen = np.random.default_rng(seed).integers(network.samples, size=(1, batch_size, batches))
        of_batches = network.batch_gradient(w[:, None].expand(-1, batches), torch.as_tensor(chosen))
        noise_norm = float(((of_batches - g[:, None]) ** 2).sum(0).mean().sqrt())
    return {
        "lam_min": float(values[0]),
        "lam_max": float(values[-1]),
        "gradient_norm": float(g.norm()),
        "cosine": float(torch.cosine_similarity(g, there, dim=0)),
        "escape_cosine": float(torch.cosine_similarity(escaping.T @ g, escaping.T @ there, dim=0)),
        "noise_norm": noise_norm,
    }
