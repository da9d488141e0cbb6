"""Mini-batches of a landscape's samples."""

import itertools
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

from .. import checks
from ..landscapes import Landscape, Sampled, SampleLandscape
from ..ops import Point
from ..oracle import Oracle
from .generator import Draws
from .model import Noise, Source, batch_sizes, micro_batches
from .quadrature import MOST, hermite


@dataclass(frozen=True, eq=False)
class FiniteSum(Noise):
    """The gradient of a mini-batch of the N samples of a ``SampleLandscape`` or a network.

    Every step draws a new batch.

    >>> import samdyn as sd
    >>> line = sd.SampleLandscape("(a*x - y)**2/2", "a", {"x": [1, 2], "y": [1, 2]})
    >>> map_ = sd.Map(line, sd.GD(), lr=0.1, noise=sd.noise.FiniteSum(1))
    >>> runs = sd.simulate(map_, [(0.0,)] * 50, steps=1)
    >>> sorted(set(runs.w[:, -1, 0].values.round(6).tolist()))  # a step follows one sample or the other
    [0.1, 0.4]

    Attributes:
        batch_size: B ≥ 1, or one per run.
        replacement: whether a sample may be in a batch more than once. If not, B ≤ N.
        micro_batch: m, for m-sharpness [AF22]: the step splits the batch into B/m parts of m samples, perturbs each by
            its own gradient, and takes the mean. None for one perturbation by the whole batch.

    Raises:
        InputError: a size is < 1, or the micro-batch does not divide the batch. ``on`` raises it if the landscape has
            no samples, or fewer than B without replacement.
    """

    batch_size: Any
    replacement: bool = field(default=True, kw_only=True)
    micro_batch: int | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "replacement", checks.flag("replacement", self.replacement))
        object.__setattr__(self, "batch_size", batch_sizes(self.batch_size, self.micro_batch))

    def on(self, landscape: Landscape) -> "Batches":
        """Return the noise on a landscape."""
        return Batches(self._samples(landscape), self)

    def _samples(self, landscape: Landscape) -> Sampled:
        if not isinstance(landscape, Sampled):
            fix = "Use samdyn.SampleLandscape(loss, coordinates, data), or noise.Gaussian(covariance)"
            checks.reject("landscape", landscape, "has no samples to draw batches from", fix)
        if not self.replacement and int(torch.as_tensor(self.batch_size).max()) > landscape.samples:
            rule = f"is more than the {landscape.samples} samples, drawn without replacement"
            fix = f"Use at most {landscape.samples}, or replacement=True"
            checks.reject("batch_size", self.batch_size, rule, fix)
        return landscape


@dataclass(frozen=True, eq=False)
class LabelNoise(FiniteSum):
    """Mini-batches whose labels have new Gaussian noise at every draw, as in label-noise SGD.

    >>> import samdyn as sd
    >>> line = sd.SampleLandscape("(a*x - y)**2/2", "a", {"x": [1, 2], "y": [1, 2]})
    >>> noise = sd.noise.LabelNoise(2, label="y", std=0.5, replacement=False)
    >>> runs = sd.simulate(sd.Map(line, sd.GD(), lr=0.1, noise=noise), [(1.0,)], steps=10)
    >>> float(abs(runs.w[0, -1, 0] - 1)) > 1e-3  # a = 1 fits the labels, but the noise moves it
    True

    Attributes:
        label: the name of the data that are labels.
        std: standard deviation of the noise, ≥ 0, in the units of the labels, or one per run.

    Raises:
        InputError: a std is negative or not finite, or a field of FiniteSum is wrong. ``on`` raises it if no data have
            the name of the label.
    """

    label: str = field(kw_only=True)
    std: Any = field(kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        rule, fix = "must be a finite number >= 0", "Use e.g. std=0.1"
        object.__setattr__(self, "std", checks.number_per_run("std", self.std, rule, fix, lambda s: s >= 0))

    def on(self, landscape: Landscape) -> "NoisyLabels":
        """Return the noise on a landscape."""
        samples = self._samples(landscape)
        if not isinstance(samples, SampleLandscape):
            fix = "Use samdyn.SampleLandscape(loss, coordinates, data)"
            checks.reject("landscape", landscape, "has no data with names, of which one could be labels", fix)
        return NoisyLabels(samples, self, samples.names.index(checks.spelled("label", self.label, samples.names)))


class Batches(Source):
    """Mini-batches of a landscape. A draw returns the data of a batch, ``(s, B, N)``."""

    landscape: Sampled

    def __init__(self, landscape: Sampled, noise: FiniteSum) -> None:
        super().__init__(landscape, noise.coupling, vars(noise))
        self.parts = micro_batches(noise.batch_size, noise.micro_batch)
        self._sizes = torch.as_tensor(noise.batch_size).unique().tolist()  # in ascending order
        self._size, self._replacement = self._sizes[-1], noise.replacement
        self._enumerations: dict[int, tuple[list[torch.Tensor], torch.Tensor]] = {}  # cache of outcomes, by calls

    def sample(self, draws: Draws, draw: int) -> torch.Tensor:
        """Return the data of a batch, ``(s, B, N)``."""
        total, size = self.landscape.samples, self._size
        if self._replacement:
            indices = draws.integers(draw, torch.full((size,), total))
        else:
            indices = _without_replacement(draws.integers(draw, total - torch.arange(size)))
        return self.landscape.data.to(indices.device)[:, indices]

    def oracle(self, batch: torch.Tensor, part: int) -> Oracle:
        """Return the micro-batch's mean gradient and Hessian."""
        each = self._size // self.parts
        data = batch[:, part * each : (part + 1) * each]

        def gradient(w: Point) -> Point:
            return self._of_every_size(lambda batch: self.landscape.batch_gradient(w, batch), data)

        def hvp(w: Point, v: Point) -> Point:
            return self._of_every_size(lambda batch: self.landscape.batch_hvp(w, batch, v), data)

        return Oracle(gradient, hvp)

    def _of_every_size(self, mean: Callable[[torch.Tensor], Point], data: torch.Tensor) -> Point:
        """Return a mean over each run's own batch: the first B samples of a batch of the largest size."""
        means = mean(data)
        for size in self._sizes[:-1]:
            means = torch.where(self.per_run["batch_size"] == size, mean(data[:, :size]), means)
        return means

    def outcomes(self, calls: int, kind: str, w: Point) -> tuple[list[torch.Tensor], torch.Tensor]:
        """Return every tuple of ``calls`` batches with its probability. Means over them are exact."""
        if calls not in self._enumerations:
            one, chances = self._enumerated()
            number = len(chances)
            _check_count(number**calls, f"choices of {calls} batches")
            index = torch.cartesian_prod(*[torch.arange(number)] * calls).reshape(-1, calls)
            self._enumerations[calls] = [one[..., i] for i in index.T], chances[index].prod(1)
        batches, weights = self._enumerations[calls]
        return [batch.to(w) for batch in batches], weights.to(w)

    def _enumerated(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return every batch ``(s, B, K)``, and their probabilities ``(K,)``."""
        total, each = self.landscape.samples, self._size // self.parts
        if self._replacement:
            number = math.comb(total + each - 1, each) ** self.parts
        else:
            number = math.prod(math.comb(total - part * each, each) for part in range(self.parts))
        _check_count(number, f"batches of {self._size} of {total} samples")
        weighted: list[tuple[tuple[int, ...], float]] = [((), 1.0)]
        for _ in range(self.parts):
            weighted = [(before + more, p * q) for before, p in weighted for more, q in self._micro(before, each)]
        samples = torch.tensor([batch for batch, _ in weighted]).T
        weights = torch.tensor([p for _, p in weighted], dtype=torch.float64)
        return self.landscape.data[:, samples], weights / weights.sum()

    def _micro(self, before: tuple[int, ...], each: int) -> list[tuple[tuple[int, ...], float]]:
        """Return the micro-batches that may follow the samples ``before`` in a batch, with weights."""
        samples = range(self.landscape.samples)
        if not self._replacement:
            return [(c, 1.0) for c in itertools.combinations([i for i in samples if i not in before], each)]
        # The weight counts the orders of a batch: 1 / ∏ multiplicity!, up to a factor.
        return [
            (c, 1 / math.prod(math.factorial(n) for n in Counter(c).values()))
            for c in itertools.combinations_with_replacement(samples, each)
        ]


class NoisyLabels(Batches):
    """Mini-batches that add noise to their labels."""

    def __init__(self, landscape: SampleLandscape, noise: LabelNoise, row: int) -> None:
        super().__init__(landscape, noise)
        self._row, self._std = row, noise.std

    @property
    def _deviation(self) -> Any:
        return self.per_run.get("std", self._std)

    def sample(self, draws: Draws, draw: int) -> torch.Tensor:
        """Return the data of a batch, with noise on the labels, ``(s, B, N)``."""
        batch = super().sample(draws, 2 * draw)
        batch[self._row] += self._deviation * draws.normals(2 * draw + 1, self._size)
        return batch

    def outcomes(self, calls: int, kind: str, w: Point) -> tuple[list[torch.Tensor], torch.Tensor]:
        """Return the outcomes of ``Batches``, with nodes of Gauss–Hermite quadrature for the noise of the labels."""
        if kind == "jumps" and self._std:
            rule = "the method normalises a gradient that the noise of its labels may turn around"
            checks.reject("std", self._std, rule, 'Use coupling="clean", another method, or simulate the map')
        return super().outcomes(calls, kind, w)

    def _enumerated(self) -> tuple[torch.Tensor, torch.Tensor]:
        batches, weights = super()._enumerated()
        z, p = hermite(self._size)
        _check_count(len(weights) * len(p), f"batches of {self._size}, with nodes for the noise of their labels")
        both = batches.repeat_interleave(len(p), -1)
        both[self._row] += self._std * z.repeat(1, len(weights))
        return both, torch.outer(weights, p).flatten()


def _without_replacement(draws: torch.Tensor) -> torch.Tensor:
    """Return the first B entries of a random permutation, from draws ``(B, runs)`` of which the i-th is below N − i.

    This is the shuffle of Fisher and Yates: entry i changes places with entry i or a later one. The function stores
    only the entries that the shuffle wrote to, not the whole array.
    """
    places = draws + torch.arange(len(draws), device=draws.device)[:, None]
    entries: list[torch.Tensor] = []
    permutation = []
    for i, place in enumerate(places):
        here, there = torch.full_like(place, i), place
        for earlier, value in zip(places, entries, strict=False):
            here = torch.where(earlier == i, value, here)
            there = torch.where(earlier == place, value, there)
        entries.append(here)
        permutation.append(there)
    return torch.stack(permutation)


def _check_count(number: int, what: str) -> None:
    if number > MOST:
        rule = f"there are {number:.3g} {what} to take the mean over, and at most {MOST} can be"
        checks.reject("noise", number, rule, "Use fewer samples, smaller batches, or simulate the map")
