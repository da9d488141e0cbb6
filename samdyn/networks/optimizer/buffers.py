"""The buffers of modules in training mode, such as running statistics, and their restoration after a pass."""

import ctypes
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
    """The buffers of all modules in training mode that take part in the passes of a step.

    Examples are the running statistics of batch norm, the vectors of spectral norm and the ranges of observers. This
    object notices a module when the thread that takes the step calls the module or a parent of it, compiled or not.
    """

    def __init__(self) -> None:
        """Start without copies."""
        self._of_step, self._of_pass = Copies(), Copies()

    def begin_step(self) -> None:
        """Delete the copies of the last step."""
        self._of_step.clear()

    def undo_step(self) -> None:
        """Restore the values that the buffers had when the step began."""
        self._of_step.restore()

    @contextmanager
    def moving(self) -> Iterator[None]:
        """Watch a pass that may change the buffers."""
        with watch(self._of_step):
            yield

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Watch a pass, and restore the buffers after it or after an exception in it."""
        self._of_pass.clear()
        try:
            with watch(self._of_pass):
                yield
        finally:
            self._of_pass.restore()


@dataclass
class Place:
    """The attribute of a module that holds a buffer.

    Attributes:
        module: the module.
        name: the name of the buffer in the module.
        before: the tensor before the first call of the module.
        called: whether that call has ended.
        after: the tensor when it ended.
    """

    module: nn.Module
    name: str
    before: torch.Tensor | None
    called: bool = False
    after: torch.Tensor | None = None

    def now(self) -> torch.Tensor | None:
        """Return the present tensor."""
        return dict(self.module._buffers.items()).get(self.name)  # the buffers of a scripted module have no get()

    def restore(self) -> None:
        """Put the first tensor back if the module has replaced it.

        ``torch.func.functional_call`` replaces the tensors of a module during a call and puts them back itself. Those
        stay as they are.
        """
        now = self.now()
        if now is not self.before and (now is self.after or not self.called):
            self.module._buffers[self.name] = self.before


class Copies:
    """Copies of buffers from before they changed.

    A copy reuses the memory of an earlier one. New allocations of these small pieces among the large ones of a pass
    made the C library return memory and request it again, and every pass took 6 % longer.
    """

    def __init__(self) -> None:
        """Start without copies."""
        self._memory: dict[torch.Tensor, torch.Tensor] = {}
        self._valid: dict[torch.Tensor, torch.Tensor] = {}
        self._modules: set[nn.Module] = set()
        self._called: dict[nn.Module, list[Place]] = {}

    def clear(self) -> None:
        """Delete all copies, and free the memory that no copy has used since the last call."""
        self._memory, self._valid = self._valid, {}
        self._modules, self._called = set(), {}

    def before(self, called: nn.Module) -> None:
        """Copy every buffer that a call of a module can change, unless there is a copy."""
        if called in self._modules:
            return
        places = self._called[called] = []
        for module in called.modules():
            if module in self._modules:
                continue
            self._modules.add(module)
            if module.training:
                places += [Place(module, name, buffer) for name, buffer in module._buffers.items()]
        for buffer in [place.before for place in places]:
            # Under vmap one object stands for many buffers, and only until vmap returns.
            if buffer is None or buffer in self._valid or torch._C._functorch.is_functorch_wrapped_tensor(buffer):
                continue
            memory, now = self._memory.get(buffer), buffer.detach()
            fits = memory is not None and (memory.shape, memory.dtype) == (now.shape, now.dtype)
            self._valid[buffer] = memory.copy_(now) if memory is not None and fits else now.clone()

    def after(self, called: nn.Module) -> None:
        """Record the tensors that a call has replaced."""
        for place in self._called.get(called, ()):
            place.called, place.after = True, place.now()

    @torch.no_grad()
    def restore(self) -> None:
        """Restore every buffer."""
        for place in [place for places in self._called.values() for place in places]:
            place.restore()
        for buffer, copy in self._valid.items():
            if buffer.shape != copy.shape:
                buffer.resize_(copy.shape)
        if self._valid:
            torch._foreach_copy_([*self._valid], [*self._valid.values()])


# torch has hooks for all modules of the process, but not for those of one thread. The hooks exist while any thread
# watches a pass, and each call of a hook informs only the copies of its own thread.
_lock = threading.Lock()
_watching: dict[int, list[Copies]] = {}  # by thread; a thread has several if a closure steps another optimizer
_hooks: list[tuple[RemovableHandle, Any]] = []
_compiled = threading.local()  # has the modules that torch.compile has traced in this thread


@contextmanager
def watch(copies: Copies) -> Iterator[None]:
    """Pass every module that this thread calls to ``copies`` while the block runs."""
    thread = threading.get_ident()
    with _lock:
        if not _watching:
            _install_hooks()
        _watching.setdefault(thread, []).append(copies)
    try:
        for module in getattr(_compiled, "modules", ()):
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


def _install_hooks() -> None:
    """Install the hooks, with the same ids each time: torch.compile compiles again for hooks with other ids."""
    if not _hooks:
        _hooks.append((register_module_forward_pre_hook(_before), _before))
        _hooks.append((register_module_forward_hook(_after), _after))
    for handle, hook in _hooks:
        hooks = handle.hooks_dict_ref()
        if hooks is not None:
            hooks[handle.id] = hook


def _before(module: nn.Module, _: Any) -> None:
    if torch.compiler.is_compiling():
        _record_traced(id(module))
        return
    for copies in _watching.get(threading.get_ident(), ()):
        copies.before(module)


def _after(module: nn.Module, *_: Any) -> None:
    if not torch.compiler.is_compiling():
        for copies in _watching.get(threading.get_ident(), ()):
            copies.after(module)


def _record_traced(identity: int) -> None:
    """Record the module of this id that torch.compile is tracing, because its later calls run no hooks.

    torch before 2.13 does not take a module for a constant. The module exists as long as it is traced.
    """
    module = ctypes.cast(identity, ctypes.py_object).value
    _compiled.modules = getattr(_compiled, "modules", None) or WeakSet()
    _compiled.modules.add(module)
    for copies in _watching.get(threading.get_ident(), ()):
        copies.before(module)


# torch.compile calls this function while it traces, and compiles its result, None, instead of the call. The attribute
# is what torch.compiler.assume_constant_result sets; calling that would import the compiler.
_record_traced._dynamo_marked_constant = True  # type: ignore[attr-defined]
