"""Parameters that differ from run to run: which of a map's they are, and the map with other ones."""

import copy
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

import torch

from ..checks import is_per_run
from ..landscapes import Landscape

Path = tuple[str, ...]  # the fields that lead to a parameter: ("lr",), ("method", "rho")
Part = TypeVar("Part")


class _OnePerRun:
    def __repr__(self) -> str:
        return "one per run"


def per_run(part: Any) -> dict[Path, torch.Tensor]:
    """Return the parameters of a map, a scheme, a method or a noise that are one per run, by where they stand.

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.landscapes.saddle(), sd.SAM(rho=[0.1, 0.2]), lr=0.01)
    >>> per_run(map_)
    {('method', 'rho'): tensor([0.1000, 0.2000], dtype=torch.float64)}
    """
    found: dict[Path, torch.Tensor] = {}
    for field in fields(part) if is_dataclass(part) else ():
        value = getattr(part, field.name)
        if is_per_run(field, value):
            found[field.name,] = value
        elif not isinstance(value, Landscape):
            found |= {(field.name, *path): tensor for path, tensor in per_run(value).items()}
    return found


def filled(part: Part, values: Mapping[Path, Any]) -> Part:
    """Return a map, a scheme, a method or a noise with other values of some parameters, which are not checked.

    Checks would look at the values, and there are none while a step is traced.
    """
    if not values:
        return part
    new = copy.copy(part)
    inner: dict[str, dict[Path, Any]] = {}
    for (name, *rest), value in values.items():
        if rest:
            inner.setdefault(name, {})[tuple(rest)] = value
        else:
            object.__setattr__(new, name, value)
    for name, below in inner.items():
        object.__setattr__(new, name, filled(getattr(part, name), below))
    refill = getattr(new, "refill", None)  # what was made of the values and cannot be made anew without checks
    if refill is not None:
        refill(part, values)
    return new


def select(part: Part, runs: Any) -> Part:
    """Return a map or a scheme with the parameters of some runs: indices ``(n,)``, a mask or a slice."""
    return filled(part, {path: tensor[runs] for path, tensor in per_run(part).items()})


def described(part: Part) -> Part:
    """Return a map, a method or a noise to show to readers: parameters that are one per run say so."""
    return filled(part, dict.fromkeys(per_run(part), _OnePerRun()))


def names(paths: Mapping[Path, Any], taken: tuple[str, ...]) -> dict[Path, str]:
    """Return a name for every parameter: that of its field, with where it stands before it if that is ``taken``."""
    last = [path[-1] for path in paths]
    return {path: path[-1] if last.count(path[-1]) == 1 and path[-1] not in taken else "_".join(path) for path in paths}
