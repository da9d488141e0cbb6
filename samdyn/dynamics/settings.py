"""Parameters that differ from run to run: how to find them in a map, and how to replace them."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import torch

from ..checks import is_per_run
from ..landscapes import Landscape
from ..methods import Method

if TYPE_CHECKING:
    from .map import Map

Path = tuple[str, ...]  # names of the fields that lead to a parameter: ("lr",), ("method", "rho")
Part = TypeVar("Part")


class _OnePerRun:
    def __repr__(self) -> str:
        return "one per run"


def per_run(part: Any) -> dict[Path, torch.Tensor]:
    """Return the parameters of a map, a scheme, a method or a noise that have one value per run, by their paths.

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.landscapes.saddle(), sd.SAM(rho=[0.1, 0.2]), lr=0.01)
    >>> per_run(map_)
    {('method', 'rho'): tensor([0.1000, 0.2000], dtype=torch.float64)}
    """
    values: dict[Path, torch.Tensor] = {}
    for field in fields(part) if is_dataclass(part) else ():
        value = getattr(part, field.name)
        if is_per_run(field, value):
            values[field.name,] = value
        elif not isinstance(value, Landscape):
            values |= {(field.name, *path): tensor for path, tensor in per_run(value).items()}
    return values


def filled(part: Part, values: Mapping[Path, Any]) -> Part:
    """Return a copy of a map, a scheme, a method or a noise with other values of some parameters.

    The values are not checked: while a step is traced they are expressions, which have no numbers to check.
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
    refill = getattr(new, "refill", None)  # updates data derived from the values; constructing it anew would check them
    if refill is not None:
        refill(part, values)
    return new


def select(part: Part, runs: Any) -> Part:
    """Return a map or a scheme with the parameters of some runs, given by indices ``(n,)``, a mask or a slice."""
    return filled(part, {path: tensor[runs] for path, tensor in per_run(part).items()})


def described(part: Part) -> Part:
    """Return a map, a method or a noise for display: a parameter with one value per run shows as "one per run"."""
    return filled(part, dict.fromkeys(per_run(part), _OnePerRun()))


def names(paths: Mapping[Path, Any], reserved: tuple[str, ...]) -> dict[Path, str]:
    """Return a unique name for every parameter: the name of its field, or its whole path where that is ``reserved``."""
    fields_ = [path[-1] for path in paths]
    unique = {name for name in fields_ if fields_.count(name) == 1 and name not in reserved}
    return {path: path[-1] if path[-1] in unique else "_".join(path) for path in paths}


def stack(maps: "Sequence[Map]") -> "list[tuple[list[int], Map]]":
    """Group maps that differ only in numbers, like ρ, η and γ, so that each group can run as one ensemble.

    Returns:
        One pair for every group: the indices of its maps, and one map that has a number per run where their numbers
        differ. Groups, and the maps in them, keep the order of ``maps``.

    >>> import samdyn as sd
    >>> saddle = sd.landscapes.saddle()
    >>> maps = [sd.Map(saddle, method, lr=0.01) for method in (sd.GD(), sd.SAM(0.1), sd.SAM(0.2))]
    >>> [(indices, per_run(together)) for indices, together in stack(maps)]
    [([0], {}), ([1, 2], {('method', 'rho'): tensor([0.1000, 0.2000], dtype=torch.float64)})]
    """
    groups: list[tuple[Map, list[int]]] = []
    for index, map_ in enumerate(maps):
        blank = filled(map_, dict.fromkeys(_numbers(map_)))
        for other, members in groups:
            if _same_but_for_numbers(blank, other):
                members.append(index)
                break
        else:
            groups.append((blank, [index]))
    return [(members, _together([maps[i] for i in members])) for _, members in groups]


def repeat(part: Part, times: int) -> Part:
    """Return a map or a scheme whose parameters repeat ``times`` times: a, b becomes a, a, b, b."""
    return filled(part, {path: tensor.repeat_interleave(times) for path, tensor in per_run(part).items()})


def _numbers(part: Any) -> dict[Path, float]:
    """Return the floating-point parameters of a map and its method, or of a method, by their paths."""
    numbers: dict[Path, float] = {}
    for field in fields(part):
        value = getattr(part, field.name)
        if isinstance(value, float):
            numbers[field.name,] = value
        elif isinstance(value, Method):
            numbers |= {(field.name, *path): number for path, number in _numbers(value).items()}
    return numbers


def _same_but_for_numbers(a: "Map", b: "Map") -> bool:
    same = a.landscape is b.landscape and a.noise is b.noise and a.nesterov == b.nesterov and not per_run(a)
    try:
        return same and bool(a.method == b.method)
    except (RuntimeError, ValueError):  # array constants compare entry by entry, which gives no single answer
        return False


def _together(maps: "Sequence[Map]") -> "Map":
    numbers = [_numbers(map_) for map_ in maps]
    differing = [path for path in numbers[0] if len({one[path] for one in numbers}) > 1]
    return filled(
        maps[0], {path: torch.tensor([one[path] for one in numbers], dtype=torch.float64) for path in differing}
    )
