"""The method of one step: with the values of its schedules, for the parameters of a network, and its random numbers."""

from dataclasses import dataclass, fields, replace

import torch

from ... import checks
from ...methods import Method
from ...noise import Draws
from ...noise.generator import PAIRS
from ...schedules import Schedule
from .parameters import ParameterBlocks, Parameters


def with_values(method: Method, number: int) -> Method:
    """Return a method whose schedules are their values in the step of a number, 1 for the first.

    Raises:
        InputError: a value out of its range.
    """
    for field in fields(method):
        part = getattr(method, field.name)
        if isinstance(part, Schedule):
            value = float(part.at(number))
            try:
                method = replace(method, **{field.name: value})
            except checks.InputError as error:
                rule = f"is {value:g} in step {number}: {str(error).split(': ', 1)[-1].split('. ')[0]}"
                checks.reject(field.name, part, rule, "Use a schedule that stays in this range for all steps")
        elif isinstance(part, Method) and (inner := with_values(part, number)) is not part:
            method = replace(method, **{field.name: inner})
    return method


def for_parameters(method: Method, parameters: Parameters) -> Method:
    """Return a method whose ``weights``, if it has any of parameters, are in the order of these parameters."""
    weights = getattr(method, "weights", None)
    if not isinstance(weights, ParameterBlocks):
        return method
    return replace(method, weights=weights.of(parameters))  # type: ignore[call-arg]


@dataclass(frozen=True)
class VectorDraws:
    """The random numbers of a step at one point w ``(d,)``: a function of (seed, step, draw), the same on all ranks.

    The first 2¹⁷ are those of run 0 of a map.

    Attributes:
        seed: the seed, in [0, 2³²).
        step: the number of the step.
        device: the device that computes them.
    """

    seed: int
    step: int
    device: torch.device

    def normals(self, draw: int, count: int) -> torch.Tensor:
        """Return the standard normal numbers of one draw: ``(count,)``, float64."""
        blocks = torch.arange(-(-count // (2 * PAIRS)), device=self.device)
        return Draws(self.seed, blocks, self.step).normals(draw, min(count, 2 * PAIRS)).T.flatten()[:count]
