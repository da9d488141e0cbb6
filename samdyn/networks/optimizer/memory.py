"""The arrays that a method carries from step to step, for the parameters of an optimizer."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from ...methods import Method
from .parameters import Parameters


class Memory:
    """The part of every parameter in the arrays that a method carries.

    Parameters may be frozen, thawed and added between steps. A parameter without a part gets that of the method's
    start.

    Attributes:
        parts: the part of a parameter in each array, by the names of the arrays.
    """

    def __init__(self) -> None:
        """Start without parts."""
        self.parts: dict[torch.Tensor, dict[str, torch.Tensor]] = {}

    def read(self, method: Method, parameters: Parameters, w: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return the arrays ``(d,)`` of a method before a step at w ``(d,)``."""
        if not method.memory:
            return ()
        arrays = dict(zip(method.memory, method.start(w), strict=True))
        if all(p not in self.parts for p in parameters.tensors):
            return tuple(arrays.values())
        return tuple(
            torch.cat(
                [
                    (self.parts[p][name].to(start) if p in self.parts else start).flatten()
                    for p, start in zip(parameters.tensors, parameters.split(array), strict=True)
                ]
            )
            for name, array in arrays.items()
        )

    def write(self, method: Method, parameters: Parameters, arrays: Sequence[torch.Tensor]) -> None:
        """Store the arrays ``(d,)`` of a method after a step."""
        split = [parameters.split(array) for array in arrays]
        for p, *parts in zip(parameters.tensors, *split, strict=True):
            if parts:
                self.parts[p] = dict(zip(method.memory, parts, strict=True))

    def packed(self, groups: Sequence[Mapping[str, Any]]) -> dict[int, dict[str, torch.Tensor]]:
        """Return the parts by the places of the parameters in the groups, as a state has them."""
        params = [p for group in groups for p in group["params"]]
        return {place: self.parts[p] for place, p in enumerate(params) if p in self.parts}

    def unpack(
        self, packed: Mapping[Any, dict[str, torch.Tensor]], places: Sequence[Any], params: Sequence[torch.Tensor]
    ) -> None:
        """Take the parts of a state, in which parameters have these places."""
        self.parts = {p: packed[place] for place, p in zip(places, params, strict=True) if place in packed}
