"""The update of stochastic gradient descent, in two parts: one that may fail, and one that changes things."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch


@dataclass(frozen=True)
class Descent:
    """A step of one group of parameters along their ``grad``, as ``torch.optim.SGD`` takes it.

    All memory that the step needs is there before it begins, so that it does not end halfway for want of it.

    Attributes:
        group: with lr, momentum, weight_decay and nesterov.
        params: those of the group that move, at least one.
        velocities: of each; none without momentum.
        decayed: memory for each gradient with weight decay; none without decay.
    """

    group: Mapping[str, Any]
    params: list[torch.Tensor]
    velocities: list[torch.Tensor]
    decayed: list[torch.Tensor]

    @classmethod
    def prepare(
        cls, group: Mapping[str, Any], params: list[torch.Tensor], state: Mapping[torch.Tensor, Mapping[str, Any]]
    ) -> "Descent":
        """Find the velocities in an optimizer's state, 0 for parameters without one, and take memory."""
        velocities = [state.get(p, {}).get("momentum_buffer") for p in params] if group["momentum"] else []
        decayed = [torch.empty_like(p) for p in params] if group["weight_decay"] else []
        started = [torch.zeros_like(p) if v is None else v for p, v in zip(params, velocities, strict=False)]
        return cls(group, params, started, decayed)

    def take(self) -> None:
        """Move the velocities and the parameters."""
        group, steps = self.group, [p.grad for p in self.params if p.grad is not None]
        if self.decayed:
            torch._foreach_copy_(self.decayed, steps)
            torch._foreach_add_(self.decayed, self.params, alpha=group["weight_decay"])
            steps = self.decayed
        if self.velocities:
            torch._foreach_mul_(self.velocities, group["momentum"])
            torch._foreach_add_(self.velocities, steps)
            if group["nesterov"]:
                torch._foreach_add_(steps, self.velocities, alpha=group["momentum"])
            else:
                steps = self.velocities
        torch._foreach_add_(self.params, steps, alpha=-group["lr"])
