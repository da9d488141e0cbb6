"""One step of an ensemble, whichever way it is computed."""

from dataclasses import dataclass

import torch

from ...dynamics import Map, State
from ...noise import Draws
from ..schemes.scheme import Scheme


@dataclass
class Ensemble:
    """Where N runs are.

    Attributes:
        parts: w, and with momentum v, ``(d, N)`` each.
        running: which runs go on, ``(N,)``.
        end: how many steps each took, ``(N,)`` int64.
        runs: their indices, ``(N,)`` int64.
    """

    parts: State
    running: torch.Tensor
    end: torch.Tensor
    runs: torch.Tensor


@dataclass(frozen=True)
class Steps:
    """The step that every run takes which still goes on; it stops, and is held, where it leaves the box.

    One that leaves the floating-point range is held where it was before.

    Attributes:
        map_: the iterates, or a scheme.
        box: low and high ``(d, 1)`` each, None for none.
    """

    map_: Map | Scheme
    box: tuple[torch.Tensor, torch.Tensor] | None

    def __call__(self, *tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Take the step: of w, maybe v, running, end, runs, seed, step; giving the first four anew."""
        *parts, running, end, runs, seed, step = tensors
        new = self.map_.step(tuple(parts), Draws(seed, runs, step))
        goes_on = running & torch.isfinite(new[0]).all(0)
        held = tuple(torch.where(goes_on, part, old) for part, old in zip(new, parts, strict=True))
        end = end + running
        return (*held, goes_on & self.inside(held[0]), end) if self.box else (*held, goes_on, end)

    def inside(self, w: torch.Tensor) -> torch.Tensor:
        """Say which points ``(d, N)`` are in the box: ``(N,)``."""
        if self.box is None:
            return torch.isfinite(w).all(0)
        low, high = self.box
        return ((w >= low) & (w <= high)).all(0)
