"""What a noise model is, and how the gradients of one step share it."""

import copy
import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from .. import checks
from ..landscapes import Landscape
from ..ops import Point
from ..oracle import Oracle
from .generator import Draws, StepDraws

COUPLINGS = ("shared", "independent", "clean")

Step = Callable[[Point, Oracle], Point]  # what a method is


@dataclass(frozen=True, eq=False)
class Noise(ABC):
    """Noise of the gradients that a step takes.

    Attributes:
        coupling: "shared", one batch for all gradients of a step, as everybody runs SAM; "independent", a new one for
            every gradient; "clean", the ascent climbs the full-batch gradient.

    Raises:
        InputError: another coupling.
    """

    coupling: str = field(default="shared", kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "coupling", checks.known("coupling", self.coupling, COUPLINGS))

    @abstractmethod
    def on(self, landscape: Landscape) -> "Source":
        """Return the noise on a landscape.

        Raises:
            InputError: it does not fit the landscape.
        """


def batch_sizes(batch_size: Any, micro_batch: int | None) -> Any:
    """Check a batch size, or one per run, of which it returns a tensor.

    Raises:
        InputError: a size < 1, or a micro-batch that does not divide the batch.
    """
    found = checks.count_per_run("batch_size", batch_size, "Use e.g. batch_size=16")
    micro_batches(found, micro_batch)
    return found


def micro_batches(batch_size: Any, micro_batch: int | None) -> int:
    """Return how many micro-batches a batch has.

    Raises:
        InputError: a micro-batch that does not divide the batch, or that batches of several sizes would be split in.
    """
    if micro_batch is None:
        return 1
    if torch.is_tensor(batch_size):
        rule = "batches of several sizes would have different numbers of micro-batches"
        checks.reject("micro_batch", micro_batch, rule, "Use one batch_size, or micro_batch=None")
    checks.count("micro_batch", micro_batch, "Use e.g. micro_batch=4, or None for the whole batch")
    if batch_size % micro_batch:
        fix = f"Use a divisor of {batch_size}, or None for the whole batch"
        checks.reject("micro_batch", micro_batch, f"does not divide the batch of {batch_size}", fix)
    return batch_size // micro_batch


class Source(ABC):
    """Noise on one landscape. What is drawn is a batch, split in ``parts`` micro-batches of one perturbation each."""

    parts: int = 1

    def __init__(self, landscape: Landscape, coupling: str, per_run: Mapping[str, Any] | None = None) -> None:
        """Take what all sources have.

        Args:
            landscape: where the noise is.
            coupling: as of ``Noise``.
            per_run: values of the noise's fields by name; those that are tensors ``(N,)`` are one per run.
        """
        self.landscape, self.coupling = landscape, coupling
        self.per_run = {name: v for name, v in (per_run or {}).items() if torch.is_tensor(v) and v.ndim}

    def refilled(self, per_run: Mapping[str, torch.Tensor]) -> "Source":
        """Return this source with other values of fields that are one per run."""
        if not per_run:
            return self
        new = copy.copy(self)
        new.per_run = {**self.per_run, **per_run}
        return new

    @abstractmethod
    def sample(self, draws: Draws, draw: int) -> torch.Tensor:
        """Return one draw for the runs that ``draws`` names: a batch ``(…, N)``."""

    def outcomes(self, calls: int, kind: str, w: Point) -> tuple[list[torch.Tensor], torch.Tensor]:
        """Return K values of ``calls`` independent batches, for means over them, at points w ``(d, N)``.

        Args:
            calls: how many batches a step draws.
            kind: what function of Gaussian noise is averaged: "affine", "smooth", or one that "jumps" where the noisy
                gradient at w vanishes.
            w: the points.

        Returns:
            One batch a call, ``(…, K)`` or ``(…, N, K)``, and their weights, ``(K,)`` or ``(N, K)``.

        Raises:
            InputError: more values than can be summed over; a source that does not define this, which is for means
                over what a step draws alone, as of a ``Diffusion``.
        """
        rule = "does not say over which outcomes of a draw a mean is to be taken"
        checks.reject("noise", type(self).__name__, rule, "Define outcomes() in this class, or simulate a Map")

    @abstractmethod
    def oracle(self, batch: torch.Tensor, part: int) -> Oracle:
        """Return the gradient, and the Hessian's products, over one micro-batch of a batch."""

    def update(self, method: Step, w: Point, draws: StepDraws) -> Point:
        """Return a method's F at w ``(d, …)``, the mean over micro-batches."""
        drawn: list[torch.Tensor] = []

        def batch(call: int) -> torch.Tensor:
            while len(drawn) <= call:
                drawn.append(draws.batch(self, len(drawn)))
            return drawn[call]

        found = [method(w, self._coupled(part, batch)) for part in range(self.parts)]
        return sum(found[1:], found[0]) / self.parts

    def _coupled(self, part: int, batch: Callable[[int], torch.Tensor]) -> Oracle:
        mean, calls = self.landscape.grad, itertools.count()

        def following() -> Oracle:
            return self.oracle(batch(next(calls) if self.coupling == "independent" else 0), part)

        if self.coupling == "clean":
            # What exact SAM pulls the gradient back through is the ascent, of the mean.
            return _Clean(lambda w: following()(w), mean.hvp, mean)
        return _Noisy(lambda w: following()(w), lambda w, v: following().hvp(w, v), mean)


@dataclass(frozen=True)
class _Noisy(Oracle):
    mean: Oracle

    def full(self, w: Point) -> Point:
        return self.mean(w)


@dataclass(frozen=True)
class _Clean(_Noisy):
    def up(self, w: Point, known: Point | None = None) -> Point:
        return self.mean(w)
