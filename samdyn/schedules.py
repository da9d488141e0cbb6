"""Values that change from step to step: learning rates, radii, momenta."""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from . import checks

__all__ = ["Cosine", "InversePower", "Piecewise", "Schedule", "Warmup"]


@dataclass(frozen=True)
class Schedule(ABC):
    """A number that depends on k, the number of steps before: k = 0 in the first step.

    It may stand for the learning rate, the momentum, the radius of a method, or another number of a map, its method or
    its base. A new schedule is a frozen dataclass that derives from Schedule and defines ``value`` in torch.

    >>> import samdyn as sd, torch
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Halving(sd.schedules.Schedule):
    ...     initial: float
    ...     def value(self, k):
    ...         return self.initial * 0.5**k
    >>> map_ = sd.Map(sd.landscapes.saddle(), sd.GD(), lr=Halving(0.25))
    >>> sd.simulate(map_, (1, 0), 2, save_every=1).w.values[0, :, 0].tolist()  # 1, 1 − 0.25·2, 0.5(1 − 0.125·2)
    [1.0, 0.5, 0.375]
    """

    is_schedule = True  # by which ``checks`` knows a schedule

    @abstractmethod
    def value(self, k: torch.Tensor) -> torch.Tensor:
        """Return the values at some k, float64 of any shape."""

    def at(self, number: Any) -> torch.Tensor:
        """Return the value in the step of a number, 1 for the first: a tensor with the axes of ``number``, or none.

        Raises:
            InputError: the number is None: it is not known which step it is.
        """
        if number is None:
            rule = "changes from step to step, and the number of this step is not known"
            checks.reject("schedule", self, rule, "Use map_.at(number) for the map of one step, or simulate")
        number = number if torch.is_tensor(number) else torch.tensor(number)
        return self.value(number.double() - 1)


def _number(name: str, value: Any, example: float, least: float = 0.0) -> float:
    return checks.number(
        name, value, f"must be a finite number >= {least:g}", f"Use e.g. {name}={example:g}", least.__le__
    )


def _value(value: float | Schedule, k: torch.Tensor) -> torch.Tensor:
    return value.value(k) if isinstance(value, Schedule) else 0 * k + value


@dataclass(frozen=True)
class InversePower(Schedule):
    """initial/(1 + k/timescale)^power: power 1/2 for 1/√k, and 1 for 1/k.

    >>> import torch
    >>> InversePower(0.1, power=0.5).at(torch.tensor([1, 4])).tolist()
    [0.1, 0.05]

    Attributes:
        initial: the value at k = 0.
        power: the power, ≥ 0.
        timescale: the number of steps, > 0, after which the value has fallen by the factor 2^power.

    Raises:
        InputError: a number out of its range.
    """

    initial: float
    power: float = 0.5
    timescale: float = 1.0

    def __post_init__(self) -> None:
        _number("initial", self.initial, 0.1)
        _number("power", self.power, 0.5)
        checks.positive("timescale", self.timescale, "Use e.g. timescale=100")

    def value(self, k: torch.Tensor) -> torch.Tensor:
        """Return the values at some k."""
        return self.initial * (1 + k / self.timescale) ** -self.power


@dataclass(frozen=True)
class Cosine(Schedule):
    """Half a period of the cosine, from ``initial`` at k = 0 to ``final`` at k = steps and after.  [Loshchilov 2017]

    >>> import torch
    >>> Cosine(0.25, steps=2).at(torch.tensor([1, 2])).tolist()
    [0.25, 0.125]

    Attributes:
        initial, final: the values at both ends.
        steps: the number of steps between them, ≥ 1.

    Raises:
        InputError: a number out of its range.
    """

    initial: float
    steps: int
    final: float = 0.0

    def __post_init__(self) -> None:
        _number("initial", self.initial, 0.1)
        _number("final", self.final, 0.0)
        checks.count("steps", self.steps, "Use the number of steps of the run")

    def value(self, k: torch.Tensor) -> torch.Tensor:
        """Return the values at some k."""
        part = (k / self.steps).clamp(max=1.0)
        return self.final + (self.initial - self.final) * (1 + (math.pi * part).cos()) / 2


@dataclass(frozen=True)
class Warmup(Schedule):
    """The values of ``then``, multiplied by (k + 1)/steps until that is 1.

    >>> import torch
    >>> Warmup(4, 0.5).at(torch.tensor([1, 2, 4, 9])).tolist()
    [0.125, 0.25, 0.5, 0.5]

    Attributes:
        steps: the number of steps of the warm-up, ≥ 1.
        then: a number, or a schedule, whose k counts from the first step on.

    Raises:
        InputError: a number out of its range.
    """

    steps: int
    then: float | Schedule

    def __post_init__(self) -> None:
        checks.count("steps", self.steps, "Use e.g. steps=100")
        if not isinstance(self.then, Schedule):
            _number("then", self.then, 0.1)

    def value(self, k: torch.Tensor) -> torch.Tensor:
        """Return the values at some k."""
        return ((k + 1) / self.steps).clamp(max=1.0) * _value(self.then, k)


@dataclass(frozen=True)
class Piecewise(Schedule):
    """The first value until a step, the next from there on, and so forth.

    A radius that is 0 at first switches from GD to SAM.

    >>> import torch
    >>> Piecewise([0.0, 0.05, 0.0], at=[2, 4]).at(torch.arange(1, 6)).tolist()  # GD, from k = 2 on SAM, from 4 on GD
    [0.0, 0.0, 0.05, 0.05, 0.0]

    Attributes:
        values: numbers or schedules, whose k counts from the first step on.
        at: ascending numbers k ≥ 1, one fewer than values, at which the next value begins.

    Raises:
        InputError: a number out of its range, or numbers k that do not ascend or are not one fewer.
    """

    values: Sequence[float | Schedule]
    at_steps: Sequence[int]

    def __init__(self, values: Sequence[float | Schedule], at: Sequence[int]) -> None:
        """Take the values and the steps at which they change."""
        object.__setattr__(self, "values", tuple(values))
        object.__setattr__(self, "at_steps", tuple(at))
        for one in self.values:
            if not isinstance(one, Schedule):
                _number("values", one, 0.1)
        fix = "Use e.g. Piecewise([0, 0.05], at=[100])"
        for k in self.at_steps:
            checks.count("at", k, fix)
        if len(self.at_steps) != len(self.values) - 1:
            rule = f"are {len(self.at_steps)} steps at which {len(self.values)} values change"
            checks.reject("at", self.at_steps, rule, fix)
        if any(second <= first for first, second in zip(self.at_steps, self.at_steps[1:], strict=False)):
            checks.reject("at", self.at_steps, "must ascend", fix)

    def value(self, k: torch.Tensor) -> torch.Tensor:
        """Return the values at some k."""
        result = _value(self.values[0], k)
        for begin, one in zip(self.at_steps, self.values[1:], strict=True):
            result = torch.where(k >= begin, _value(one, k), result)
        return result
