"""SAM that takes its second gradient at some of the steps alone."""

from dataclasses import dataclass, field
from typing import Any

from .. import checks
from ..ops import Point, dot, norm, unit, where
from ..oracle import Oracle
from .method import Remembering
from .sam import SAM


@dataclass(frozen=True)
class LookSAM(Remembering):
    """SAM at every k-th step; in between the gradient g and a part of SAM's last direction.

    At a step with SAM's gradient gₛ, F = gₛ, and the method remembers gᵥ, the part of gₛ at right angles to g. At the
    others F = g + α ‖g‖ gᵥ/‖gᵥ‖. With α = 0 the method is SAM at every k-th step and GD in between.

    [LS22, algorithm 1]

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.landscapes.saddle(), sd.methods.LookSAM(rho=0.1, every=5), lr=0.01)
    >>> map_.memory, map_.period
    (('across',), 5)

    Attributes:
        rho: ρ ≥ 0, in the units of w, or one per run.
        every: k ≥ 1.
        alpha: α ≥ 0.

    Raises:
        InputError: a number out of its range; a step without its number, where k > 1.
    """

    rho: Any = 0.05
    every: int = field(default=5, kw_only=True)
    alpha: Any = field(default=0.5, kw_only=True)

    memory = ("across",)

    def __post_init__(self) -> None:
        object.__setattr__(self, "rho", checks.radius(self.rho))
        object.__setattr__(self, "every", checks.count("every", self.every, "Use e.g. every=5"))
        fix = "Use e.g. alpha=0.5, or 0 for GD in between"
        object.__setattr__(self, "alpha", checks.size("alpha", self.alpha, fix))

    @property
    def period(self) -> int:
        """k, the number of steps after which the method repeats."""
        return self.every

    def advance(
        self, w: Point, memory: tuple[Point, ...], grad: Oracle, number: Any
    ) -> tuple[Point, tuple[Point, ...]]:
        """Return SAM's gradient at the first of k steps, and the gradient with the remembered part at the others."""
        if number is None and self.every > 1:
            rule = f"acts at every {self.every}th step, and the number of this step is not known"
            checks.reject("method", self, rule, "Give step(…, number=1), or simulate")
        g = grad(w)
        climbs = True if number is None else (number - 1) % self.every == 0
        between = g + self.alpha * norm(g) * unit(memory[0])
        if climbs is False:  # of a number that is no tensor: the second gradient is saved
            return between, memory
        climbed = grad(w + self.rho * unit(grad.up(w, g)))
        across = climbed - dot(climbed, unit(g)) * unit(g)
        return where(climbs, climbed, between), (where(climbs, across, memory[0]),)


@dataclass(frozen=True)
class SometimesSAM(SAM):
    """SAM with probability p in every step, and GD otherwise.

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.landscapes.saddle(), sd.methods.SometimesSAM(rho=0.1, probability=0.5), lr=0.01)
    >>> len(set(sd.simulate(map_, [(1, 1)] * 20, 1).w.values[:, -1, 0].round(9).tolist()))  # each run draws its own
    2

    Attributes:
        rho, ascent_steps, average: as of SAM.
        probability: p in [0, 1].

    Raises:
        InputError: a number out of its range; a call without random numbers, as of a flow.
    """

    probability: float = field(default=0.5, kw_only=True)

    is_random = True

    def __post_init__(self) -> None:
        super().__post_init__()
        fix = "Use e.g. probability=0.5"
        checks.number("probability", self.probability, "must lie in [0, 1]", fix, lambda p: 0 <= p <= 1)

    def __call__(self, w: Point, grad: Oracle) -> Point:
        climbs = grad.uniform(w) < self.probability
        if not climbs.ndim:  # of one network: the gradients that the step does not need are saved
            return super().__call__(w, grad) if climbs else grad(w)
        return where(climbs, super().__call__(w, grad), grad(w))
