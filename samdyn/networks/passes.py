"""A closure as the oracle that methods ask for gradients."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.amp import GradScaler

from .. import checks
from ..ops import Point
from ..oracle import Oracle
from .buffers import Buffers
from .parameters import Parameters
from .rounding import Rounding
from .signals import HeldSignals

Closure = Callable[[], Any]


class Overflow(Exception):
    """Scaled gradients left the range of their dtype."""


@dataclass
class Passes:
    """The passes through a network that one batch is given in one step.

    Attributes:
        closure: computes the batch's loss and its gradients.
        parameters: of the network; each pass leaves them where it was taken.
        start: w ``(d,)``, where the step begins.
        buffers: of the network's modules in training mode.
        signals: held but for the closure.
        rounding: of the parameters.
        scaler: by whose scale the gradients are too large; None: by none.
        at: where the parameters are, the very vector; None: elsewhere.
        losses: of the passes, scalars; the first is the one at w, the clean one.
    """

    closure: Closure
    parameters: Parameters
    start: torch.Tensor
    buffers: Buffers
    signals: HeldSignals
    rounding: Rounding
    scaler: GradScaler | None
    at: torch.Tensor | None = None
    losses: list[torch.Tensor] = field(default_factory=list)

    def gradient(self, w: Point) -> Point:
        """Return the gradient at w ``(d,)``; buffers move in the first pass alone.

        Raises:
            InputError: a closure that returns no loss, or leaves a parameter without gradient.
            Overflow: the scale is too large.
        """
        if w is not self.at:
            self.parameters.write(w)
            self.rounding.look(self.parameters, self.start, w)
            self.at = w
        torch.clear_autocast_cache()  # of casts of the weights, where the step is called under autocast
        for p in self.parameters.tensors:
            p.grad = None
        with self.buffers.kept() if self.losses else self.buffers.moving(), torch.enable_grad():
            loss = self.signals.let_through(self.closure)
        if not isinstance(loss, torch.Tensor | float) or not is_scalar(torch.as_tensor(loss)):
            checks.reject("closure", loss, "is what it returned, and no loss", "Return the loss, one number")
        self.losses.append(torch.as_tensor(loss).detach().reshape(()))
        g = self.parameters.gradient()
        if self.scaler is None or not self.scaler.is_enabled():
            return g
        if not bool(g.isfinite().all()):
            raise Overflow
        return g / self.scaler.get_scale()


def is_scalar(value: torch.Tensor) -> bool:
    """Whether a tensor is one real number."""
    return value.numel() == 1 and value.is_floating_point()


@dataclass(frozen=True)
class ClosureOracle(Oracle):
    """The gradients of closures, and nothing else."""

    def full(self, w: Point) -> Point:
        """Refuse: a closure knows its own batch.

        Raises:
            InputError: always.
        """
        checks.reject("method", "∇L", "needs the gradient of all samples; a closure has one batch", "Use samdyn.SAM")


def no_hvp(w: Point, v: Point) -> Point:
    """Refuse: gradients that ``backward`` left cannot be differentiated again.

    Raises:
        InputError: always.
    """
    fix = "Use samdyn.USAM, or samdyn.networks.Network, whose Hessian is at hand"
    checks.reject("method", "Hv", "needs products with the Hessian; a closure has gradients", fix)
