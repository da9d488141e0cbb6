"""A torch optimizer as the base: F is its gradient, and its step is taken as a whole or not at all."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from copy import copy, deepcopy
from dataclasses import dataclass
from typing import Any

import torch

from ... import checks

FIX = "Use e.g. base=torch.optim.AdamW"


def make_base(
    make: Callable[..., torch.optim.Optimizer], params: Any, lr: Any, settings: Mapping[str, Any]
) -> torch.optim.Optimizer:
    """Return the torch optimizer of some parameters.

    Args:
        make: a class of torch optimizers, or a function that makes one from groups of parameters, lr and settings.
        params: parameters, (name, parameter) pairs, or groups of them.
        lr: the learning rate.
        settings: the other settings.

    Raises:
        InputError: not such a class or function; a setting that it does not have or refuses; an optimizer whose step
            needs more than F.
        TypeError, ValueError: what torch raises for ``params``.
    """
    if not callable(make):
        checks.reject("base", make, "must be a class of torch optimizers, or a function that makes one", FIX)
    groups = torch.optim.Optimizer(params, {}).param_groups
    _check_names(make, {"lr": lr, **settings})
    try:
        base = make(groups, lr=lr, **settings)
    except (TypeError, ValueError, RuntimeError) as error:  # its message says what is wrong
        checks.reject("base", _name(make), f"refuses {dict(settings, lr=lr)}: {error}", "Change this setting")
    if not isinstance(base, torch.optim.Optimizer):
        checks.reject("base", base, "is what base made, and no torch optimizer", FIX)
    of_base, own = ([[*map(id, group["params"])] for group in some] for some in (base.param_groups, groups))
    if of_base != own:
        checks.reject("base", _name(make), "trains other groups of parameters than it was given", FIX)
    _check_step(base)
    return base


def _check_names(make: Callable[..., Any], settings: Mapping[str, Any]) -> None:
    """Refuse settings that a base does not have."""
    try:
        parameters = inspect.signature(make).parameters
    except ValueError:  # a callable that does not say
        return
    if any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values()):
        return
    names = [*parameters][1:]
    for name, value in settings.items():
        if name not in names:
            checks.reject(name, value, f"{_name(make)} has no such setting", f"It takes {', '.join(names)}")


def _check_step(base: torch.optim.Optimizer) -> None:
    """Refuse an optimizer whose step needs a closure or sparse gradients."""
    name = type(base).__name__
    closure = inspect.signature(base.step).parameters.get("closure")
    if closure is not None and closure.default is inspect.Parameter.empty:
        rule = "needs losses and gradients at points of its own choice; F is one gradient for a step"
        checks.reject("base", name, rule, "Use a base whose step needs no closure, e.g. torch.optim.AdamW")
    if isinstance(base, torch.optim.SparseAdam):
        checks.reject("base", name, "takes sparse gradients alone, and F is dense", "Use torch.optim.Adam")


def _name(make: Any) -> str:
    return str(getattr(make, "__name__", make))


def check_finite(group: Mapping[str, Any], lowest: str = ">= 0") -> None:
    """Check lr of a group of parameters, and that its other numbers are finite.

    Args:
        group: the group.
        lowest: the lower limit of lr, "> 0" or ">= 0"; a scheduler may set lr to 0.

    Raises:
        InputError: a number out of its range.
    """
    rule, fix = f"must be a finite number {lowest}", "Use e.g. lr=0.001; torch.optim.lr_scheduler changes it"
    lr = group["lr"].item() if torch.is_tensor(group["lr"]) and group["lr"].numel() == 1 else group["lr"]
    checks.number("lr", lr, rule, fix, lambda rate: rate > 0 or (lowest == ">= 0" and rate == 0))
    for name, value in group.items():
        for one in value if isinstance(value, tuple) else (value,):
            if isinstance(one, float):
                checks.number(name, one, "must be finite", "Change it in param_groups")


@dataclass(frozen=True)
class BaseStep:
    """A step of a base along the ``grad`` of its parameters, which can be undone.

    A base may fail halfway, as for a lack of memory. So the copies of its state and of its settings exist before it
    begins. What a base stores elsewhere than in ``state`` and ``param_groups`` cannot be undone.

    Attributes:
        base: the base.
        moved: the parameters that move.
        state: the state from before the step; its tensors are the base's own.
        settings: the settings of each group from before the step.
        tensors: the tensors of the state.
        copies: their values from before the step.
    """

    base: torch.optim.Optimizer
    moved: Sequence[torch.Tensor]
    state: dict[Any, Any]
    settings: list[dict[str, Any]]
    tensors: list[torch.Tensor]
    copies: list[torch.Tensor]

    @classmethod
    def prepare(cls, base: torch.optim.Optimizer, moved: Sequence[torch.Tensor]) -> "BaseStep":
        """Return a step of a base, in which some of its parameters move."""
        tensors: list[torch.Tensor] = []
        state = {key: _outline(value, tensors) for key, value in base.state.items()}
        settings = [
            {k: v if k == "params" else _outline(v, tensors) for k, v in group.items()} for group in base.param_groups
        ]
        return cls(base, moved, state, settings, tensors, [tensor.clone() for tensor in tensors])

    def take(self) -> None:
        """Let the base move the parameters.

        Raises:
            Exception: what the base raises. Its state and settings are those from before the step.
        """
        moved = set(map(id, self.moved))
        still = [p for group in self.base.param_groups for p in group["params"] if id(p) not in moved]
        gradients = [p.grad for p in still]  # a base would move frozen parameters along a gradient left in them
        try:
            for p in still:
                p.grad = None
            self.base.step()
        except BaseException as error:
            self._undo()
            error.add_note(f"The base {type(self.base).__name__} has failed in its step, which has changed nothing.")
            raise
        finally:
            for p, gradient in zip(still, gradients, strict=True):
                p.grad = gradient

    def _undo(self) -> None:
        self.base.state.clear()
        self.base.state.update(self.state)
        for group, settings in zip(self.base.param_groups, self.settings, strict=True):
            group.clear()
            group.update(settings)
        for tensor, before in zip(self.tensors, self.copies, strict=True):
            tensor.copy_(before)


def _outline(value: Any, tensors: list[torch.Tensor]) -> Any:
    """Return a copy of a value in which its tensors are the same objects, and append these to ``tensors``."""
    if torch.is_tensor(value):
        tensors.append(value)
        return value
    if isinstance(value, dict):
        outline = copy(value)
        outline.update((key, _outline(part, tensors)) for key, part in value.items())
        return outline
    if isinstance(value, list | tuple) and type(value) in (list, tuple):
        return type(value)(_outline(part, tensors) for part in value)
    return deepcopy(value)
