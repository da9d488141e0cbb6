"""The parameters of maps and flows by name."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

from .. import checks
from ..dynamics import Flow, Map
from ..methods import Ascent

System = TypeVar("System", bound=Map | Flow)


def parameters(system: Map | Flow) -> list[str]:
    """Return the names of the parameters that a system has."""
    radius = ["rho", "ascent_steps"] if isinstance(system.method, Ascent) else []
    if isinstance(system, Map):
        return [*radius, "lr", "momentum"]
    return [*radius, "lr"] if system.order == 2 else radius


def with_parameters(system: System, values: Mapping[str, Any]) -> System:
    """Return a map or flow with other values of its parameters: numbers, symbols, or tensors of one value per run.

    Raises:
        InputError: a parameter that it does not have, or a value out of its range.
    """
    known = parameters(system)
    for name in values:
        if name not in known:
            kind, has = type(system).__name__.lower(), ", ".join(known) or "none"
            rule = f"this {kind} of {type(system.method).__name__} has no parameter of this name"
            checks.reject("parameter", name, rule, f"It has: {has}")
    of_method = {name: values[name] for name in ("rho", "ascent_steps") if name in values}
    method = replace(system.method, **of_method) if of_method else system.method
    return replace(system, method=method, **{n: v for n, v in values.items() if n not in of_method})
