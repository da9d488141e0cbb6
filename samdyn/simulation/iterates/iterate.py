"""The loop over the steps of a map, which all simulations of maps use."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack, nullcontext
from typing import Any

import torch

from ...compiler import NotCompilable
from ...dynamics import State
from ..threads import one_thread, threads_for
from .advance import Advance, choose, eager
from .stepping import Steps


class Iterates:
    """Advances n runs by some steps at a time; the caller can read and change them in between.

    It is a context manager, in which torch records no gradients and uses as many threads as are worth it.

    Attributes:
        state: the runs, padded to the backend's multiple with runs that do not go on.
        done: count of steps so far.
    """

    def __init__(
        self,
        steps: Steps,
        w: torch.Tensor,
        taker: Advance | None = None,
        *,
        memory: Sequence[torch.Tensor] | None = None,
        settings: Sequence[torch.Tensor] | None = None,
        runs: torch.Tensor | None = None,
        seed: int = 0,
        first_step: int = 0,
        number: int = 0,
    ) -> None:
        """Put the runs at their starts.

        Args:
            steps: the step.
            w: starts ``(d, n)``, on the device that computes.
            taker: advances the runs; None chooses the backend that needs less time for ``number`` steps.
            memory, settings, runs: as for ``Steps.ensemble``.
            seed: seed of the noise.
            first_step: number of steps that the runs took before.
            number: number of steps that the caller expects to take.
        """
        self._caller_chose = taker is not None
        if taker is None:
            first = settings if settings is None else [values[:1] if values.ndim else values for values in settings]
            taker = choose("auto", steps, steps.ensemble(w[:, :1], settings=first), w.shape[1], number)
        self._steps, self._taker, self._seed, self._first = steps, taker, seed, first_step
        self._n, self.done = w.shape[1], 0
        self.state = steps.ensemble(w, memory, runs=runs, settings=settings, multiple=taker.multiple)
        self._end = ExitStack()

    def __enter__(self) -> "Iterates":
        """Begin."""
        w = self.state.parts[0]
        threads: Any = nullcontext()
        if w.device.type == "cpu":
            threads = one_thread() if self._taker.name == "compiled" else threads_for(w.numel())
        self._end.enter_context(torch.no_grad())
        self._end.enter_context(threads)
        return self

    def __exit__(self, *_: object) -> None:
        """Give torch its threads back."""
        self._end.close()

    def advance(self, steps: int, show: Callable[[int], None] = lambda _: None) -> None:
        """Take steps; ``show`` gets the total number of steps from time to time.

        Raises:
            NotCompilable: the compiled code fails, and the caller chose it.
        """
        if not steps:
            return
        before = self.done

        def run() -> None:
            self._taker.run(self.state, self._seed, self._first + before + 1, steps, lambda k: show(before + k))

        try:
            run()
        except NotCompilable as error:
            if self._caller_chose:  # and must learn of it
                raise
            self._taker = eager(self._steps, f"not compiled: {error}")
            run()
        self.done += steps

    def place(self, *parts: torch.Tensor) -> None:
        """Replace the state of the runs: w and its memory, ``(d, n)`` each."""
        for part, new in zip(self.state.parts, parts, strict=True):
            part[:, : self._n] = new

    def stop(self, which: torch.Tensor) -> None:
        """Stop the runs of the mask ``(n,)``; they keep their state."""
        self.state.running[: self._n] &= ~which

    @property
    def taker(self) -> Advance:
        """The backend that advances the runs."""
        return self._taker

    @property
    def parts(self) -> State:
        """The states of the runs: w, and its memory, ``(d, n)`` each."""
        return tuple(part[:, : self._n] for part in self.state.parts)

    @property
    def w(self) -> torch.Tensor:
        """The positions of the runs, ``(d, n)``."""
        return self.parts[0]

    @property
    def running(self) -> torch.Tensor:
        """Which runs go on, ``(n,)``."""
        return self.state.running[: self._n]

    @property
    def end(self) -> torch.Tensor:
        """The number of steps that each run took, ``(n,)``."""
        return self.state.end[: self._n]
