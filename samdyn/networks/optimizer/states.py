"""The check of an optimizer's saved state, and its arrangement in the order of the parameters."""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import torch

from ... import checks

FIX = "Give what samdyn.networks.Optimizer.state_dict() returned for these parameters"
KEYS = ("method", "steps", "state", "param_groups")


def check_settings(group: Mapping[str, Any], lowest: str = ">= 0") -> None:
    """Check lr, momentum, weight_decay and nesterov of a group of parameters.

    Args:
        group: a group with all four settings.
        lowest: the lower limit of lr, "> 0" or ">= 0"; a scheduler may set lr to 0.

    Raises:
        InputError: a setting out of its range.
    """
    rule, fix = f"must be a finite number {lowest}", "Use e.g. lr=0.1"
    checks.number("lr", group["lr"], rule, fix, lambda lr: lr > 0 or (lowest == ">= 0" and lr == 0))
    fix = "Use e.g. momentum=0.9, or 0 for none"
    checks.number("momentum", group["momentum"], "must lie in [0, 1)", fix, lambda gamma: 0 <= gamma < 1)
    fix = "Use e.g. weight_decay=5e-4, or 0 for none"
    checks.number("weight_decay", group["weight_decay"], "must be finite and >= 0", fix, lambda decay: decay >= 0)
    if group["nesterov"] and not group["momentum"]:
        rule = "Nesterov's form changes nothing without momentum"
        checks.reject("momentum", group["momentum"], rule, "Use e.g. momentum=0.9, or nesterov=False")


def arrange(state: Any, method: str, groups: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return a saved state with the parameters of each group in the order of an optimizer's groups.

    Names identify the parameters if both the state and the optimizer have names. Otherwise their places do.

    Args:
        state: the result of ``Optimizer.state_dict``.
        method: the ``repr`` of the optimizer's method.
        groups: the optimizer's groups.

    Raises:
        InputError: not a state, or the state of another method or of other parameters; settings out of their range.
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
    if isinstance(state["steps"], bool) or not isinstance(state["steps"], int) or state["steps"] < 0:
        checks.reject("state_dict['steps']", state["steps"], "must be an integer >= 0", FIX)
    saved = _arrange_groups(state["param_groups"], groups)
    for group, own in zip(saved, groups, strict=True):
        _check_momentum(state["state"], group["params"], own["params"])
    return {**state, "param_groups": saved}


def _arrange_groups(saved: Any, groups: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the groups of a saved state with their parameters in the order of an optimizer's groups.

    Raises:
        InputError: they are not groups with the same parameters.
    """
    name, settings = "state_dict['param_groups']", ("params", "lr", "momentum", "weight_decay", "nesterov")
    if not isinstance(saved, list) or not all(isinstance(g, Mapping) and g.keys() >= {*settings} for g in saved):
        checks.reject(name, saved, f"must be groups with {', '.join(settings)}", FIX)
    sizes, own = ([len(group["params"]) for group in some] for some in (saved, groups))
    if sizes != own:
        checks.reject(name, sizes, f"are the numbers of their parameters; this optimizer's are {own}", FIX)
    for group in saved:
        check_settings(group)
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


def _check_momentum(state: Any, saved: Sequence[Any], params: Sequence[torch.Tensor]) -> None:
    """Check the shapes of the velocities in a saved state, where the places in ``saved`` belong to ``params``."""
    if not isinstance(state, Mapping):
        checks.reject("state_dict['state']", state, "must have an entry for each parameter that was moved", FIX)
    for place, p in zip(saved, params, strict=True):
        entry = state.get(place, {})
        velocity = entry.get("momentum_buffer") if isinstance(entry, Mapping) else entry
        if velocity is not None and (not torch.is_tensor(velocity) or velocity.shape != p.shape):
            shape = tuple(velocity.shape) if torch.is_tensor(velocity) else velocity
            rule = f"is the shape of its velocity; this optimizer's parameter is {tuple(p.shape)}"
            checks.reject(f"state_dict['state'][{place!r}]", shape, rule, FIX)
