"""The running statistics of batch norm: which passes may move them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.module import register_module_forward_pre_hook


@contextmanager
def remembered() -> Iterator[Callable[[], None]]:
    """Watch forward passes; yield what sets running statistics back to where they were before the first of them.

    It sees every layer of batch or instance norm that is called as a module of its own, in any model. Layers inside a
    model that was compiled or scripted as a whole are hidden from it.
    """
    before: dict[torch.Tensor, torch.Tensor] = {}

    def remember(module: torch.nn.Module, _: Any) -> None:
        if isinstance(module, _NormBase) and module.training:
            for statistic in module.buffers(recurse=False):
                if statistic not in before:
                    before[statistic] = statistic.clone()

    @torch.no_grad()
    def restore() -> None:
        for statistic, old in before.items():
            statistic.copy_(old)

    handle = register_module_forward_pre_hook(remember)
    try:
        yield restore
    finally:
        handle.remove()
