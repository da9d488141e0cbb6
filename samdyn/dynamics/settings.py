"""Parameters that differ from run to run: which of a map's they are, and the map with other ones."""

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


def stack(maps: "Sequence[Map]") -> "list[tuple[list[int], Map]]":
    """Group maps that differ in numbers alone, like ρ, η and γ, so that a group can be run as one ensemble.

    Returns:
        For every group the indices of its maps, and one map with one number per run where their numbers differ. Groups,
        and maps in them, stand in the order in which they were given.

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
    """Return a map or a scheme for ``times`` runs of every setting, those of one setting one after the other."""
    return filled(part, {path: tensor.repeat_interleave(times) for path, tensor in per_run(part).items()})


def _numbers(part: Any) -> dict[Path, float]:
    """Return the floating-point parameters of a map and its method, or of a method, by where they stand."""
    found: dict[Path, float] = {}
    for field in fields(part):
        value = getattr(part, field.name)
        if isinstance(value, float):
            found[field.name,] = value
        elif isinstance(value, Method):
            found |= {(field.name, *path): number for path, number in _numbers(value).items()}
    return found


def _same_but_for_numbers(a: "Map", b: "Map") -> bool:
    same = a.landscape is b.landscape and a.noise is b.noise and a.nesterov == b.nesterov and not per_run(a)
    try:
        return same and bool(a.method == b.method)
    except (RuntimeError, ValueError):  # constants that are arrays: whether they are equal has no one answer
        return False


def _together(maps: "Sequence[Map]") -> "Map":
    numbers = [_numbers(map_) for map_ in maps]
    differing = [path for path in numbers[0] if len({one[path] for one in numbers}) > 1]
    return filled(
        maps[0], {path: torch.tensor([one[path] for one in numbers], dtype=torch.float64) for path in differing}
    )
