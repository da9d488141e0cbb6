"""A trial step of Dormand and Prince's method with its error control, as one function of tensors."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cache
from typing import ClassVar

import torch

SAFETY = 0.9  # next step over the step whose estimated error equals the bound
ORDER = 5  # the error of a step grows as h to this power
MIN_GROWTH, MAX_GROWTH = 0.2, 5.0  # bounds of a step's length over that of the one before it
BLOW_UP_DISTANCE = 1e6  # ‖w‖∞ in the landscape's unit; a run further out may blow up in finite time

Function = Callable[[torch.Tensor], torch.Tensor]  # (d, n) -> (d, n), point by point


@dataclass
class Batch:
    """Runs that are integrated together.

    Attributes:
        w, f: (d, n), the position and the velocity there.
        k: (7, d, n), the stages of the latest step, times h.
        t, h, latest_h: (n,), the time, the step to try next, and the latest step.
        excess: (n,), steps that the run tried minus those that it may try; it ends at 0.
        jump_evidence: (n,), count of rejected steps whose error did not fall with h⁵.
        jump_error: (n,), squared error from which a rejection counts as evidence of a jump.
        at_jump: (n,), whether the run ended at a jump of the field.
        active: (n,), whether the run goes on.
        last: (n,), the time at which the run ends.
        low, high: (d, n), the box.
        patience: (n,), the evidence of a jump that ends a run.
    """

    w: torch.Tensor
    f: torch.Tensor
    k: torch.Tensor
    t: torch.Tensor
    h: torch.Tensor
    latest_h: torch.Tensor
    excess: torch.Tensor
    jump_evidence: torch.Tensor
    jump_error: torch.Tensor
    at_jump: torch.Tensor
    active: torch.Tensor
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
        excess: torch.Tensor,
        last: torch.Tensor,
        box: tuple[torch.Tensor, torch.Tensor],
        patience: torch.Tensor,
    ) -> "Batch":
        """Return a batch of running runs. Arguments are as the attributes, except ``last`` () and ``box`` (d, 1)."""
        zero = torch.zeros_like(excess)
        low, high = (bound.expand_as(w) for bound in box)
        return cls(
            w, f, w.new_empty(7, *w.shape), t, h, h, excess, zero, torch.full_like(h, torch.inf), zero > 0, zero == 0,
            last.expand_as(h), low, high, patience,
        )  # fmt: skip

    @property
    def tensors(self) -> list[torch.Tensor]:
        """All attributes. Those that a step updates come first."""
        return [getattr(self, part.name) for part in fields(self)]

    def select(self, which: torch.Tensor) -> "Batch":
        """Return some of the runs, without their stages."""
        d, n = len(self.w), len(which)
        # Reuse the memory of the stages, since allocation is slow.
        memory = self.k.view(-1) if n <= self.k.shape[-1] else self.k.new_empty(7 * d * n)
        parts = {part.name: getattr(self, part.name) for part in fields(self) if part.name != "k"}
        some = {name: tensor.index_select(-1, which) for name, tensor in parts.items()}
        return Batch(k=memory[: 7 * d * n].view(7, d, n), **some)


CHANGED = 11  # number of attributes of a batch that a step updates


@dataclass(frozen=True)
class Trial:
    """The trial step of every run that goes on, explicit. The others keep their states.

    A run accepts the step if the error is within its bound; if not, it tries a shorter one next. It ends at the last
    time, outside the box, out of steps, at a jump of the field (see ``dopri.solve``), and where it has no step: a
    rejected step is so short that it does not change the state, or, far out, a step does not change the time. Nearer,
    steps need not change the time: a run that leaves a plateau after 1e15 units of time then moves at the local pace.

    Attributes:
        field: the velocity.
        rtol, atol: bounds on the local error, relative and in the units of w.
        reach: length of a step, relative to max(1, ‖w‖∞), below which its rejection may be due to a jump.
        land: projection of the ends of steps onto a surface; the distance that it moves them counts as error.
        accept: callback that gets the mask (n,) of the runs whose latest step was accepted.
    """

    field: Function
    rtol: float
    atol: float
    reach: float
    land: Function | None = None
    accept: Callable[[torch.Tensor], None] | None = None

    explicit: ClassVar[bool] = True  # whether the stages are; then rejections count as evidence of a jump
    order: ClassVar[int] = ORDER

    def __call__(self, *tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Try one step of each run. Gets the tensors of a ``Batch`` and returns the first CHANGED of them, updated."""
        runs = Batch(*tensors)
        w, k, t, active, last = runs.w, runs.k, runs.t, runs.active, runs.last
        rest = last - t
        h = torch.minimum(runs.h, rest)
        end, slope, size = self._attempt(runs, h)
        accepts, rejects = size <= 1, size > 1
        moves = active & accepts
        if self.accept is not None:
            self.accept(moves)
        factor = (SAFETY * (size.log() * (-1 / (2 * self.order))).exp()).clamp(MIN_GROWTH, MAX_GROWTH)
        evidence = runs.jump_evidence + (rejects & (size >= runs.jump_error))
        # Were the field smooth, the error would fall with h to the order from here; at a jump it falls with h.
        jump_error = torch.where(accepts, torch.inf, size * factor.square().square())
        length, far = k[0].abs().amax(0), w.abs().amax(0)
        short = length <= far.clamp(min=1) * self.reach
        at_jump = runs.at_jump | (active & rejects & (evidence >= runs.patience) & short if self.explicit else False)
        arrives = moves & (h >= rest)
        w, f = torch.where(moves, end, w), torch.where(moves, slope, runs.f)
        t = torch.where(arrives, last, torch.where(moves, t + h, t))
        latest_h = torch.where(active, h, runs.latest_h)
        h = h * factor
        excess = runs.excess + active
        smallest = torch.finfo(w.dtype).eps
        no_step = (rejects & ~(length > far * smallest)) | ((h <= t * (4 * smallest)) & (far > BLOW_UP_DISTANCE))
        inside = ((w >= runs.low) & (w <= runs.high)).all(0)
        active = active & inside & ~(arrives | at_jump | no_step) & (excess < 0)
        return w, f, k, t, h, latest_h, excess, evidence, jump_error, at_jump, active

    def _attempt(self, runs: Batch, h: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return the ends of steps h, the velocity there, and the error over its bound, squared; fill in the stages."""
        w, k = runs.w, runs.k
        a, b, c = tableau(w.device)
        k[0] = runs.f * h
        for stage, weights in enumerate(a, 1):
            k[stage] = self.field(w + combined(weights, k)) * h
        new = w + combined(b, k)
        end = new if self.land is None else self.land(new)
        slope = self.field(end)
        k[6] = slope * h
        error = combined(c, k)
        if self.land is not None:
            error = error + (end - new)
        error = error / (torch.maximum(w.abs(), end.abs()) * self.rtol + self.atol)
        size = error.square().mean(0)
        return end, slope, torch.where(size < torch.inf, size, torch.inf)  # nan becomes inf too


@cache
def tableau(device: torch.device) -> tuple[list[torch.Tensor], torch.Tensor, torch.Tensor]:
    """Return the weights of SciPy's RK45: those of the stages' points, of the new point and of its error."""
    from scipy.integrate import RK45

    a, b, c = (torch.as_tensor(m, dtype=torch.float64, device=device) for m in (RK45.A, RK45.B, RK45.E))
    return [row[None, :stage].contiguous() for stage, row in enumerate(a) if stage], b[None], c[None]


def combined(weights: torch.Tensor, k: torch.Tensor) -> torch.Tensor:
    """Return the sum of the first stages, of k (7, d, n), times their weights (1, stages): ``(d, n)``."""
    return (weights @ k[: weights.shape[1]].flatten(1)).view(k.shape[1:])
