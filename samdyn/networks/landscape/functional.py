"""A model as a function of one vector of its parameters."""

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

from ... import checks
from .batch_norm import use_batch_statistics


class ThreadCopies:
    """One copy of a module per thread, because torch writes the tensors of a functional call into the module."""

    def __init__(self, module: nn.Module) -> None:
        """Take the module to copy."""
        self._module = module
        self._copies: WeakKeyDictionary[threading.Thread, nn.Module] = WeakKeyDictionary()

    def own(self) -> nn.Module:
        """Return the copy of the calling thread."""
        thread = threading.current_thread()
        if thread not in self._copies:
            self._copies[thread] = deepcopy(self._module)
        return self._copies[thread]

    def __reduce__(self) -> tuple[type["ThreadCopies"], tuple[nn.Module]]:
        return ThreadCopies, (self._module,)  # threads cannot be pickled, so the new object has no copies yet


class Functional:
    """The outputs of a model as a function of its trainable parameters w ``(d,)``. Several threads may call it at once.

    Attributes:
        model: a copy of the model. Its frozen parameters are constants; the values of the others are not used.
        dim: the number d of trainable parameters.
    """

    def __init__(self, model: nn.Module) -> None:
        """Copy a model.

        Raises:
            InputError: no trainable parameter, or a complex one; running statistics that a call would change.
        """
        self.model = use_batch_statistics(deepcopy(model))
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
        """Return the outputs. The ``constants`` replace the frozen parameters and buffers of the model."""
        constants = self._constants(w) if constants is None else constants
        with plain_attention():
            return functional_call(self._copies.own(), {**constants, **self._parts(w)}, (inputs,))

    @torch.no_grad()
    def check(self, inputs: torch.Tensor) -> None:
        """Check that the model is a function of such inputs, by a call in float64 on the CPU.

        Raises:
            InputError: the model cannot take the inputs, draws random numbers, changes its parameters or buffers, or
                does not return a tensor.
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
        for key, old in before.items():
            if not torch.equal(old, {**constants, "parameter": w}[key]):
                rule = "is changed by the model itself, and a landscape stays as it is"
                checks.reject(key, name, rule, "Use model.eval()")
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
        torch._foreach_copy_(
            [parameters[name] for name in parts], [*parts.values()]
        )  # one call, so that no signal interrupts it

    def _parameters_of(self, model: nn.Module) -> dict[str, nn.Parameter]:
        """Return the parameters of a model by name.

        Raises:
            InputError: their names or shapes are not those of this function's model.
        """
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


_attention = ExitStack()  # holds torch's switch of the attention kernel, which acts on all threads
_attention_lock, _attending = threading.Lock(), 0  # the number of threads in ``plain_attention``, and its lock


@contextmanager
def plain_attention() -> Iterator[None]:
    """Make torch use the attention kernel that has a second derivative, until the last thread leaves such a block.

    torch's own context switches the kernel of the whole process. If those of two threads overlapped, the first to end
    would switch the kernel of the other.
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
