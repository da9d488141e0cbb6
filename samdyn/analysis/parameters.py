"""Reads and sets the parameters of maps, flows and diffusions by name."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from .. import checks
from ..arguments import checked, for_any_map
from ..dynamics import Diffusion, Flow, Map
from ..dynamics.settings import Path
from ..methods import Ascent
from ..simulation.progress import tracked

if TYPE_CHECKING:
    import xarray

# The part of a system that has a parameter; the system itself has the others.
PARTS = {"rho": "method", "ascent_steps": "method", "batch_size": "noise"}
System = TypeVar("System", bound=Map | Flow | Diffusion)


@checked
@for_any_map
def parameters(system: Map | Flow | Diffusion) -> list[str]:
    """Return the names of the parameters that a map, a flow or a diffusion has, those of its landscape last.

    >>> import samdyn as sd
    >>> sd.analysis.parameters(sd.Map(sd.landscapes.saddle(), sd.SAM(rho=0.5), lr=0.1))
    ['rho', 'ascent_steps', 'lr', 'momentum']
    >>> valley = sd.Landscape("x**2 + a*y**2", "x y", parameters={"a": 0.1})
    >>> sd.analysis.parameters(sd.Flow(valley, sd.GD()))
    ['a']
    """
    names = ["rho", "ascent_steps"] if isinstance(system.method, Ascent) else []
    names += [name for name in _of_method(system) if name not in names]
    if isinstance(system, Map | Diffusion):
        base = system.base if isinstance(system, Map) else None
        names += ["lr"] + (["momentum"] if base is None else _numbers_of(base))
        names += ["batch_size"] if hasattr(system.noise, "batch_size") else []
    elif system.order == 2:
        names += ["lr"]
    return [*names, *system.landscape.parameters]


@checked
@for_any_map
def with_parameters(system: System, values: Mapping[str, Any]) -> System:
    """Return a copy of a system with other values of its parameters.

    Args:
        system: the map, flow or diffusion.
        values: the new value of each parameter by name: a number, a symbol, or a tensor ``(n,)`` with one value per
            run.

    Raises:
        InputError: the system does not have a parameter, the landscape and the method both have it, or a value is out
            of its range.

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.landscapes.saddle(), sd.SAM(rho=0.5), lr=0.1)
    >>> sd.analysis.with_parameters(map_, {"rho": 0.2, "lr": 0.05}).method.rho
    0.2
    """
    names = parameters(system)
    for name in values:
        if name not in names:
            kind, has = type(system).__name__.lower(), ", ".join(names) or "none"
            rule = f"this {kind} of {type(system.method).__name__} has no parameter of this name"
            checks.reject("parameter", name, rule, f"It has: {has}")
        if names.count(name) > 1:
            rule = f"both the landscape and {type(system.method).__name__} have a parameter of this name"
            checks.reject("parameter", name, rule, "Rename it in the landscape")
    own: dict[str, Any] = {}
    of_parts: dict[str, dict[str, Any]] = {}  # the parameters of the method and of the noise
    for name, value in values.items():
        part = _part(system, name)
        (own if part is None else of_parts.setdefault(part, {}))[name] = value
    parts: dict[str, Any] = {}
    for part, of_part in of_parts.items():
        old = getattr(system, part)
        parts[part] = old.with_parameters(**of_part) if part == "landscape" else replace(old, **of_part)
    return replace(system, **own, **parts)


def _part(system: Map | Flow | Diffusion, name: str) -> str | None:
    """Return the name of the part of a system that has a parameter; None if the system itself has it."""
    if name in system.landscape.parameters:
        return "landscape"
    if isinstance(system, Map) and system.base is not None and name in _numbers_of(system.base):
        return "base"
    return "method" if name in _of_method(system) else PARTS.get(name)


def _of_method(system: Map | Flow | Diffusion) -> list[str]:
    """Return the names of the real parameters that the system's method has."""
    return _numbers_of(system.method)


def _numbers_of(part: Any) -> list[str]:
    """Return the names of the fields of a part of a system that hold a real number, such as a float.

    An integer counts as one only in a field that is annotated as a float.
    """
    if not is_dataclass(part):
        return []
    return [f.name for f in fields(part) if f.type in (float, "float") or isinstance(getattr(part, f.name), float)]


def own_value(system: Map | Flow, name: str) -> float:
    """Return a system's own value of a parameter that it has."""
    part = _part(system, name)
    if part == "landscape":
        return float(system.landscape.parameters[name])
    return float(getattr(system if part is None else getattr(system, part), name))


def path_of(system: Map | Flow | Diffusion, name: str) -> Path:
    """Return the path of a parameter in its system, as ``dynamics.settings.filled`` takes it."""
    part = _part(system, name)
    return (name,) if part is None else (part, name)


@checked
def over_grid(
    system: System, axes: Mapping[str, Sequence[float]], measure: Callable[[System], Mapping[str, float]]
) -> "xarray.Dataset":
    """Apply a measurement to a map, flow or diffusion at every combination of parameters.

    Args:
        system: the map, flow or diffusion.
        axes: the values of each parameter that varies, by name: rho, ascent_steps, lr, momentum, batch_size, or one of
            the landscape.
        measure: a function that returns named numbers for one system.

    Returns:
        A dataset with one dimension per axis and one variable per number.

    Raises:
        InputError: an axis is empty, or ``with_parameters`` refuses a combination. All combinations are checked before
            the first measurement.

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.landscapes.saddle(), sd.GD(), lr=0.1)
    >>> (point,) = sd.critical_points(map_.landscape)
    >>> def rate(setting):
    ...     return {"rate": sd.analysis.growth_rate(setting, point, steps=50)}
    >>> sd.analysis.over_grid(map_, {"lr": [0.1, 0.2], "momentum": [0, 0.9]}, rate).rate.values.round(3)
    array([[1.823, 4.055],
           [1.682, 2.939]])
    """
    import xarray

    for name, values in axes.items():
        if not len(values):
            checks.reject(name, list(values), "at least one value is needed", "Leave the axis out to keep what it is")
    settings = [with_parameters(system, dict(zip(axes, v, strict=True))) for v in itertools.product(*axes.values())]
    results = [measure(setting) for setting in tracked("settings", settings)]
    shape = [len(values) for values in axes.values()]
    return xarray.Dataset(
        {name: (list(axes), np.array([result[name] for result in results]).reshape(shape)) for name in results[0]},
        coords={name: list(values) for name, values in axes.items()},
    )
