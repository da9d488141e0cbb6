"""One step of an ensemble, whichever way it is computed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import torch

from ...dynamics import Map, State
from ...dynamics.settings import Path, filled, per_run
from ...noise import Draws
from ..schemes.scheme import Scheme


@dataclass
class Ensemble:
    """Where N runs are.

    Attributes:
        parts: w, and with momentum v, ``(d, N)`` each.
        running: which runs go on, ``(N,)``.
        end: how many steps each took, ``(N,)`` int64.
        runs: the indices by which they draw their noise, ``(N,)`` int64.
        settings: the values of the parameters that are one per run, ``(N,)`` each, in the order of ``Steps.per_run``.
    """

    parts: State
    running: torch.Tensor
    end: torch.Tensor
    runs: torch.Tensor
    settings: tuple[torch.Tensor, ...] = ()

    @property
    def tensors(self) -> tuple[torch.Tensor, ...]:
        """All of them, in the order in which ``Steps`` takes them."""
        return (*self.parts, self.running, self.end, self.runs, *self.settings)

    def part(self, runs: slice) -> "Ensemble":
        """Return a copy of some of the runs."""

        def of(tensor: torch.Tensor) -> torch.Tensor:
            return tensor[..., runs].contiguous().clone()

        parts, settings = (tuple(map(of, some)) for some in (self.parts, self.settings))
        return Ensemble(parts, of(self.running), of(self.end), of(self.runs), settings)


@dataclass(frozen=True)
class Steps:
    """The step that every run takes which still goes on; it stops, and is held, where it leaves the box.

    One that leaves the floating-point range is held where it was before.

    Attributes:
        map_: the iterates, or a scheme; parameters that are one per run are replaced by those that a step is given.
        box: low and high ``(d, 1)`` each, None for none.
    """

    map_: Map | Scheme
    box: tuple[torch.Tensor, torch.Tensor] | None

    def __call__(self, *tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Advance every running run by one step. Returns the updated (w[, v], running, end).

        Args:
            tensors: w[, v], running, end, runs, the values of the parameters that are one per run, seed, step.
        """
        *state, seed, step = tensors
        first = len(state) - len(self.per_run)
        return self._advanced(self._map(state[first:]), *state[:first], seed, step)

    def bound(self, settings: Sequence[torch.Tensor]) -> Callable[..., tuple[torch.Tensor, ...]]:
        """Return the step with these values of the parameters that are one per run: it is not given any."""
        return partial(self._advanced, self._map(settings))

    @cached_property
    def per_run(self) -> dict[Path, torch.Tensor]:
        """The parameters that are one per run."""
        return per_run(self.map_)

    def _map(self, settings: Sequence[torch.Tensor]) -> Map | Scheme:
        return filled(self.map_, dict(zip(self.per_run, settings, strict=True)))

    def _advanced(self, map_: Map | Scheme, *tensors: Any) -> tuple[torch.Tensor, ...]:
        *parts, running, end, runs, seed, step = tensors
        new = map_.step(tuple(parts), Draws(seed, runs, step))
        goes_on = running & torch.isfinite(new[0]).all(0)
        held = tuple(torch.where(goes_on, part, old) for part, old in zip(new, parts, strict=True))
        end = end + running
        return (*held, goes_on & self.inside(held[0]), end) if self.box else (*held, goes_on, end)

    def ensemble(
        self,
        w: torch.Tensor,
        velocity: torch.Tensor | None = None,
        *,
        runs: torch.Tensor | None = None,
        settings: Sequence[torch.Tensor] | None = None,
        multiple: int = 1,
    ) -> Ensemble:
        """Return runs at their starts, filled up with copies of the first that do not run.

        Args:
            w: starts ``(d, n)``.
            velocity: ``(d, n)``, None for none.
            runs: the indices by which they draw their noise, ``(n,)``; None: 0, 1, …
            settings: their parameters, in the order of ``per_run``; None: those of the map.
            multiple: the number of runs is one of this.
        """
        n, device = w.shape[1], w.device
        place = torch.arange(n + -n % multiple, device=device)
        real = place < n
        place = torch.where(real, place, 0)
        w = w[:, place]
        parts = self.map_.start(w) if velocity is None else (w, velocity.to(device)[:, place])
        values = [of.to(device)[place] for of in (self.per_run.values() if settings is None else settings)]
        values = [of.to(w.dtype) if of.is_floating_point() else of for of in values]
        indices = place if runs is None else runs.to(device)[place]
        return Ensemble(parts, self.inside(w) & real, torch.zeros_like(place), indices, tuple(values))

    def inside(self, w: torch.Tensor) -> torch.Tensor:
        """Say which points ``(d, N)`` are in the box: ``(N,)``."""
        if self.box is None:
            return torch.isfinite(w).all(0)
        low, high = self.box
        return ((w >= low) & (w <= high)).all(0)
