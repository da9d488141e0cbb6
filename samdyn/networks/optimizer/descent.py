"""The update of stochastic gradient descent in two parts: the first may fail, the second changes the parameters."""

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

import torch


@dataclass(frozen=True)
class Descent:
    """A step of one group of parameters along their ``grad``, as ``torch.optim.SGD`` takes it.

    All memory of the step exists before it begins, so that a lack of memory cannot stop it halfway.

    Attributes:
        group: the group, with lr, momentum, weight_decay and nesterov.
        params: the parameters of the group that move, at least one.
        velocities: the velocity of each parameter; empty without momentum.
        sums: memory for the sum of each gradient and its weight decay; empty without weight decay.
        state: the optimizer's state, which gets the velocities.
    """

    group: Mapping[str, Any]
    params: list[torch.Tensor]
    velocities: list[torch.Tensor]
    sums: list[torch.Tensor]
    state: MutableMapping[torch.Tensor, Any]

    @classmethod
    def prepare(
        cls, group: Mapping[str, Any], params: list[torch.Tensor], state: MutableMapping[torch.Tensor, Any]
    ) -> "Descent":
        """Return a step with the velocities in an optimizer's state, which are 0 for a parameter without one."""
        stored = [state.get(p, {}).get("momentum_buffer") for p in params] if group["momentum"] else []
        sums = [torch.empty_like(p) for p in params] if group["weight_decay"] else []
        velocities = [torch.zeros_like(p) if v is None else v for p, v in zip(params, stored, strict=False)]
        return cls(group, params, velocities, sums, state)

    def take(self) -> None:
        """Move the velocities and the parameters."""
        group, steps = self.group, [p.grad for p in self.params if p.grad is not None]
        if self.sums:
            torch._foreach_copy_(self.sums, steps)
            torch._foreach_add_(self.sums, self.params, alpha=group["weight_decay"])
            steps = self.sums
        if self.velocities:
            torch._foreach_mul_(self.velocities, group["momentum"])
            torch._foreach_add_(self.velocities, steps)
            if group["nesterov"]:
                torch._foreach_add_(steps, self.velocities, alpha=group["momentum"])
            else:
                steps = self.velocities
        torch._foreach_add_(self.params, steps, alpha=-group["lr"])
        for p, velocity in zip(self.params, self.velocities, strict=False):
            self.state[p]["momentum_buffer"] = velocity
