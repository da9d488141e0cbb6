"""The parameters of a network as one vector, the form in which methods see them."""

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import nn
from torch._utils import _flatten_dense_tensors, _unflatten_dense_tensors

from ... import checks
from ...arguments import checked
from ...methods import Blocks


class Parameters:
    """Some parameters of a network, and the vector w ``(d,)`` of all their entries, one parameter after the other.

    The vector has the widest dtype of the parameters, at least float32, so that no entry is rounded when it is read and
    written back. It is on the device of the first parameter. Other vectors are rounded to the dtypes of the parameters.

    Attributes:
        tensors: the parameters.
        names: the name of each parameter, for messages.
        dtype: the dtype of the vector.
        device: the device of the vector.
        narrow: whether some parameter has a narrower dtype than the vector.
    """

    def __init__(self, named: Iterable[tuple[str, torch.Tensor]]) -> None:
        """Take (name, parameter) pairs, at least one."""
        names, tensors = zip(*named, strict=True)
        self.tensors, self.names = list(tensors), list(names)
        self.dtype = torch.float32
        for p in self.tensors:
            self.dtype = torch.promote_types(self.dtype, p.dtype)
        self.device = self.tensors[0].device
        self.narrow = any(p.dtype != self.dtype for p in self.tensors)
        self._alike = all((p.dtype, p.device) == (self.dtype, self.device) for p in self.tensors)

    def read(self) -> torch.Tensor:
        """Return a copy of w."""
        return self._vector(self.tensors)

    def write(self, w: torch.Tensor) -> None:
        """Set the parameters to w."""
        torch._foreach_copy_(self.tensors, self.split(w))

    def split(self, w: torch.Tensor) -> list[torch.Tensor]:
        """Return the parts of a vector in the shapes of the parameters."""
        return list(_unflatten_dense_tensors(w, self.tensors))

    def gradient(self) -> torch.Tensor:
        """Return the gradients of the parameters as one dense vector.

        Raises:
            InputError: a parameter has no gradient.
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
        """Set the gradients of the parameters to the parts of a vector, in place if they are dense."""
        for p in self.tensors:
            if p.grad is None or p.grad.layout != torch.strided:
                p.grad = torch.empty_like(p)
        torch._foreach_copy_([p.grad for p in self.tensors], self.split(g))

    def _vector(self, tensors: list[torch.Tensor]) -> torch.Tensor:
        if not self._alike:
            tensors = [t.to(self.device, self.dtype) for t in tensors]
        flat = _flatten_dense_tensors(tensors).detach()
        return flat.clone() if len(tensors) == 1 else flat  # of one tensor it is a view


class ParameterBlocks(Blocks):
    """One truth value for each coordinate of some parameters, which an optimizer may have in another order.

    Attributes:
        values: one truth value per parameter, for all of its coordinates.
        names: the names of the parameters.
        tensors: the parameters.
    """

    values: Sequence[bool]
    names: Sequence[str]
    tensors: Sequence[torch.Tensor]

    def __init__(self, values: Sequence[bool], names: Sequence[str], tensors: Sequence[torch.Tensor]) -> None:
        """Take the values, names and tensors of the parameters."""
        super().__init__((value, p.numel()) for value, p in zip(values, tensors, strict=True))
        for name, value in (("values", values), ("names", names), ("tensors", tensors)):
            object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        return f"Blocks(runs={self.runs!r})"  # a saved state compares this text with that of its method

    def of(self, parameters: Parameters) -> Blocks:
        """Return the truth values of the coordinates of ``parameters``, in the order of ``parameters``.

        The method identifies each parameter as the same tensor, by its name and shape, or, if all shapes come in the
        same order, by its place.

        Raises:
            InputError: a parameter cannot be identified.
        """
        shapes, own = ([p.shape for p in tensors] for tensors in (parameters.tensors, self.tensors))
        as_tensors = [*map(id, parameters.tensors)], [*map(id, self.tensors)]
        as_names = [*zip(parameters.names, shapes, strict=True)], [*zip(self.names, own, strict=True)]
        for keys, own_keys in (as_tensors, as_names):
            values: dict[Any, bool] = dict(zip(own_keys, self.values, strict=True))
            if len(set(keys)) == len(keys) and values.keys() >= {*keys}:
                return Blocks((values[key], p.numel()) for key, p in zip(keys, parameters.tensors, strict=True))
        if shapes != own:
            rule = f"are what the method's weights know; the optimizer has others or another order: {parameters.names}"
            fix = "Use samdyn.networks.weights(model) of the model that the optimizer trains"
            checks.reject("weights", list(self.names), rule, fix)
        return self


@checked
def weights(parameters: nn.Module | Iterable[tuple[str, torch.Tensor]]) -> ParameterBlocks:
    """Return the coordinates of trainable parameters that ASAM's authors scale: all but those of biases.

    The result is an argument of ``ASAM(rho, shift=0.01, weights=weights(model))``. The name of a parameter decides
    whether it is a weight, as in the authors' code. [A21's code] ``Optimizer`` identifies the parameters in whatever
    groups they are. For a ``Network`` give its model.

    Args:
        parameters: a model, or (name, parameter) pairs.

    Raises:
        InputError: something else.

    >>> from samdyn.networks import models, weights
    >>> weights(models.mlp((2, 3, 1))).values
    [True, False, True, False]
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
