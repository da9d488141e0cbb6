"""The buffers of modules in training mode, such as running statistics: which passes may move them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from weakref import WeakSet

import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.utils.hooks import RemovableHandle


class Buffers:
    """The buffers of whatever modules in training mode take part in the passes of a step.

    Such as running statistics of batch norm, the vectors of spectral norm, observers' ranges. Modules are seen when
    they, or what they are part of, are called as modules in the thread that takes the step, compiled or not.
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
        with watched_by(self._of_step):
            yield

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Watch a pass that does not: afterwards, or after an exception, they are as before it."""
        self._of_pass.clear()
        try:
            with watched_by(self._of_pass):
                yield
        finally:
            self._of_pass.restore()


@dataclass
class Place:
    """Where a module keeps a buffer.

    Attributes:
        module, name: the module, and its name for the buffer.
        before: the tensor that was there before the module was called.
        called: whether the call that was seen first has ended.
        after: what was there when it ended.
    """

    module: nn.Module
    name: str
    before: torch.Tensor | None
    called: bool = False
    after: torch.Tensor | None = None

    def now(self) -> torch.Tensor | None:
        """Return what is there."""
        return dict(self.module._buffers.items()).get(self.name)  # those of a scripted module have no get

    def restore(self) -> None:
        """Put the tensor back if the module has replaced it.

        ``torch.func.functional_call`` puts other tensors in a module's places for the time of a call. What was there
        before it is back by now, and stays.
        """
        now = self.now()
        if now is not self.before and (now is self.after or not self.called):
            self.module._buffers[self.name] = self.before


class Copies:
    """Copies of buffers from before they moved.

    Their memory is used again. Taken anew in every pass, these small pieces among the large ones of the pass make the
    C library give memory back and ask for it again: all passes were 6 % slower.
    """

    def __init__(self) -> None:
        """Have none."""
        self._memory: dict[torch.Tensor, torch.Tensor] = {}
        self._valid: dict[torch.Tensor, torch.Tensor] = {}
        self._seen: set[nn.Module] = set()
        self._called: dict[nn.Module, list[Place]] = {}

    def clear(self) -> None:
        """Let go of all copies, and of the memory of those that were not needed again."""
        self._memory, self._valid = self._valid, {}
        self._seen, self._called = set(), {}

    def before(self, called: nn.Module) -> None:
        """Copy what a call of a module can move, unless there is a copy."""
        if called in self._seen:
            return
        places = self._called[called] = []
        for module in called.modules():
            if module in self._seen:
                continue
            self._seen.add(module)
            if module.training:
                places += [Place(module, name, buffer) for name, buffer in module._buffers.items()]
        for buffer in [place.before for place in places]:
            # Under vmap a buffer may stand for many, and only until vmap returns.
            if buffer is None or buffer in self._valid or torch._C._functorch.is_functorch_wrapped_tensor(buffer):
                continue
            memory, now = self._memory.get(buffer), buffer.detach()
            fits = memory is not None and (memory.shape, memory.dtype) == (now.shape, now.dtype)
            self._valid[buffer] = memory.copy_(now) if memory is not None and fits else now.clone()

    def after(self, called: nn.Module) -> None:
        """Note which tensors a call has replaced."""
        for place in self._called.get(called, ()):
            place.called, place.after = True, place.now()

    @torch.no_grad()
    def restore(self) -> None:
        """Set everything back."""
        for place in [place for places in self._called.values() for place in places]:
            place.restore()
        for buffer, copy in self._valid.items():
            if buffer.shape != copy.shape:
                buffer.resize_(copy.shape)
        if self._valid:
            torch._foreach_copy_([*self._valid], [*self._valid.values()])


# torch has hooks of all modules of the process, and none of one thread's. They are there while a pass is watched in
# some thread, and tell the copies of their own thread.
_lock = threading.Lock()
_watching: dict[int, list[Copies]] = {}  # by thread; several where a closure takes a step of another optimizer
_hooks: list[tuple[RemovableHandle, Any]] = []
_traced = threading.local()  # its modules are those that torch.compile made part of a function, in this thread


@contextmanager
def watched_by(copies: Copies) -> Iterator[None]:
    """Tell copies of every module that this thread calls."""
    thread = threading.get_ident()
    with _lock:
        if not _watching:
            _hang_up()
        _watching.setdefault(thread, []).append(copies)
    try:
        for module in getattr(_traced, "modules", ()):
            copies.before(module)
        yield
    finally:
        with _lock:
            _watching[thread].remove(copies)
            if not _watching[thread]:
                del _watching[thread]
            if not _watching:
                for handle, _ in _hooks:
                    handle.remove()


def _hang_up() -> None:
    """Hang up the hooks, by the same numbers each time: torch.compile makes code anew for hooks of other numbers."""
    if not _hooks:
        _hooks.append((register_module_forward_pre_hook(_before), _before))
        _hooks.append((register_module_forward_hook(_after), _after))
    for handle, hook in _hooks:
        hooks = handle.hooks_dict_ref()
        if hooks is not None:
            hooks[handle.id] = hook


def _before(module: nn.Module, _: Any) -> None:
    if torch.compiler.is_compiling():
        _traced_one(module)
        return
    for copies in _watching.get(threading.get_ident(), ()):
        copies.before(module)


def _after(module: nn.Module, *_: Any) -> None:
    if not torch.compiler.is_compiling():
        for copies in _watching.get(threading.get_ident(), ()):
            copies.after(module)


def _traced_one(module: nn.Module) -> None:
    """Note a module that torch.compile is tracing: its calls will not be seen."""
    _traced.modules = getattr(_traced, "modules", None) or WeakSet()
    _traced.modules.add(module)
    for copies in _watching.get(threading.get_ident(), ()):
        copies.before(module)


# torch.compile calls it while it traces, and puts its result, None, in its place. What torch.compiler's
# assume_constant_result does, without the import of the compiler.
_traced_one._dynamo_marked_constant = True  # type: ignore[attr-defined]
