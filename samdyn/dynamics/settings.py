"""Parameters that differ from run to run: how to find them in a map, and how to replace them."""

import copy
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

import torch

from ..checks import is_per_run
from ..landscapes import Landscape
from ..schedules import Schedule

# Names of the fields that lead to a parameter: ("lr",), ("method", "rho"), ("landscape", "a") for a landscape's own a.
Path = tuple[str, ...]
Part = TypeVar("Part")


class _OnePerRun:
    def __repr__(self) -> str:
        return "one per run"


def per_run(part: Any) -> dict[Path, torch.Tensor]:
    """Return the parameters of a map, a scheme, or a part of one, that have one value per run, by their paths.

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.landscapes.saddle(), sd.SAM(rho=[0.1, 0.2]), lr=0.01)
    >>> per_run(map_)
    {('method', 'rho'): tensor([0.1000, 0.2000], dtype=torch.float64)}
    """
    values: dict[Path, torch.Tensor] = {}
    if isinstance(part, Landscape):
        return {(name,): value for name, value in part.parameters.items() if torch.is_tensor(value)}
    for field in fields(part) if is_dataclass(part) else ():
        value = getattr(part, field.name)
        if is_per_run(field, value):
            values[field.name,] = value
        else:
            values |= {(field.name, *path): tensor for path, tensor in per_run(value).items()}
    return values


def schedules(part: Any) -> dict[Path, Schedule]:
    """Return the schedules among the numbers of a map or a part of one, by their paths.

    >>> import samdyn as sd
    >>> schedules(sd.Map(sd.landscapes.saddle(), sd.SAM(sd.schedules.Piecewise([0, 0.1], at=[9])), lr=0.01))
    {('method', 'rho'): Piecewise(values=(0, 0.1), at_steps=(9,))}
    """
    found: dict[Path, Schedule] = {}
    for field in fields(part) if is_dataclass(part) and not isinstance(part, Landscape) else ():
        value = getattr(part, field.name)
        if isinstance(value, Schedule):
            found[field.name,] = value
        else:
            found |= {(field.name, *path): schedule for path, schedule in schedules(value).items()}
    return found


def inputs(part: Any) -> dict[Path, torch.Tensor]:
    """Return the parameters that a step takes as arguments: those with one value per run, and those of the landscape.

    A number of the landscape is a tensor without axes here. As an argument it is rounded alike in every step, whether
    it is one number or one per run, and its code need not be compiled anew for another number.
    """
    numbers = {("landscape", name): v for name, v in part.landscape.parameters.items() if isinstance(v, float)}
    return per_run(part) | {path: torch.tensor(number, dtype=torch.float64) for path, number in numbers.items()}


def filled(part: Part, values: Mapping[Path, Any]) -> Part:
    """Return a copy of a map, a scheme, or a part of one, with other values of some parameters.

    The values are not checked: while a step is traced they are expressions, which have no numbers to check.
    """
    if not values:
        return part
    if isinstance(part, Landscape):
        return part.filled({name: value for (name,), value in values.items()})  # type: ignore[return-value]
    new = copy.copy(part)
    inner: dict[str, dict[Path, Any]] = {}
    for (name, *rest), value in values.items():
        if rest:
            inner.setdefault(name, {})[tuple(rest)] = value
        else:
            object.__setattr__(new, name, value)
    for name, below in inner.items():
        object.__setattr__(new, name, filled(getattr(part, name), below))
    refill = getattr(new, "refill", None)  # updates data derived from the values; constructing it anew would check them
    if refill is not None:
        refill(part, values)
    return new


def select(part: Part, runs: Any) -> Part:
    """Return a map, a scheme or a landscape with the parameters of some runs: indices ``(n,)``, a mask or a slice.

    They are on the device of the indices.
    """
    device = runs.device if torch.is_tensor(runs) else None
    return filled(part, {path: tensor.to(device=device)[runs] for path, tensor in per_run(part).items()})


def described(part: Part) -> Part:
    """Return a map, a method or a noise for display: a parameter with one value per run shows as "one per run"."""
    return filled(part, dict.fromkeys(per_run(part), _OnePerRun()))


def names(paths: Mapping[Path, Any], reserved: tuple[str, ...]) -> dict[Path, str]:
    """Return a unique name for every parameter: the name of its field, or its whole path where that is ``reserved``."""
    fields_ = [path[-1] for path in paths]
    unique = {name for name in fields_ if fields_.count(name) == 1 and name not in reserved}
    return {path: path[-1] if path[-1] in unique else "_".join(path) for path in paths}
