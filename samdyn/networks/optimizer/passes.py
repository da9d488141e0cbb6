"""A closure as a gradient oracle for methods."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.amp import GradScaler

from ... import checks
from ...interrupts import HeldSignals
from ...ops import Point
from ...oracle import Oracle
from .buffers import Buffers
from .parameters import Parameters
from .rounding import Rounding

Closure = Callable[[], Any]


class Overflow(Exception):
    """A scaled gradient is beyond the range of its dtype."""


@dataclass
class Passes:
    """The passes of one batch through a network in one step.

    Attributes:
        closure: the function that computes the loss of the batch and its gradients.
        parameters: the parameters of the network. Each pass leaves them at its own point.
        start: the point w ``(d,)`` at which the step begins.
        buffers: the buffers of the modules in training mode.
        signals: the signals, which wait except during the closure.
        rounding: the check of the rounding of perturbations.
        scaler: the GradScaler whose scale the closure multiplied the loss by. None if unscaled.
        at: the vector object that the parameters have been set to. None if unknown.
        losses: the losses of the passes, scalars. The first is the loss at w.
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
        """Return the gradient at w ``(d,)``. Buffers change only in the first pass.

        Raises:
            InputError: a closure that does not return a loss, or that leaves a parameter without gradient.
            Overflow: a scaled gradient is not finite.
        """
        if w is not self.at:
            self.parameters.write(w)
            self.rounding.look(self.parameters, self.start, w)
            self.at = w
        torch.clear_autocast_cache()  # under autocast it holds casts of the weights at the last point
        for p in self.parameters.tensors:
            p.grad = None
        with self.buffers.unchanged() if self.losses else self.buffers.moving(), torch.enable_grad():
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
    """Return whether a tensor is one real number."""
    return value.numel() == 1 and value.is_floating_point()


@dataclass(frozen=True)
class ClosureOracle(Oracle):
    """The gradient oracle of a closure, which has no full-batch gradient and no Hessian-vector product."""

    def full(self, w: Point) -> Point:
        """Refuse, since a closure computes the gradient of one batch.

        Raises:
            InputError: always.
        """
        checks.reject("method", "∇L", "needs the gradient of all samples; a closure has one batch", "Use samdyn.SAM")


def no_hvp(w: Point, v: Point) -> Point:
    """Refuse, since torch cannot differentiate the gradients of ``backward`` again.

    Raises:
        InputError: always.
    """
    fix = "Use samdyn.USAM, or samdyn.networks.Network, whose Hessian is at hand"
    checks.reject("method", "Hv", "needs products with the Hessian; a closure has gradients", fix)
