"""SAM that climbs along the noise of the gradient."""

from dataclasses import dataclass, field
from typing import Any

from ... import checks
from ...ops import Point, unit, where
from ...oracle import Oracle
from ..method import Ascent, Remembering


def _sigma(value: Any) -> Any:
    return checks.size("sigma", value, "Use e.g. sigma=1.0, or 0 for SAM")


@dataclass(frozen=True)
class FriendlySAM(Remembering):
    """Friendly SAM: F(w) = ∇L(w + ρ d/‖d‖), d = g − σm, g = ∇L(w). m ← λm + (1−λ)g is the running mean of g.

    With noise, g and ∇L are those of the batch, and d is what the batch has beside the mean gradient. m is the mean
    over the steps before. In the first step m is 0, and becomes g. This is the form of the authors' code. Their
    algorithm 1 subtracts σ times the mean with g in it, whose direction is the same for σ = 1.

    [LF24, algorithm 1]

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.landscapes.saddle(), sd.methods.FriendlySAM(rho=0.1), lr=0.01)
    >>> map_.memory
    ('mean_gradient',)

    Attributes:
        rho: ρ ≥ 0, in the units of w, or one per run.
        sigma: σ ≥ 0, or one per run.
        decay: λ in [0, 1), or one per run.

    Raises:
        InputError: a number out of its range.
    """

    rho: Any = 0.05
    sigma: Any = field(default=1.0, kw_only=True)
    decay: Any = field(default=0.9, kw_only=True)

    memory = ("mean_gradient",)

    def __post_init__(self) -> None:
        object.__setattr__(self, "rho", checks.radius(self.rho))
        object.__setattr__(self, "sigma", _sigma(self.sigma))
        object.__setattr__(self, "decay", checks.fraction("decay", self.decay, "Use e.g. decay=0.9"))

    def advance(
        self, w: Point, memory: tuple[Point, ...], grad: Oracle, number: Any
    ) -> tuple[Point, tuple[Point, ...]]:
        """Return the gradient at the perturbed point, and the running mean. A step without a number is a late one."""
        g, (mean,) = grad.up(w), memory
        is_first = False if number is None else number == 1
        next_mean = where(is_first, g, self.decay * mean + (1 - self.decay) * g)
        return grad(w + self.rho * unit(g - self.sigma * mean)), (next_mean,)


@dataclass(frozen=True)
class FullFriendlySAM(Ascent):
    """Friendly SAM with the full gradient in place of its running mean: F(w) = ∇L(w + ρ d/‖d‖), d = g − σ∇L(w).

    g is the gradient of the batch, and ∇L(w) that of the full batch, which the running mean of ``FriendlySAM``
    estimates. Without noise the method is SAM if σ < 1, and GD if σ = 1.

    [LF24, section 3]

    >>> import samdyn as sd, torch
    >>> map_ = sd.Map(sd.landscapes.saddle(), sd.methods.FullFriendlySAM(0.5), lr=1.0, noise=sd.noise.Gaussian(1.0))
    >>> xi = sd.noise.Given(torch.tensor([0.0, 3.0]).reshape(1, 1, 2, 1))  # a draw for one run
    >>> map_.step((torch.tensor([[1.0], [0.0]]),), xi)[0].flatten().tolist()  # the gradient at (1, 0.5) is (2, −1) + ξ
    [-1.0, -2.0]

    Attributes:
        rho, ascent_steps, average: as of SAM.
        sigma: σ ≥ 0, or one per run.

    Raises:
        InputError: as Ascent; σ is negative or not finite.
    """

    sigma: Any = field(default=1.0, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "sigma", _sigma(self.sigma))

    def direction(self, w: Point, g: Point, grad: Oracle) -> Point:
        """Return d/‖d‖, d = g − σ∇L(w)."""
        return unit(g - self.sigma * grad.full(w))
