"""The check of what a statistic returns: its dims exist, and its arrays have the right shapes."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ... import checks
from .statistic import Accumulator, Setting, Statistic

RESERVED_NAMES = ("step", "time", "coord", "coord_2", "runs", "largest")  # names that every result of statistics has


def read_results(
    statistic: Statistic, accumulator: Accumulator, setting: Setting
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the variables and coordinates of a statistic, as xarray takes them.

    Raises:
        InputError: a result is not a mapping from names to (dims, values), a dim has no labels, values have the wrong
            shape, or a name is reserved.
    """
    sizes = {"step": setting.saves, "coord": setting.landscape.dim, "coord_2": setting.landscape.dim}
    coords: dict[str, Any] = {}
    for name, result in _named(statistic, "coords", accumulator.coords()).items():
        coords[name] = _read(
            f"coords[{name!r}] of {statistic}", result if isinstance(result, tuple) else (name, result)
        )
        dims, values = coords[name][:2]
        for dim, size in zip(dims, values.shape, strict=True):
            if sizes.setdefault(dim, size) != size:
                rule = f"has {size} labels along {dim!r}, which has {sizes[dim]} entries"
                checks.reject(f"coords[{name!r}] of {statistic}", values.shape, rule, "Give one label per entry")
    variables: dict[str, Any] = {}
    for name, result in _named(statistic, "variables", accumulator.variables()).items():
        where = f"variables[{name!r}] of {statistic}"
        variables[name] = _read(where, result)
        dims, values = variables[name][:2]
        for dim in dims:
            if dim not in sizes:
                fix = f"Use {', '.join(map(repr, sizes))}, or return labels of {dim!r} from coords()"
                checks.reject(where, dims, f"{dim!r} is no dim of the result", fix)
        expected = tuple(sizes[dim] for dim in dims)
        if values.shape != expected:
            rule = f"is the shape of its values; along {', '.join(dims) or 'no dim'} it must be {expected}"
            checks.reject(where, values.shape, rule, "Return one value per entry of every dim")
    return variables, coords


def _named(statistic: Statistic, what: str, result: Any) -> Mapping[str, Any]:
    """Return a mapping that a statistic returned, after a check of its names."""
    where = f"{what}() of {statistic}"
    if not isinstance(result, Mapping) or not all(isinstance(name, str) for name in result):
        checks.reject(where, result, "must be a mapping from names", 'Return e.g. {"mine": ("step", values)}')
    for name in result:
        if name in RESERVED_NAMES:
            checks.reject(where, name, "is a name that every result has already", "Use another")
    return result


def _read(where: str, result: Any) -> tuple[tuple[str, ...], np.ndarray, dict[str, Any]]:
    """Return dims, values and attributes, after a check that there are as many dims as axes."""
    fix = 'Return e.g. ("step", values), or (("step", "coord"), values, {"units": "1"})'
    if not isinstance(result, tuple) or len(result) not in (2, 3):
        checks.reject(where, result, "must be (dims, values) or (dims, values, attributes)", fix)
    dims, values, attributes = (*result, {})[:3]
    dims = (dims,) if isinstance(dims, str) else dims
    if not isinstance(dims, tuple | list) or not all(isinstance(dim, str) for dim in dims):
        checks.reject(where, dims, "must be a dim or a tuple of dims", fix)
    if not isinstance(attributes, Mapping):
        checks.reject(where, attributes, "must be a mapping of attributes", fix)
    try:
        values = np.asarray(values)
    except (TypeError, ValueError):  # lists of different lengths, a tensor on a GPU
        checks.reject(where, values, "cannot be read as an array", fix)
    if values.ndim != len(dims):
        rule = f"is the shape of its values, which has {values.ndim} axes for {len(dims)} dims"
        checks.reject(where, values.shape, rule, fix)
    return tuple(dims), values, dict(attributes)
