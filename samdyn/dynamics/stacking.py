"""Maps that differ in numbers alone, as one map with one number per run."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import torch

from ..landscapes import Landscape
from ..methods import Method
from .map import Map
from .settings import Part, Path, filled, per_run


def stack(maps: Sequence[Map]) -> list[tuple[list[int], Map]]:
    """Group maps that differ only in numbers, like ρ, η and γ, so that each group can run as one ensemble.

    Numbers of the landscape count too, unless the noise is computed from the landscape.

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
    """Return the floating-point parameters of a map, its landscape and its method, or of a part, by their paths."""
    numbers: dict[Path, float] = {}
    if isinstance(part, Landscape):
        return {(name,): value for name, value in part.parameters.items() if isinstance(value, float)}
    for field in fields(part):
        value = getattr(part, field.name)
        if isinstance(value, float):
            numbers[field.name,] = value
        elif isinstance(value, Method) or (
            isinstance(value, Landscape) and isinstance(part, Map) and not part.has_noise_of_landscape
        ):
            numbers |= {(field.name, *path): number for path, number in _numbers(value).items()}
    return numbers


def _same_but_for_numbers(a: Map, b: Map) -> bool:
    same = a.noise is b.noise and a.nesterov == b.nesterov and not per_run(a)
    same = same and not per_run(b.landscape) and a.landscape.is_family_of(b.landscape)
    try:
        return same and a.landscape.parameters == b.landscape.parameters and bool(a.method == b.method)
    except (RuntimeError, ValueError):  # constants that are arrays: whether they are equal has no one answer
        return False


def _together(maps: Sequence[Map]) -> Map:
    numbers = [_numbers(map_) for map_ in maps]
    differing = [path for path in numbers[0] if len({one[path] for one in numbers}) > 1]
    return filled(
        maps[0], {path: torch.tensor([one[path] for one in numbers], dtype=torch.float64) for path in differing}
    )
