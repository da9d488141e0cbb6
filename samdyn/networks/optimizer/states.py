"""The check of an optimizer's saved state, and its arrangement in the order of the parameters."""

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any

import torch

from ... import checks
from .base import check_finite

FIX = "Give what samdyn.networks.Optimizer.state_dict() returned for these parameters"
SETTINGS = ("lr", "momentum", "weight_decay", "nesterov")  # of a group without a base
KEYS = ("method", "steps", "base", "seed", "memory", "state", "param_groups")


def check_settings(group: Mapping[str, Any], lowest: str = ">= 0") -> None:
    """Check lr, momentum, weight_decay and nesterov of a group of parameters.

    Args:
        group: a group with all four settings.
        lowest: the lower limit of lr, "> 0" or ">= 0"; a scheduler may set lr to 0.

    Raises:
        InputError: a setting out of its range.
    """
    rule, fix = f"must be a finite number {lowest}", "Use e.g. lr=0.1; torch.optim.lr_scheduler changes it"
    checks.number("lr", group["lr"], rule, fix, lambda lr: lr > 0 or (lowest == ">= 0" and lr == 0))
    fix = "Use e.g. momentum=0.9, or 0 for none"
    checks.number("momentum", group["momentum"], "must lie in [0, 1)", fix, lambda gamma: 0 <= gamma < 1)
    fix = "Use e.g. weight_decay=5e-4, or 0 for none"
    checks.number("weight_decay", group["weight_decay"], "must be finite and >= 0", fix, lambda decay: decay >= 0)
    if group["nesterov"] and not group["momentum"]:
        rule = "Nesterov's form changes nothing without momentum"
        checks.reject("momentum", group["momentum"], rule, "Use e.g. momentum=0.9, or nesterov=False")


def arrange(
    state: Any, method: str, base: str | None, memory: Sequence[str], groups: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return a saved state with the parameters of each group in the order of an optimizer's groups.

    Names identify the parameters if both the state and the optimizer have names. Otherwise their places do.

    Args:
        state: the result of ``Optimizer.state_dict``.
        method: the ``repr`` of the optimizer's method.
        base: the name of the class of its base. None if it has none.
        memory: the names of the arrays that its method carries.
        groups: the optimizer's groups.

    Raises:
        InputError: not a state, or the state of another method or base, or of other parameters; settings out of their
            range.
    """
    if not isinstance(state, Mapping):
        checks.reject("state_dict", state, "is no state", FIX)
    missing = [key for key in KEYS if key not in state]
    if missing:
        rule = f"are the keys of another optimizer's state, {', '.join(missing)} not among them"
        checks.reject("state_dict", sorted(map(str, state)), rule, FIX)
    if state["method"] != method:
        fix = f"Load it into an optimizer with method={state['method']}"
        checks.reject("state_dict", state["method"], f"is its method; this one's is {method}", fix)
    if state["base"] != base:
        fix = f"Load it into an optimizer with {'no base' if state['base'] is None else 'base=' + str(state['base'])}"
        checks.reject("state_dict", state["base"], f"is its base; this optimizer's is {base}", fix)
    if isinstance(state["steps"], bool) or not isinstance(state["steps"], int) or state["steps"] < 0:
        checks.reject("state_dict['steps']", state["steps"], "must be an integer >= 0", FIX)
    checks.word("state_dict['seed']", state["seed"], FIX)
    saved = _arrange_groups(state["param_groups"], groups, check_settings if base is None else check_finite)
    for group, own in zip(saved, groups, strict=True):
        _check_shapes("state", state["state"], group["params"], own["params"], may_broadcast=base is not None)
        _check_shapes("memory", state["memory"], group["params"], own["params"])
        for place in group["params"]:
            names = state["memory"].get(place)
            if names is not None and set(names) != {*memory}:
                rule = f"are the arrays of a method; this optimizer's carries {list(memory)}"
                checks.reject(f"state_dict['memory'][{place!r}]", sorted(names), rule, FIX)
    return {**state, "param_groups": saved}


def _arrange_groups(
    saved: Any, groups: Sequence[Mapping[str, Any]], check: Callable[[Mapping[str, Any]], None]
) -> list[dict[str, Any]]:
    """Return the groups of a saved state with their parameters in the order of an optimizer's groups.

    ``check`` refuses settings of a group.

    Raises:
        InputError: they are not groups with the same parameters.
    """
    name, settings = (
        "state_dict['param_groups']",
        ("params", *SETTINGS) if check is check_settings else ("params", "lr"),
    )
    if not isinstance(saved, list) or not all(isinstance(g, Mapping) and g.keys() >= {*settings} for g in saved):
        checks.reject(name, saved, f"must be groups with {', '.join(settings)}", FIX)
    sizes, own = ([len(group["params"]) for group in some] for some in (saved, groups))
    if sizes != own:
        checks.reject(name, sizes, f"are the numbers of their parameters; this optimizer's are {own}", FIX)
    for group in saved:
        check(group)
    names, own_names = ([sorted(group.get("param_names", ())) for group in some] for some in (saved, groups))
    if names != own_names and sorted(chain(*names)) == sorted(chain(*own_names)):
        fix = "Make groups of the same parameters as when it was saved"
        checks.reject(name, names, "have the same parameters in other groups", fix)
    return [_in_order(group, own) for group, own in zip(saved, groups, strict=True)]


def _in_order(saved: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Return a group with its parameters in the order of another group with the same names."""
    names, own_names = saved.get("param_names", []), own.get("param_names", [])
    if sorted(names) != sorted(own_names) or not names:
        return dict(saved)
    places = dict(zip(names, saved["params"], strict=True))
    return {**saved, "params": [places[name] for name in own_names], "param_names": list(own_names)}


def _check_shapes(
    key: str, state: Any, saved: Sequence[Any], params: Sequence[torch.Tensor], *, may_broadcast: bool = False
) -> None:
    """Check the shapes of the tensors in a part of a saved state, where the places in ``saved`` belong to ``params``.

    They have the shape of the parameter, or one that broadcasts to it, as a number of steps does.
    """
    name = f"state_dict['{key}']"
    if not isinstance(state, Mapping):
        checks.reject(name, state, "must have an entry for each parameter that was moved", FIX)
    for place, p in zip(saved, params, strict=True):
        entry = state.get(place, {})
        for tensor in entry.values() if isinstance(entry, Mapping) else [entry]:
            shape = tuple(tensor.shape) if torch.is_tensor(tensor) else tensor
            fits = shape == p.shape or (may_broadcast and (not torch.is_tensor(tensor) or _broadcasts(shape, p.shape)))
            if tensor is not None and not fits:
                rule = f"is the shape of an entry; this optimizer's parameter is {tuple(p.shape)}"
                checks.reject(f"{name}[{place!r}]", shape, rule, FIX)


def _broadcasts(shape: Sequence[int], to: Sequence[int]) -> bool:
    """Return whether a tensor of one shape broadcasts to another."""
    ends = zip(reversed(shape), reversed(to), strict=False)
    return len(shape) <= len(to) and all(mine in (1, other) for mine, other in ends)
