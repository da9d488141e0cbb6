"""A trial step of Dormand and Prince's method, with what error control makes of it: one function of tensors."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cache

import torch

SAFETY, SHRINK, GROW = 0.9, 0.2, 5.0  # the usual limits of step control
BLOWN_UP = 1e6  # distance from the origin, in the landscape's unit, from which blow-up in finite time is looked for

Function = Callable[[torch.Tensor], torch.Tensor]  # of points (d, n), giving as many


@dataclass
class Batch:
    """Runs that are integrated together.

    Attributes:
        w, f: (d, n), where they are, and the velocity there.
        k: (7, d, n), the stages of the steps tried last, times h.
        t, h, tried: (n,), the time, the step to try next, and the one tried last.
        beyond: (n,), how many steps they tried more than they may, negative while they may try some.
        doubts, limit: (n,), signs of a jump of the field, and the least error, squared, that is one.
        stalled: (n,), which ended at a jump.
        going: (n,), which go on.
        last: (n,), the time to get to.
        low, high: (d, n), the box.
        patience: (n,), how many signs of a jump are let pass.
    """

    w: torch.Tensor
    f: torch.Tensor
    k: torch.Tensor
    t: torch.Tensor
    h: torch.Tensor
    tried: torch.Tensor
    beyond: torch.Tensor
    doubts: torch.Tensor
    limit: torch.Tensor
    stalled: torch.Tensor
    going: torch.Tensor
    last: torch.Tensor
    low: torch.Tensor
    high: torch.Tensor
    patience: torch.Tensor

    @classmethod
    def start(
        cls,
        w: torch.Tensor,
        f: torch.Tensor,
        t: torch.Tensor,
        h: torch.Tensor,
        beyond: torch.Tensor,
        last: torch.Tensor,
        box: tuple[torch.Tensor, torch.Tensor],
        patience: torch.Tensor,
    ) -> "Batch":
        """Begin, with all runs going on: as the attributes, but for ``last`` () and the ``box`` (d, 1)."""
        none = torch.zeros_like(beyond)
        low, high = (bound.expand_as(w) for bound in box)
        return cls(
            w, f, w.new_empty(7, *w.shape), t, h, h, beyond, none, torch.full_like(h, torch.inf), none > 0, none == 0,
            last.expand_as(h), low, high, patience,
        )  # fmt: skip

    @property
    def tensors(self) -> list[torch.Tensor]:
        """All of it, the part that steps change first."""
        return [getattr(self, part.name) for part in fields(self)]

    def taken(self, which: torch.Tensor) -> "Batch":
        """Return some of the runs, without their stages."""
        d, n = len(self.w), len(which)
        memory = self.k.view(-1) if n <= self.k.shape[-1] else self.k.new_empty(7 * d * n)  # not asked for every time
        parts = {part.name: getattr(self, part.name) for part in fields(self) if part.name != "k"}
        some = {name: tensor.index_select(-1, which) for name, tensor in parts.items()}
        return Batch(k=memory[: 7 * d * n].view(7, d, n), **some)


CHANGED = 11  # so many parts of a batch are changed by steps


@dataclass(frozen=True)
class Trial:
    """The step that every run tries which still goes on; the others are held.

    A run takes it where the error is in bounds, and tries a shorter one next where it is not. It ends at the last time,
    out of the box, out of steps, at a jump of the field (see ``dopri.solve``), and where it is lost: where a refused
    step is so short that it does not change the state, and far out where steps no longer change the time. Elsewhere
    they may: a run that comes from a plateau after 1e15 units of time moves at the pace of what it comes to.

    Attributes:
        field: the velocity.
        rtol, atol: bounds on the local error, relative and in the units of w.
        reach: what is short for a step that is refused at a jump, relative to max(1, ‖w‖∞).
        land: puts the ends of steps where they belong; how far that takes them counts as error.
        accept: told of which runs, (n,), the last evaluation of the field was at the end of an accepted step.
    """

    field: Function
    rtol: float
    atol: float
    reach: float
    land: Function | None = None
    accept: Callable[[torch.Tensor], None] | None = None

    def __call__(self, *tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Try the step: of the tensors of a ``Batch``, giving those that change anew; the stages in place."""
        runs = Batch(*tensors)
        w, f, k, t, going, last = runs.w, runs.f, runs.k, runs.t, runs.going, runs.last
        a, b, c = tableau(w.device)
        rest = last - t
        h = torch.minimum(runs.h, rest)
        k[0] = f * h
        for stage, weights in enumerate(a, 1):
            k[stage] = self.field(w + combined(weights, k)) * h
        new = w + combined(b, k)
        landed = new if self.land is None else self.land(new)
        slope = self.field(landed)
        k[6] = slope * h
        error = combined(c, k)
        if self.land is not None:
            error = error + (landed - new)
        here = w.abs()
        error = error / (torch.maximum(here, landed.abs()) * self.rtol + self.atol)
        size = error.square().mean(0)  # squared
        size = torch.where(size < torch.inf, size, torch.inf)  # also where it is not a number
        within, refused = size <= 1, size > 1
        accepted = going & within
        if self.accept is not None:
            self.accept(accepted)
        factor = (SAFETY * (size.log() * (-1 / 10)).exp()).clamp(SHRINK, GROW)
        doubts = runs.doubts + (refused & (size >= runs.limit))
        # Were the field smooth, the error would fall with h⁵ from here; at a jump it falls with h.
        limit = torch.where(within, torch.inf, size * factor.square().square())
        length, far = k[0].abs().amax(0), here.amax(0)
        short = length <= far.clamp(min=1) * self.reach
        stalled = runs.stalled | (going & refused & (doubts >= runs.patience) & short)
        arrived = accepted & (h >= rest)
        w, f = torch.where(accepted, landed, w), torch.where(accepted, slope, f)
        t = torch.where(arrived, last, torch.where(accepted, t + h, t))
        tried = torch.where(going, h, runs.tried)
        h = h * factor
        beyond = runs.beyond + going
        smallest = torch.finfo(w.dtype).eps
        lost = (refused & ~(length > far * smallest)) | ((h <= t * (4 * smallest)) & (far > BLOWN_UP))
        inside = ((w >= runs.low) & (w <= runs.high)).all(0)
        going = going & inside & ~(arrived | stalled | lost) & (beyond < 0)
        return w, f, k, t, h, tried, beyond, doubts, limit, stalled, going


@cache
def tableau(device: torch.device) -> tuple[list[torch.Tensor], torch.Tensor, torch.Tensor]:
    """Return rows of weights: of the stages in the stages' points, in the new point and in its error; SciPy's RK45."""
    from scipy.integrate import RK45

    a, b, c = (torch.as_tensor(m, dtype=torch.float64, device=device) for m in (RK45.A, RK45.B, RK45.E))
    return [row[None, :stage].contiguous() for stage, row in enumerate(a) if stage], b[None], c[None]


def combined(weights: torch.Tensor, k: torch.Tensor) -> torch.Tensor:
    """Return the sum of the first stages, of k (7, d, n), times their weights (1, stages): ``(d, n)``."""
    return (weights @ k[: weights.shape[1]].flatten(1)).view(k.shape[1:])
