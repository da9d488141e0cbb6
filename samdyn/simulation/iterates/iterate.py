"""Runs of a map on their way: the loop over steps that all others stand on."""

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
    """Runs that are brought forward some steps at a time, looked at and changed in between.

    Used as a context, in which torch takes no gradients and uses as many threads as pay.

    Attributes:
        state: the runs, with others that only fill them up.
        done: how many steps were taken.
    """

    def __init__(
        self,
        steps: Steps,
        w: torch.Tensor,
        taker: Advance | None = None,
        *,
        velocity: torch.Tensor | None = None,
        settings: Sequence[torch.Tensor] | None = None,
        runs: torch.Tensor | None = None,
        seed: int = 0,
        first_step: int = 0,
        number: int = 0,
    ) -> None:
        """Place runs at their starts.

        Args:
            steps: the step.
            w: starts ``(d, n)``, on the device where to compute.
            taker: what brings the runs forward; None: what takes less time for ``number`` steps.
            velocity, settings, runs: as for ``Steps.ensemble``.
            seed: of the noise.
            first_step: how many steps the runs took before.
            number: how many steps are to be taken.
        """
        self._chosen = taker is not None
        if taker is None:
            few = settings if settings is None else [values[:1] for values in settings]
            taker = choose("auto", steps, steps.ensemble(w[:, :1], settings=few), w.shape[1], number)
        self._steps, self._taker, self._seed, self._first = steps, taker, seed, first_step
        self._n, self.done = w.shape[1], 0
        self.state = steps.ensemble(w, velocity, runs=runs, settings=settings, multiple=taker.multiple)
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
        """Take steps; ``show`` is told how many were taken in all, now and then.

        Raises:
            NotCompilable: what was compiled fails, and was chosen by the caller.
        """
        if not steps:
            return
        before = self.done

        def run() -> None:
            self._taker.run(self.state, self._seed, self._first + before + 1, steps, lambda k: show(before + k))

        try:
            run()
        except NotCompilable as error:
            if self._chosen:  # whoever chose it must know
                raise
            self._taker = eager(self._steps, f"not compiled: {error}")
            run()
        self.done += steps

    def place(self, *parts: torch.Tensor) -> None:
        """Put the runs elsewhere: w[, v], ``(d, n)`` each."""
        for part, new in zip(self.state.parts, parts, strict=True):
            part[:, : self._n] = new

    def stop(self, which: torch.Tensor) -> None:
        """Hold some runs, ``(n,)``, where they are."""
        self.state.running[: self._n] &= ~which

    @property
    def taker(self) -> Advance:
        """What brings the runs forward."""
        return self._taker

    @property
    def parts(self) -> State:
        """Where the runs are, (w,) or (w, v), ``(d, n)`` each."""
        return tuple(part[:, : self._n] for part in self.state.parts)

    @property
    def w(self) -> torch.Tensor:
        """The points, ``(d, n)``."""
        return self.parts[0]

    @property
    def running(self) -> torch.Tensor:
        """Which runs go on, ``(n,)``."""
        return self.state.running[: self._n]

    @property
    def end(self) -> torch.Tensor:
        """How many steps each took, ``(n,)``."""
        return self.state.end[: self._n]
