"""The interface of a noise model, and the ways in which the gradients of one step share noise."""

import copy
import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch

from .. import checks
from ..landscapes import Landscape
from ..ops import Point
from ..oracle import Oracle
from .generator import Draws, StepDraws

# The noise of the gradients of a step: of one batch, of a batch each, or none in the gradients of the ascent.
COUPLINGS = ("shared", "independent", "clean")

Step = Callable[[Point, Oracle], Point]  # the signature of a method


@dataclass(frozen=True, eq=False)
class Noise(ABC):
    """Noise of the gradients of a step. A new model is a frozen dataclass that defines ``on``.

    >>> import samdyn as sd
    >>> sd.noise.Gaussian(0.25).coupling
    'shared'
    >>> isinstance(sd.noise.Gaussian(0.25, coupling="clean"), sd.noise.Noise)
    True

    Attributes:
        coupling: "shared" if all gradients of a step use one batch, as SAM does in practice; "independent" if every
            gradient draws a new batch; "clean" if the ascent climbs the full-batch gradient.
        of_landscape: whether ``on`` computes numbers from the landscape, such as a covariance from its Hessian. Then
            the landscape's parameters cannot differ from run to run.

    Raises:
        InputError: the coupling is none of these.
    """

    of_landscape: ClassVar[bool] = True

    coupling: str = field(default="shared", kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "coupling", checks.known("coupling", self.coupling, COUPLINGS))

    @abstractmethod
    def on(self, landscape: Landscape) -> "Source":
        """Return the noise on a landscape.

        Raises:
            InputError: the noise does not fit the landscape.
        """


def batch_sizes(batch_size: Any, micro_batch: int | None) -> Any:
    """Return a valid batch size: a number, or a tensor of one per run.

    Raises:
        InputError: a size is < 1, or the micro-batch does not divide the batch.
    """
    sizes = checks.count_per_run("batch_size", batch_size, "Use e.g. batch_size=16")
    micro_batches(sizes, micro_batch)
    return sizes


def micro_batches(batch_size: Any, micro_batch: int | None) -> int:
    """Return how many micro-batches a batch has.

    Raises:
        InputError: the micro-batch does not divide the batch, or there is one batch size per run.
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
    """Noise on one landscape. A draw is a batch of ``parts`` micro-batches, each of which has its own perturbation."""

    parts: int = 1

    def __init__(self, landscape: Landscape, coupling: str, per_run: Mapping[str, Any] | None = None) -> None:
        """Store the parts that all sources have.

        Args:
            landscape: the landscape whose gradients are noisy.
            coupling: as of ``Noise``.
            per_run: values of the noise's fields by name. The source stores those that are tensors ``(N,)``.
        """
        self.landscape, self.coupling = landscape, coupling
        self.per_run = {name: v for name, v in (per_run or {}).items() if torch.is_tensor(v) and v.ndim}

    def with_settings(self, landscape: Landscape, per_run: Mapping[str, torch.Tensor]) -> "Source":
        """Return this source with other values of the fields that are one per run, and of the landscape's parameters.

        Args:
            landscape: the landscape with these values.
            per_run: the values of the noise's fields, by name.
        """
        if landscape is self.landscape and not per_run:
            return self
        new = copy.copy(self)
        new.landscape, new.per_run = landscape, {**self.per_run, **per_run}
        return new

    @abstractmethod
    def sample(self, draws: Draws, draw: int) -> torch.Tensor:
        """Return one draw for the runs of ``draws``: a batch ``(…, N)``."""

    def outcomes(self, calls: int, kind: str, w: Point) -> tuple[list[torch.Tensor], torch.Tensor]:
        """Return K values of ``calls`` independent batches, for means over them, at points w ``(d, N)``.

        Args:
            calls: how many batches a step draws.
            kind: how the function of Gaussian noise behaves: it is "affine", it is "smooth", or it "jumps" where the
                noisy gradient at w vanishes.
            w: the points.

        Returns:
            One batch per call, ``(…, K)`` or ``(…, N, K)``, and their weights, ``(K,)`` or ``(N, K)``.

        Raises:
            InputError: the sum has too many values, or the source does not define this method. Only means over the
                noise of a step need it, as those of a ``Diffusion``.
        """
        rule = "does not say over which outcomes of a draw a mean is to be taken"
        checks.reject("noise", type(self).__name__, rule, "Define outcomes() in this class, or simulate a Map")

    @abstractmethod
    def oracle(self, batch: torch.Tensor, part: int) -> Oracle:
        """Return the oracle of one micro-batch of a batch: its mean gradient and its products with the Hessian."""

    def update(self, method: Step, w: Point, draws: StepDraws) -> Point:
        """Return a method's F at w ``(d, …)``: the mean over the micro-batches."""
        batches: list[torch.Tensor] = []

        def batch(call: int) -> torch.Tensor:
            while len(batches) <= call:
                batches.append(draws.batch(self, len(batches)))
            return batches[call]

        fields = [method(w, self._coupled(part, batch, draws)) for part in range(self.parts)]
        return sum(fields[1:], fields[0]) / self.parts

    def _coupled(self, part: int, batch: Callable[[int], torch.Tensor], draws: StepDraws) -> Oracle:
        mean, calls = self.landscape.grad, itertools.count()

        def following() -> Oracle:
            return self.oracle(batch(next(calls) if self.coupling == "independent" else 0), part)

        if self.coupling == "clean":
            # Exact SAM differentiates through the ascent, which climbs the mean gradient.
            return _Clean(lambda w: following()(w), mean.hvp, mean, draws=draws)
        return _Noisy(lambda w: following()(w), lambda w, v: following().hvp(w, v), mean, draws=draws)


@dataclass(frozen=True)
class _Noisy(Oracle):
    mean: Oracle

    def full(self, w: Point) -> Point:
        return self.mean(w)


@dataclass(frozen=True)
class _Clean(_Noisy):
    def up(self, w: Point, gradient: Point | None = None) -> Point:
        return self.mean(w)
