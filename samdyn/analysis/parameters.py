"""The parameters of maps, flows and diffusions by name."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from .. import checks
from ..arguments import checked
from ..dynamics import Diffusion, Flow, Map
from ..methods import Ascent
from ..simulation.progress import tracked

if TYPE_CHECKING:
    import xarray

System = TypeVar("System", bound=Map | Flow | Diffusion)


@checked
def parameters(system: Map | Flow | Diffusion) -> list[str]:
    """Return the names of the parameters that a system has."""
    radius = ["rho", "ascent_steps"] if isinstance(system.method, Ascent) else []
    if isinstance(system, Map | Diffusion):
        batch = ["batch_size"] if hasattr(system.noise, "batch_size") else []
        return [*radius, "lr", "momentum", *batch]
    return [*radius, "lr"] if system.order == 2 else radius


@checked
def with_parameters(system: System, values: Mapping[str, Any]) -> System:
    """Return a system with other values of its parameters: numbers, symbols, or tensors of one value per run.

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
    others = {name: value for name, value in values.items() if name not in of_method}
    if "batch_size" in others:
        noise: Any = vars(system)["noise"]
        others["noise"] = replace(noise, batch_size=others.pop("batch_size"))
    return replace(system, method=method, **others)


@checked
def over_grid(
    system: System, axes: Mapping[str, Sequence[float]], measure: Callable[[System], Mapping[str, float]]
) -> "xarray.Dataset":
    """Measure something of a map, flow or diffusion for every combination of parameters.

    Args:
        system: the map, flow or diffusion.
        axes: the values of each parameter that varies, by name: rho, ascent_steps, lr, momentum, batch_size.
        measure: gives named numbers for one system.

    Returns:
        A dataset with one dimension per axis and one variable per number.

    Raises:
        InputError: what ``with_parameters`` refuses, for any combination, before anything is measured.
    """
    import xarray

    for name, values in axes.items():
        if not len(values):
            checks.reject(name, list(values), "at least one value is needed", "Leave the axis out to keep what it is")
    settings = [with_parameters(system, dict(zip(axes, v, strict=True))) for v in itertools.product(*axes.values())]
    found = [measure(setting) for setting in tracked("settings", settings)]
    shape = [len(values) for values in axes.values()]
    return xarray.Dataset(
        {name: (list(axes), np.array([each[name] for each in found]).reshape(shape)) for name in found[0]},
        coords={name: list(values) for name, values in axes.items()},
    )
