"""One step of an ensemble, as a function of tensors that torch evaluates and the compiler traces."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import torch

from ...dynamics import Map, State
from ...dynamics.settings import Path, filled, inputs, per_run
from ...noise import Draws
from ..schemes.scheme import Scheme


@dataclass
class Ensemble:
    """The states of N runs.

    Attributes:
        parts: w, and what the map remembers, as v with momentum, ``(d, N)`` each.
        running: ``(N,)`` bool, whether the run goes on.
        end: ``(N,)`` int64, the number of steps that the run took.
        runs: ``(N,)`` int64, the index by which the run draws its noise.
        settings: the parameters that a step takes, ``(N,)`` each, in the order of ``Steps.settings``.
    """

    parts: State
    running: torch.Tensor
    end: torch.Tensor
    runs: torch.Tensor
    settings: tuple[torch.Tensor, ...] = ()

    @property
    def tensors(self) -> tuple[torch.Tensor, ...]:
        """All tensors, in the order of the arguments of ``Steps``."""
        return (*self.parts, self.running, self.end, self.runs, *self.settings)

    def part(self, runs: slice) -> "Ensemble":
        """Return a copy of some of the runs."""

        def cut(tensor: torch.Tensor) -> torch.Tensor:
            return tensor[..., runs].contiguous().clone()

        parts, settings = (tuple(map(cut, tensors)) for tensors in (self.parts, self.settings))
        return Ensemble(parts, cut(self.running), cut(self.end), cut(self.runs), settings)


@dataclass(frozen=True)
class Steps:
    """The step of an ensemble. It changes the running runs only.

    A run that leaves the box stops there. A run that leaves the floating-point range stops at its last finite state.

    Attributes:
        map_: the iterates, or a scheme. A step replaces its parameters ``settings`` by those it gets.
        box: low and high, ``(d, 1)`` each; None for no box.
    """

    map_: Map | Scheme
    box: tuple[torch.Tensor, torch.Tensor] | None

    def __call__(self, *tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Advance every running run by one step. Returns the updated (w, memory, running, end).

        Args:
            tensors: w, the arrays of its memory, running, end, runs, the parameters ``settings``, seed, step.
        """
        *state, seed, step = tensors
        first = len(state) - len(self.settings)
        return self._advance(self._map(state[first:]), *state[:first], seed, step)

    def bound(self, settings: Sequence[torch.Tensor]) -> Callable[..., tuple[torch.Tensor, ...]]:
        """Return the step for these values of the parameters ``settings``, which it no longer takes."""
        return partial(self._advance, self._map(settings))

    @cached_property
    def settings(self) -> dict[Path, torch.Tensor]:
        """The parameters that a step takes, by their paths: ``(N,)``, or without axes if all runs have one number.

        A diffusion's drift and covariance are means over noise, which are not computed for one landscape per run.
        """
        return inputs(self.map_) if isinstance(self.map_, Map) else per_run(self.map_)

    def settings_of(self, runs: slice) -> list[torch.Tensor]:
        """Return the parameters that a step takes, for some of the runs; those of all runs stay without axes."""
        return [values[runs] if values.ndim else values for values in self.settings.values()]

    def _map(self, settings: Sequence[torch.Tensor]) -> Map | Scheme:
        return filled(self.map_, dict(zip(self.settings, settings, strict=True)))

    def _advance(self, map_: Map | Scheme, *tensors: Any) -> tuple[torch.Tensor, ...]:
        *parts, running, end, runs, seed, step = tensors
        new = map_.step(tuple(parts), Draws(seed, runs, step))
        goes_on = running & (new[0].abs() < torch.inf).all(0)  # false for nan, and half as long as isfinite
        state = tuple(torch.where(goes_on, part, old) for part, old in zip(new, parts, strict=True))
        end = end + running
        return (*state, goes_on & self.inside(state[0]), end) if self.box else (*state, goes_on, end)

    def ensemble(
        self,
        w: torch.Tensor,
        memory: Sequence[torch.Tensor] | None = None,
        *,
        runs: torch.Tensor | None = None,
        settings: Sequence[torch.Tensor] | None = None,
        multiple: int = 1,
    ) -> Ensemble:
        """Return runs at their starts, padded with copies of the first run that do not go on.

        Args:
            w: starts ``(d, n)``.
            memory: the arrays of the state beside w, ``(d, n)`` each; None for those before the first step.
            runs: ``(n,)``, the indices by which the runs draw their noise; None for 0, 1, …
            settings: the parameters that a step takes, in the order of ``settings``; None for those of the map.
            multiple: the number of runs of the result is a multiple of this.
        """
        n, device = w.shape[1], w.device
        extra = -n % multiple

        def padded(tensor: torch.Tensor) -> torch.Tensor:
            tensor = tensor.to(device)
            return torch.cat([tensor, tensor[..., :1].expand(*tensor.shape[:-1], extra)], -1)

        w = padded(w)
        parts = self.map_.start(w) if memory is None else (w, *map(padded, memory))
        values = [
            padded(value if value.ndim else value.expand(n))
            for value in (self.settings.values() if settings is None else settings)
        ]
        values = [value.to(w.dtype) if value.is_floating_point() else value for value in values]
        indices = padded(torch.arange(n, device=device) if runs is None else runs)
        running = self.inside(w)
        running[n:] = False
        return Ensemble(parts, running, torch.zeros_like(indices), indices, tuple(values))

    def inside(self, w: torch.Tensor) -> torch.Tensor:
        """Say which points ``(d, N)`` are in the box: ``(N,)``."""
        if self.box is None:
            return torch.isfinite(w).all(0)
        low, high = self.box
        return ((w >= low) & (w <= high)).all(0)
