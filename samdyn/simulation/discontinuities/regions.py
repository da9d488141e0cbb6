"""The regions around points where the field traps runs. Each is certified once, and then holds all runs in it."""

from functools import reduce

import torch

from ...ops import dot
from ..flows.velocity import CompiledFlow
from .resting import certify

SAME_CELL = 0.5  # width of the cells from which one run each is certified at first, over the radius of the search


class TrapRegions:
    """The trap regions of a flow that runs met so far.

    A certificate belongs to a place, and not to the run that came there: most runs of a basin end in one region, and a
    certificate costs as much as the integration of a thousand runs.

    Attributes:
        trap_most: whether such points trap most of the runs that meet a jump of the field.
    """

    def __init__(self, flow: CompiledFlow) -> None:
        self.trap_most = False
        self._flow = flow
        self._centres: torch.Tensor | None = None  # (d, K)
        self._shapes: torch.Tensor | None = None  # (d, d, K); a point is inside if ‖shape · (w − centre)‖ ≤ 1

    def holding(self, w: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Say which points ``(d, n)`` lie in a region, ``(n,)``; return its centre, or the point if there is none."""
        if self._centres is None or self._shapes is None or not w.shape[1]:
            return torch.zeros_like(w[0], dtype=torch.bool), w
        offset = w[:, None] - self._centres[..., None]  # (d, K, n)
        parts = (self._shapes[:, axis, :, None] * along for axis, along in enumerate(offset))
        scaled = reduce(torch.add, parts)  # torch's products of small matrices take longer
        nearest, which = dot(scaled, scaled).min(0)
        holds = nearest <= 1
        return holds, torch.where(holds, self._centres[:, which], w)

    def find(self, w: torch.Tensor, radius: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Say which runs ``(d, n)`` are trapped, ``(n,)``, and return the points that trap them; certify new regions.

        Args:
            w: the positions of the runs.
            radius: (n,), the radius of the search for a trap (``resting.traps``).
        """
        holds, centre = self.holding(w)
        some = (~holds).nonzero().squeeze(1)
        while len(some):
            first = _one_of_each_cell(w[:, some], radius[some])
            self._certify(w[:, some[first]], radius[some[first]])
            here, centre[:, some] = self.holding(w[:, some])
            holds[some] = here
            # Those that were certified in vain stay out. If nobody else was caught either, certify all the others.
            open_ = ~here
            open_[first] = False
            shared = int(here.sum()) > int(here[first].sum())
            some = some[open_]
            if len(some) and not shared:
                self._certify(w[:, some], radius[some])
                holds[some], centre[:, some] = self.holding(w[:, some])
                break
        return holds, centre

    def _certify(self, w: torch.Tensor, radius: torch.Tensor) -> None:
        """Enter the regions of these runs, each once."""
        holds, centres, shapes = certify(self._flow, w, radius)
        for run in holds.nonzero().squeeze(1).tolist():
            inside = self.holding(w[:, run : run + 1])[0]
            if inside:
                continue
            new = centres[:, run : run + 1], shapes[..., run : run + 1]
            if self._centres is None or self._shapes is None:
                self._centres, self._shapes = new
            else:
                self._centres, self._shapes = (
                    torch.cat([self._centres, new[0]], 1),
                    torch.cat([self._shapes, new[1]], 2),
                )


def _one_of_each_cell(w: torch.Tensor, radius: torch.Tensor) -> torch.Tensor:
    """Return the index of one run ``(d, n)`` in each cell of space that holds any: ``(m,)``."""
    cell = (w / (SAME_CELL * radius)).round()
    _, of = torch.unique(cell, dim=1, return_inverse=True)
    order = torch.arange(len(of), device=of.device)
    return torch.full_like(order[: int(of.max()) + 1], len(of)).scatter_reduce(0, of, order, "amin")
