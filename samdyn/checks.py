"""Checks of input. Their error messages name the value, the rule that it breaks, and a fix."""

import dataclasses
import difflib
import math
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from numbers import Integral, Real
from typing import Any, NoReturn

import numpy as np
import sympy
import torch

USUAL = {"rho": 0.05, "lr": 0.01, "momentum": 0.9, "batch_size": 16}  # value of each setting that messages propose


class InputError(ValueError):
    """The input is not what a function needs. The function raises this error before it starts to work.

    >>> import samdyn as sd
    >>> sd.SAM(rho=-1)
    Traceback (most recent call last):
    samdyn.checks.InputError: rho = -1: the radius must be a finite number >= 0. Use e.g. rho=0.05
    """


def reject(name: str, value: object, rule: str, fix: str) -> NoReturn:
    """Raise an InputError that names the value, the rule and the fix.

    >>> reject("lr", -1, "must be a finite number > 0", "Use e.g. lr=0.01")
    Traceback (most recent call last):
    samdyn.checks.InputError: lr = -1: must be a finite number > 0. Use e.g. lr=0.01
    """
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # an integer of more than 4300 digits, or a deeply nested formula
        text = f"({type(value).__name__}, too large to be shown)"
    raise InputError(f"{name} = {text if len(text) <= 200 else text[:197] + '...'}: {rule}. {fix}")


def number(name: str, value: Any, rule: str, fix: str, allowed: Callable[[Any], Any] = lambda _: True) -> float:
    """Return ``value`` as a float if it is a finite real number that ``allowed`` accepts, else raise an InputError."""
    real = isinstance(value, Real) and not isinstance(value, bool)
    real = real or (isinstance(value, sympy.Expr) and bool(value.is_real) and not value.free_symbols)
    try:
        result = float(value) if real else math.nan
    except OverflowError:  # an integer beyond the floating-point range
        result = math.inf
    if not math.isfinite(result) or not allowed(result):
        reject(name, value, rule, fix)
    return result


def is_formula(value: object) -> bool:
    """Return whether a parameter is a SymPy expression in symbols, which serves formulas but not simulations."""
    return isinstance(value, sympy.Expr) and bool(value.free_symbols)


def parameter(name: str, value: Any, rule: str, fix: str, allowed: Callable[[Any], Any]) -> Any:
    """Check a parameter of a method or a map: a number or one per run, a formula in symbols, or a schedule.

    The values of a schedule are checked before a simulation begins.
    """
    if is_formula(value) or getattr(value, "is_schedule", False):
        return value
    return number_per_run(name, value, rule, fix, allowed)


def number_per_run(name: str, value: Any, rule: str, fix: str, allowed: Callable[[Any], Any]) -> Any:
    """Check one number, or one number per run in a list, an array or a tensor. Return a number or a tensor."""
    several = _several(name, value, rule, fix)
    if several is None:
        return number(name, value, rule, fix, allowed)
    several = several if several.is_floating_point() else several.double()
    if not (torch.isfinite(several) & allowed(several)).all():
        reject(name, several.tolist(), rule, fix)
    return several


def count_per_run(name: str, value: Any, fix: str) -> Any:
    """Check one count as ``count`` does, or one count per run. Return an int or a tensor of int64."""
    rule = "must be an integer >= 1"
    several = _several(name, value, rule, fix)
    if several is None:
        return count(name, value, fix)
    if several.is_floating_point() or not (several >= 1).all():
        reject(name, several.tolist(), rule, fix)
    return several.long()


def _several(name: str, value: Any, rule: str, fix: str) -> torch.Tensor | None:
    """Return the numbers of a list, an array or a tensor as a tensor. Return None for one number.

    Raises:
        InputError: entries that are not real numbers, or no entries.
    """
    if torch.is_tensor(value):
        values = value
    elif isinstance(value, list | tuple | np.ndarray):
        try:
            array = np.asarray(value)
        except ValueError:  # rows of unequal lengths
            reject(name, value, rule, fix)
        if array.dtype.kind == "O":  # SymPy's numbers, or other objects
            array = np.array([number(name, entry, rule, fix) for entry in array.flat]).reshape(array.shape)
        if array.dtype.kind not in "fiu":
            reject(name, value, rule, fix)
        values = torch.tensor(array if array.dtype.kind == "f" else array.astype(np.int64))
    else:
        return None
    if not values.numel() or values.dtype == torch.bool or values.is_complex():
        reject(name, value, rule, fix)
    return values if values.ndim else None


def is_per_run(field: dataclasses.Field[Any], value: object) -> bool:
    """Return whether a field of a definition, such as a method, holds one number per run.

    A tensor does, unless the definition annotates the field as a tensor, which makes it a constant.
    """
    return torch.is_tensor(value) and value.ndim > 0 and "Tensor" not in str(field.type)


def numeric(system: Any) -> None:
    """Refuse a map, flow or diffusion with a symbol, or with a number per run, for a parameter."""
    for name, value in _parameters(system):
        if is_formula(value) or torch.is_tensor(value):
            reject(name, value, "a simulation needs a number", f"Use e.g. {name}={USUAL.get(name, 1.0)}")


def no_formula(system: Any, rule: str = "a simulation needs a number, or one number per run") -> None:
    """Refuse a map or diffusion with a symbol for a parameter."""
    for name, value in _parameters(system):
        if is_formula(value):
            reject(name, value, rule, f"Use e.g. {name}={USUAL.get(name, 1.0)}")


def _parameters(system: Any) -> Iterator[tuple[str, Any]]:
    """Yield the names and values of a system's parameters that are symbols or numbers per run."""
    if hasattr(system, "landscape"):  # an optimizer has none
        own = system.landscape.parameters.items()
        yield from ((name, value) for name, value in own if is_formula(value) or torch.is_tensor(value))
    for part in (system, system.method, getattr(system, "noise", None), getattr(system, "base", None)):
        if dataclasses.is_dataclass(part):
            values = ((field, getattr(part, field.name)) for field in dataclasses.fields(part))
            yield from ((f.name, value) for f, value in values if is_formula(value) or is_per_run(f, value))
        else:
            yield from ((name, vars(part)[name]) for name in USUAL if part is not None and name in vars(part))


def radius(value: Any) -> Any:
    """Check the radius ρ of a perturbation, in the units of w: it must be finite and ≥ 0. See ``parameter``."""
    rule = "the radius must be a finite number >= 0"
    return parameter("rho", value, rule, "Use e.g. rho=0.05", lambda rho: rho >= 0)


def learning_rate(value: Any) -> Any:
    """Check a learning rate η: it must be finite and > 0. See ``parameter``."""
    return parameter("lr", value, "must be a finite number > 0", "Use e.g. lr=0.01", lambda eta: eta > 0)


def momentum(value: Any) -> Any:
    """Check a momentum γ: it must lie in [0, 1). See ``parameter``."""
    return fraction("momentum", value, "Use e.g. momentum=0.9, or 0 for none")


def fraction(name: str, value: Any, fix: str) -> Any:
    """Check a parameter such as a momentum or a rate of decay: it must lie in [0, 1). See ``parameter``."""
    return parameter(name, value, "must lie in [0, 1)", fix, lambda number: (number >= 0) & (number < 1))


def size(name: str, value: Any, fix: str) -> Any:
    """Check a parameter such as a weight: it must be finite and ≥ 0. See ``parameter``."""
    return parameter(name, value, "must be a finite number >= 0", fix, lambda number: number >= 0)


def count(name: str, value: Any, fix: str) -> int:
    """Check a count, such as a number of steps: it must be an integer in [1, 2⁶³), the range of the counters."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        reject(name, value, "must be an integer >= 1", fix)
    if int(value) >= 2**63:
        reject(name, value, "must be an integer < 2**63", fix)
    return int(value)


def flag(name: str, value: Any) -> bool:
    """Check a truth value: it must be True or False, not only truthy or falsy."""
    if not isinstance(value, bool | np.bool_):
        reject(name, value, "must be True or False", f"Use e.g. {name}=True")
    return bool(value)


def holds(runs: Any, *names: str) -> None:
    """Refuse a result without these variables or axes, such as statistics where states are needed."""
    missing = [name for name in names if name not in runs]
    if missing:
        fix = "Use simulate(…, save_every=…) without statistics"
        reject("runs", sorted(map(str, runs.variables)), f"has no {' and no '.join(missing)}", fix)


def broadcast(quantities: Mapping[str, Any]) -> None:
    """Refuse numbers and arrays whose shapes do not broadcast."""
    shapes = {name: np.shape(value) for name, value in quantities.items()}
    try:
        np.broadcast_shapes(*shapes.values())
    except ValueError:
        text = ", ".join(f"{name}: {shape}" for name, shape in shapes.items() if shape)
        reject("shapes", text, "do not broadcast", "Give arrays of one shape, or numbers")


def word(name: str, value: Any, fix: str) -> int:
    """Check a seed or the index of a run: it must be an integer in [0, 2³²)."""
    if isinstance(value, bool) or not isinstance(value, Integral) or not 0 <= int(value) < 2**32:
        reject(name, value, "must be an integer in [0, 2**32)", fix)
    return int(value)


def positive(name: str, value: Any, fix: str) -> float:
    """Check a step, a length or a time: it must be finite and > 0."""
    return number(name, value, "must be a finite number > 0", fix, lambda v: v > 0)


def not_negative(name: str, value: Any, fix: str) -> float:
    """Check a radius, a deviation or a factor: it must be finite and ≥ 0."""
    return number(name, value, "must be a finite number >= 0", fix, lambda v: v >= 0)


def known(kind: str, name: str, names: Iterable[str]) -> str:
    """Return the entry of ``names`` that equals ``name``, or that equals it but for upper and lower case.

    The caller must use the result and not ``name``, which may be in another case.

    Raises:
        InputError: an unknown name. The message lists ``names`` and suggests the nearest.

    >>> known("method", "sam", ["GD", "SAM"])
    'SAM'
    """
    name, names = str(name), list(names)
    matches = [n for n in names if n == name] or [n for n in names if n.casefold() == name.casefold()]
    return matches[0] if len(matches) == 1 else _unknown(kind, name, names)


def present(kind: str, name: str, names: Iterable[str]) -> None:
    """Check that a name is among others, in the same letters. The caller goes on with the name.

    Raises:
        InputError: an unknown name. The message lists ``names`` and suggests the nearest.

    >>> present("dimension", "rho", ["rho", "lr"])
    """
    names = list(names)
    if name not in names:
        _unknown(kind, name, names)


def spelling(name: str) -> str:
    """Return a name in the Unicode form in which Python compares identifiers."""
    return unicodedata.normalize("NFKC", name)


def spelled(kind: str, name: str, names: Iterable[str]) -> str:
    """Return the entry of ``names`` that Python considers the same identifier as ``name``.

    It serves names that the user chooses, such as those of coordinates. Case matters: x and X may be two coordinates.
    The encoding of a letter does not matter: the micro sign is the Greek µ.

    Raises:
        InputError: an unknown name. The message lists ``names`` and suggests the nearest.
    """
    name, names = spelling(str(name)), list(names)
    return name if name in names else _unknown(kind, name, names)


def _unknown(kind: str, name: str, names: list[str]) -> NoReturn:
    folded = [n.casefold() for n in names]
    near = difflib.get_close_matches(name.casefold(), folded, n=1)
    guess = f"Did you mean {names[folded.index(near[0])]!r}? " if near else ""
    reject(kind, name, f"no {kind} has this name", f"{guess}Known: {', '.join(sorted(names))}")


def box(value: Any, dim: int) -> tuple[tuple[float, float], ...]:
    """Check a box: it must have one (low, high) pair per coordinate, finite, with low < high."""
    fix = f"Give {dim} pair(s) like ((-1, 1), ...), one per coordinate"
    try:
        pairs = tuple((float(low), float(high)) for low, high in value)
    except (TypeError, ValueError, OverflowError):
        reject("box", value, "must be one (low, high) pair per coordinate", fix)
    if len(pairs) != dim:
        reject("box", value, f"has {len(pairs)} pair(s) for {dim} coordinate(s)", fix)
    if not all(-math.inf < low < high < math.inf for low, high in pairs):
        reject("box", value, "every pair must be finite with low < high", fix)
    return pairs
