"""The running statistics of batch norm: which passes may move them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.module import register_module_forward_pre_hook


class RunningStatistics:
    """The running statistics of whatever layers of batch or instance norm take part in the passes of a step.

    Layers are seen that are called as modules of their own, in any model; those inside a model that was compiled or
    scripted as a whole are not.
    """

    def __init__(self) -> None:
        """Know of none."""
        self._of_step, self._of_pass = Copies(), Copies()

    def begin_step(self) -> None:
        """Forget what was before."""
        self._of_step.clear()

    def forget_step(self) -> None:
        """Set them back to where they were when the step began."""
        self._of_step.restore()

    @contextmanager
    def moving(self) -> Iterator[None]:
        """Watch a pass that moves them."""
        with self._of_step.taken():
            yield

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Watch a pass that does not: afterwards, or after an exception, they are as before it."""
        self._of_pass.clear()
        try:
            with self._of_pass.taken():
                yield
        finally:
            self._of_pass.restore()


class Copies:
    """Copies of statistics from before they moved.

    Their memory is used again. Taken anew in every pass, these small pieces among the large ones of the pass make the
    C library give memory back and ask for it again: all passes were 6 % slower.
    """

    def __init__(self) -> None:
        """Have none."""
        self._memory: dict[torch.Tensor, torch.Tensor] = {}
        self._valid: dict[torch.Tensor, torch.Tensor] = {}

    def clear(self) -> None:
        """Let go of all copies, and of the memory of those that were not needed again."""
        self._memory, self._valid = self._valid, {}

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Watch a pass: copy what it will move, unless there is a copy."""

        def copy(module: torch.nn.Module, _: Any) -> None:
            if isinstance(module, _NormBase) and module.training:
                for statistic in module._buffers.values():
                    if statistic is not None and statistic not in self._valid:
                        memory = self._memory.get(statistic)
                        self._valid[statistic] = statistic.clone() if memory is None else memory.copy_(statistic)

        handle = register_module_forward_pre_hook(copy)
        try:
            yield
        finally:
            handle.remove()

    @torch.no_grad()
    def restore(self) -> None:
        """Set everything back."""
        if self._valid:
            torch._foreach_copy_([*self._valid], [*self._valid.values()])
