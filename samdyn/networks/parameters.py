"""A network's parameters as one vector, which is how methods see them."""

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import nn
from torch._utils import _flatten_dense_tensors, _unflatten_dense_tensors

from .. import checks
from ..arguments import checked
from ..methods import Blocks


class Parameters:
    """Some parameters of a network, and the vector w ``(d,)`` of all their entries, one parameter after the other.

    The vector has the widest of their dtypes, at least float32, so that reading and writing back loses nothing; it lies
    on the device of the first. What else is written is rounded to their dtypes; ``narrow`` says whether some are
    narrower than the vector's.
    """

    def __init__(self, named: Iterable[tuple[str, torch.Tensor]]) -> None:
        """Take parameters, at least one, with what to call each in messages."""
        names, tensors = zip(*named, strict=True)
        self.tensors, self.names = list(tensors), list(names)
        self.dtype = torch.float32
        for p in self.tensors:
            self.dtype = torch.promote_types(self.dtype, p.dtype)
        self.device = self.tensors[0].device
        self.narrow = any(p.dtype != self.dtype for p in self.tensors)
        self._alike = all((p.dtype, p.device) == (self.dtype, self.device) for p in self.tensors)

    def read(self) -> torch.Tensor:
        """Return w, a copy."""
        return self._vector(self.tensors)

    def write(self, w: torch.Tensor) -> None:
        """Set the parameters to w."""
        torch._foreach_copy_(self.tensors, self.split(w))

    def split(self, w: torch.Tensor) -> list[torch.Tensor]:
        """Return a vector's parts in the shapes of the parameters."""
        return list(_unflatten_dense_tensors(w, self.tensors))

    def gradient(self) -> torch.Tensor:
        """Return the parameters' gradients as one vector, sparse ones written out.

        Raises:
            InputError: a parameter has none.
        """
        missing = [name for p, name in zip(self.tensors, self.names, strict=True) if p.grad is None]
        if len(missing) == len(self.tensors):
            rule = "left no parameter with a gradient"
            checks.reject("closure", missing, rule, "Call loss.backward() in it, and return the loss")
        if missing:
            fix = "Leave out what the loss does not depend on: requires_grad_(False) freezes it"
            checks.reject("closure", missing, "left these parameters without a gradient", fix)
        return self._vector([_dense(p.grad) for p in self.tensors if p.grad is not None])

    def set_gradient(self, g: torch.Tensor) -> None:
        """Set the parameters' gradients to the parts of a vector, in place where they are dense."""
        for p in self.tensors:
            if p.grad is None or p.grad.layout != torch.strided:
                p.grad = torch.empty_like(p)
        torch._foreach_copy_([p.grad for p in self.tensors], self.split(g))

    def _vector(self, tensors: list[torch.Tensor]) -> torch.Tensor:
        if not self._alike:
            tensors = [t.to(self.device, self.dtype) for t in tensors]
        flat = _flatten_dense_tensors(tensors).detach()
        return flat.clone() if len(tensors) == 1 else flat  # of one it is a view


class ParameterBlocks(Blocks):
    """Truth values of the coordinates of parameters that an optimizer may have in another order.

    Attributes:
        values: one of each parameter, which all of its coordinates have.
        names, tensors: the parameters.
    """

    values: Sequence[bool]
    names: Sequence[str]
    tensors: Sequence[torch.Tensor]

    def __init__(self, values: Sequence[bool], names: Sequence[str], tensors: Sequence[torch.Tensor]) -> None:
        """Take parameters."""
        super().__init__((value, p.numel()) for value, p in zip(values, tensors, strict=True))
        for name, value in (("values", values), ("names", names), ("tensors", tensors)):
            object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        return f"Blocks(runs={self.runs!r})"  # by which a saved state knows its method

    def of(self, parameters: Parameters) -> Blocks:
        """Return the truth values of the coordinates of parameters, in their order.

        They are known as the very tensors, by their names, or by their shapes if these come in the same order.

        Raises:
            InputError: they are not known.
        """
        shapes, own = ([p.shape for p in tensors] for tensors in (parameters.tensors, self.tensors))
        as_tensors = [*map(id, parameters.tensors)], [*map(id, self.tensors)]
        as_names = [*zip(parameters.names, shapes, strict=True)], [*zip(self.names, own, strict=True)]
        for asked, known in (as_tensors, as_names):
            values: dict[Any, bool] = dict(zip(known, self.values, strict=True))
            if len(set(asked)) == len(asked) and values.keys() >= {*asked}:
                return Blocks((values[key], p.numel()) for key, p in zip(asked, parameters.tensors, strict=True))
        if shapes != own:
            rule = f"are what the method's weights know; the optimizer has others or another order: {parameters.names}"
            fix = "Use samdyn.networks.weights(model) of the model that the optimizer trains"
            checks.reject("weights", list(self.names), rule, fix)
        return self


@checked
def weights(parameters: nn.Module | Iterable[tuple[str, torch.Tensor]]) -> ParameterBlocks:
    """Return which coordinates of trainable parameters ASAM's authors scale: all but those of biases.

    For ``ASAM(rho, shift=0.01, weights=weights(model))``. Parameters are weights by their names.  [A21's code]
    ``Optimizer`` knows whose value each is, in whatever groups they are; for a ``Network`` give its model.

    Args:
        parameters: a model, or (name, parameter) pairs.

    Raises:
        InputError: neither.
    """
    named = list(parameters.named_parameters() if isinstance(parameters, nn.Module) else parameters)
    for pair in named:
        if not (isinstance(pair, tuple) and len(pair) == 2 and isinstance(pair[0], str) and torch.is_tensor(pair[1])):
            checks.reject("parameters", pair, "is no pair of a name and a tensor", "Give model.named_parameters()")
    names, tensors = [], []
    for name, p in named:
        if p.requires_grad:
            names.append(name)
            tensors.append(p)
    values = ["weight" in name.rpartition(".")[2] or "parametrizations.weight." in name for name in names]
    return ParameterBlocks(values, names, tensors)


def _dense(gradient: torch.Tensor) -> torch.Tensor:
    return gradient if gradient.layout == torch.strided else gradient.to_dense()
