"""Gradients of many networks, whose derivatives are products with their Hessians."""

from collections.abc import Callable
from typing import Any

import torch


class Gradient(torch.autograd.Function):
    """∇ℓ at points w ``(d, …)``; along v its derivative is H(w)v, and so is the pull-back of v, for H is symmetric.

    torch's own derivative of gradients that were taken under ``vmap`` is wrong for layer norm and its like, by some per
    cent; products that are taken as a whole under ``vmap`` are right.  [seen with torch 2.13]
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(
        w: torch.Tensor,
        gradient: Callable[[torch.Tensor], torch.Tensor],
        product: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    ) -> torch.Tensor:
        """Return ``gradient(w)``; ``product(w, v)`` is its derivative."""
        return gradient(w)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: torch.Tensor) -> None:
        """Keep w."""
        w, _, ctx.product = inputs
        ctx.save_for_backward(w)
        ctx.save_for_forward(w)

    @staticmethod
    def backward(ctx: Any, v: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        """Return H(w)v."""
        (w,) = ctx.saved_tensors
        return ctx.product(w, v), None, None

    @staticmethod
    def jvp(ctx: Any, v: torch.Tensor, *_: None) -> torch.Tensor:
        """Return H(w)v."""
        (w,) = ctx.saved_tensors
        return ctx.product(w, v)
