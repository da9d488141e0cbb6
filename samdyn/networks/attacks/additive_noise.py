"""The mean of a loss over noise that is added to the input."""

from dataclasses import dataclass
from math import sqrt

import torch

from ... import checks
from ...noise import normals
from ...oracle import Oracle
from .input_loss import InputLoss

NUMBERS = 2**17  # normal numbers of a sample in one draw, the most that samdyn.noise.normals returns


@dataclass(frozen=True)
class AdditiveNoise:
    """The mean E ℓ(x + ξ) over noise ξ ~ N(0, σ²I) on the input, estimated by the mean over m pairs x ± ξ.

    Both points of a pair have the mean ℓ(x) + ½ ξᵀ∇²ℓ(x)ξ + O(ξ⁴): the gradient, which is most of the variance at small
    σ, cancels. The noise is a function of the seed, the index of the sample, the step and the pair alone, so that a
    sample has the same in any batch.

    To second order the mean is ℓ(x) + (σ²/2) tr ∇²ℓ(x); see ``laplacian``. This is our reading of the objective of
    [K22], whose theorem was not available.

    Attributes:
        sigma: σ ≥ 0, in the units of the inputs.
        pairs: the number m of pairs.
        seed: the seed, in [0, 2³²).

    Raises:
        InputError: σ that is not finite and ≥ 0; pairs that are not an integer ≥ 1; a seed out of its range.

    >>> from torch.nn.functional import mse_loss
    >>> from samdyn.networks import Network, attacks, models
    >>> model, x = models.mlp((3, 1)), torch.ones(2, 3)
    >>> network = Network(model, mse_loss, x, torch.zeros(2, 1))
    >>> loss = attacks.InputLoss(network, network.vector(model), x, torch.zeros(2, 1))
    >>> exact = loss.value(loss.x) + 0.5**2 / 2 * attacks.laplacian(loss, loss.x)  # of a quadratic loss
    >>> mean, error = attacks.AdditiveNoise(0.5, pairs=1000).mean_loss(loss, loss.x)
    >>> bool(((mean - exact).abs() < 4 * error).all())
    True
    """

    sigma: float
    pairs: int
    seed: int = 0

    def __post_init__(self) -> None:
        checks.not_negative("sigma", self.sigma, "Use e.g. sigma=0.1")
        checks.count("pairs", self.pairs, "Use e.g. pairs=8")
        checks.word("seed", self.seed, "Use e.g. seed=0")

    def oracle(self, loss: InputLoss, step: int = 0) -> Oracle:
        """Return the gradient of the mean as an oracle of points ``(d, n, …)``, with the noise of one step."""
        return Oracle(
            lambda x: loss.grad(self._around(loss, x, step)).mean(-1),
            lambda x, v: loss.grad.hvp(self._around(loss, x, step), v[..., None]).mean(-1),
        )

    def mean_loss(self, loss: InputLoss, x: torch.Tensor, step: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the mean and its standard error at points: ``(d, n, …) -> (n, …)`` each. The error needs two pairs."""
        pairs = loss.value(self._around(loss, x, step)).unflatten(-1, (2, self.pairs)).mean(-2)
        spread = pairs.std(-1) if self.pairs > 1 else torch.full_like(pairs[..., 0], torch.nan)
        return pairs.mean(-1), spread / sqrt(self.pairs)

    def _around(self, loss: InputLoss, x: torch.Tensor, step: int) -> torch.Tensor:
        """Return the points x + ξ of all pairs, and then the points x − ξ: ``(d, n, …, 2m)``."""
        d = len(x)
        together = max(1, NUMBERS // d)  # pairs of one draw, whatever their number is, so that the first stay the same
        counts = [min(together, self.pairs - first) for first in range(0, self.pairs, together)]
        draws = [normals(self.seed, loss.runs, step, draw, d * count) for draw, count in enumerate(counts)]
        xi = self.sigma * torch.cat(draws).unflatten(0, (self.pairs, d)).movedim(0, -1).to(x)
        xi = xi.reshape(*xi.shape[:2], *[1] * (x.ndim - 2), self.pairs)
        return torch.cat([x[..., None] + xi, x[..., None] - xi], -1)
