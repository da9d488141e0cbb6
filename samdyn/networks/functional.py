"""A model as a function of its parameters, which are one vector."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from math import prod
from weakref import WeakKeyDictionary

import torch
from torch import nn
from torch.func import functional_call
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.modules.batchnorm import _NormBase

from .. import checks
from .batch_norm import by_batch


class ThreadCopies:
    """A module of which each thread has a copy: torch puts the tensors of a functional call into it, while it lasts."""

    def __init__(self, module: nn.Module) -> None:
        """Take a module."""
        self._module = module
        self._copies: WeakKeyDictionary[threading.Thread, nn.Module] = WeakKeyDictionary()

    def own(self) -> nn.Module:
        """Return the copy of the thread that asks."""
        thread = threading.current_thread()
        if thread not in self._copies:
            self._copies[thread] = deepcopy(self._module)
        return self._copies[thread]

    def __reduce__(self) -> tuple[type["ThreadCopies"], tuple[nn.Module]]:
        return ThreadCopies, (self._module,)  # copies are made anew, threads are not pickled


class Functional:
    """What a model says of inputs, as a function of its trainable parameters w ``(d,)``.

    Threads may call it at the same time.

    Attributes:
        model: a copy of the model; its own parameters play no role but for the frozen ones, which are constants.
        dim: d.
    """

    def __init__(self, model: nn.Module) -> None:
        """Take a model.

        Raises:
            InputError: no trainable parameter, or one of complex numbers; running statistics that would move.
        """
        self.model = by_batch(deepcopy(model))
        for name, p in self.model.named_parameters():
            if p.requires_grad and not p.is_floating_point():
                rule = f"is the dtype of {name}; trainable parameters must be real numbers"
                checks.reject("model", p.dtype, rule, "Keep its real and imaginary parts in two, or freeze it")
        self._shapes = {n: p.shape for n, p in self.model.named_parameters() if p.requires_grad}
        if not self._shapes:
            checks.reject("model", type(model).__name__, "has no trainable parameter", "Leave one with requires_grad")
        for module in self.model.modules():
            if isinstance(module, _NormBase) and module.training and module.track_running_stats:
                rule = "keeps running statistics, which a landscape has no place for"
                checks.reject("model", type(module).__name__, rule, "Use model.eval(), or track_running_stats=False")
        self.dim = sum(map(prod, self._shapes.values()))
        self._copies = ThreadCopies(self.model)

    def __call__(
        self, w: torch.Tensor, inputs: torch.Tensor, constants: dict[str, torch.Tensor] | None = None
    ) -> torch.Tensor:
        """Return the outputs, with other constants if there are."""
        constants = self._constants(w) if constants is None else constants
        with plain_attention():
            return functional_call(self._copies.own(), {**constants, **self._parts(w)}, (inputs,))

    @torch.no_grad()
    def check(self, inputs: torch.Tensor) -> None:
        """See that the model is a function of such inputs, by what it says of inputs in float64 on the CPU.

        Raises:
            InputError: inputs that it cannot take; random numbers are drawn, parameters or buffers changed; outputs
                that are no tensor.
        """
        name, w = type(self.model).__name__, self.vector(self.model).cpu()
        constants = self._constants(w)
        before = {n: t.clone() for n, t in (*constants.items(), ("parameter", w))}
        with torch.random.fork_rng(devices=[]):
            state = torch.get_rng_state()
            try:
                outputs = self(w, like(inputs, w), constants)
            except (RuntimeError, TypeError, ValueError, IndexError) as error:
                if isinstance(error, checks.InputError):
                    raise
                rule = f"the model {name} cannot take inputs of this shape: {error}"
                checks.reject("inputs", tuple(inputs.shape), rule, "Give samples along the first axis")
            random = not torch.equal(state, torch.get_rng_state())
        if random:
            rule = "draws random numbers, as dropout does, and a landscape is one function"
            checks.reject("model", name, rule, "Use model.eval()")
        for changed, then in before.items():
            if not torch.equal(then, {**constants, "parameter": w}[changed]):
                rule = "is changed by the model itself, and a landscape stays as it is"
                checks.reject(changed, name, rule, "Use model.eval()")
        if not torch.is_tensor(outputs):
            fix = "Wrap it in a module that returns the one tensor that the criterion takes"
            checks.reject("model", type(outputs).__name__, "is what it returns, and no tensor", fix)

    def vector(self, models: nn.Module | Iterable[nn.Module]) -> torch.Tensor:
        """Return the parameters of one model, float64 ``(d,)``, or of several, ``(n, d)``.

        Raises:
            InputError: a model with other parameters.
        """
        if isinstance(models, nn.Module):
            return self._vector_of(models)
        if isinstance(models, str) or not isinstance(models, Iterable):
            checks.reject("models", models, "must be a torch.nn.Module, or several", "Give a model, or a list of some")
        several = [self._vector_of(model) for model in models]
        if not several:
            checks.reject("models", several, "there is none", "Give a model, or a list of some")
        return torch.stack(several)

    def _vector_of(self, model: nn.Module) -> torch.Tensor:
        parameters = self._parameters_of(model)
        return torch.cat([parameters[name].detach().double().flatten() for name in self._shapes])

    @torch.no_grad()
    def load(self, model: nn.Module, w: torch.Tensor) -> None:
        """Set the trainable parameters of a model of the same shape to w.

        Raises:
            InputError: a model with other parameters, or w that is not one point; nothing is changed.
        """
        if w.ndim != 1:
            checks.reject("w", tuple(w.shape), "must be one point", f"Give an array of shape ({self.dim},)")
        parameters = self._parameters_of(model)
        parts = self._parts(w)
        torch._foreach_copy_([parameters[name] for name in parts], [*parts.values()])  # at once, whatever interrupts it

    def _parameters_of(self, model: nn.Module) -> dict[str, nn.Parameter]:
        """Return the parameters by their names, if they are those of this function's model."""
        if not isinstance(model, nn.Module):
            checks.reject("model", model, "must be a torch.nn.Module", "Give a model of the same kind")
        parameters = dict(model.named_parameters())
        for name, shape in self._shapes.items():
            theirs = tuple(parameters[name].shape) if name in parameters else "none"
            if theirs != tuple(shape):
                rule = f"is its {name}; the one of this landscape is {tuple(shape)}"
                checks.reject("model", theirs, rule, "Give a model of the same kind")
        return parameters

    def _parts(self, w: torch.Tensor) -> dict[str, torch.Tensor]:
        parts = w.split([prod(shape) for shape in self._shapes.values()])
        return {n: part.view(shape) for (n, shape), part in zip(self._shapes.items(), parts, strict=True)}

    def _constants(self, w: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return frozen parameters and buffers, in w's dtype and on its device."""
        frozen = [(n, p.detach()) for n, p in self.model.named_parameters() if n not in self._shapes]
        return {n: like(t, w) for n, t in [*frozen, *self.model.named_buffers()]}


_attention = ExitStack()  # of torch's switches for all threads
_attention_lock, _attending = threading.Lock(), 0


@contextmanager
def plain_attention() -> Iterator[None]:
    """Let attention be computed by the kernel that has a second derivative, until the last thread has done with it.

    torch's own context is of the whole process: where two threads' overlap, the first to end would switch the other's
    kernels, and the second leave them so.
    """
    global _attending
    with _attention_lock:
        if not _attending:
            _attention.enter_context(sdpa_kernel(SDPBackend.MATH))
        _attending += 1
    try:
        yield
    finally:
        with _attention_lock:
            _attending -= 1
            if not _attending:
                _attention.close()


def like(values: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    """Return values on w's device and, if they are floating-point ones, in its dtype."""
    return values.to(w) if values.is_floating_point() else values.to(w.device)
