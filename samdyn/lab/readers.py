"""Readers: functions that check the value of an option, and return it in the form that ``main`` receives.

A reader takes the option, such as ``--rho``, its value, and a fix for messages, such as "Use e.g. --rho 0.1,0.5". It
raises an InputError for a value that is not allowed. ``checks.count``, ``checks.positive`` and ``checks.word`` are
readers as they are; the functions below make others.
"""

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from .. import checks
from ..methods import named
from ..simulation.starts import choose_device, choose_dtype

Reader = Callable[[str, Any, str], Any]

MIN_MOMENTUM = 1e-12  # smallest γ > 0; the powers of a smaller one are subnormal numbers, which slow processors down


def where(allowed: Callable[[float], Any], rule: str) -> Reader:
    """Return a reader of one finite number that ``allowed`` accepts.

    >>> where(lambda value: value != 0, "must be a finite number, not 0")("--eigenvalue", -1.0, "Use e.g. -1")
    -1.0
    """

    def read(option: str, value: Any, fix: str) -> Any:
        checks.number(option, value, rule, fix, allowed)
        return value

    return read


def inside(low: float, high: float, why: str = "") -> Reader:
    """Return a reader of one number between two limits, which are not allowed themselves."""
    return where(lambda value: low < value < high, f"must lie in ({low:g}, {high:g}){_because(why)}")


def at_least(least: float, why: str = "") -> Reader:
    """Return a reader of one number of ``least`` or more; ``why`` says why, for messages.

    >>> at_least(2, "a standard error needs two or more")("--runs", 1, "Use e.g. --runs 1000")
    Traceback (most recent call last):
    samdyn.checks.InputError: --runs = 1: must be at least 2: a standard error needs two or more. Use e.g. --runs 1000
    """
    return where(lambda value: value >= least, f"must be at least {least:g}{_because(why)}")


def at_most(most: float, why: str = "") -> Reader:
    """Return a reader of one number of ``most`` or less; ``why`` says why, for messages."""
    return where(lambda value: value <= most, f"must be at most {most:g}{_because(why)}")


def _because(why: str) -> str:
    return f": {why}" if why else ""


def choice(kind: str, names: Iterable[str]) -> Reader:
    """Return a reader of one of some names, in any case of its letters. ``kind`` says what has them.

    >>> choice("coupling", ["shared", "clean"])("--coupling", "Shared", "")
    'shared'
    """
    listed = list(names)
    return lambda option, value, fix: checks.known(kind, value, listed)


def numbers(
    allowed: Callable[[float], Any] = math.isfinite, rule: str = "must be finite numbers", *, ascending: bool = True
) -> Reader:
    """Return a reader of a list like ``"0.1,0.5"``. It returns the numbers as a tuple, each once.

    Args:
        allowed: whether a number may be in the list.
        rule: what numbers must be, for messages.
        ascending: whether to sort the numbers. Otherwise they have the order of the list.

    >>> numbers(lambda value: value > 0, "must be numbers > 0")("--rho", "0.5, 0.1, 0.5", "")
    (0.1, 0.5)
    """

    def read(option: str, text: Any, fix: str) -> tuple[float, ...]:
        values = entries(option, text, fix)
        if not all(map(allowed, values)):
            checks.reject(option, text, rule, fix)
        once = dict.fromkeys(values)
        return tuple(sorted(once) if ascending else once)

    return read


def entries(option: str, text: Any, fix: str) -> tuple[float, ...]:
    """Read a list of any numbers, in its order, repeated ones too."""
    words = str(text).replace(",", " ").split()
    try:
        values = tuple(float(word) for word in words)
    except ValueError:
        checks.reject(option, text, "must be numbers separated by commas", fix)
    if not values:
        checks.reject(option, text, "at least one number is needed", fix)
    return values


def limits(option: str, text: Any, fix: str) -> tuple[float, float]:
    """Read the lowest and the highest value of a range."""
    ends = entries(option, text, fix)
    if len(ends) != 2 or not -math.inf < ends[0] < ends[1] < math.inf:
        checks.reject(option, text, "must be two finite numbers, the lower first", fix)
    return ends[0], ends[1]


def box(dim: int) -> Reader:
    """Return a reader of a box of ``dim`` coordinates, like ``"-1,4,-1,2"``: the lowest and the highest x, then y.

    >>> box(2)("--box", "-1,4,-1,2", "")
    ((-1.0, 4.0), (-1.0, 2.0))
    """

    def read(option: str, text: Any, fix: str) -> tuple[tuple[float, float], ...]:
        fix = f"Use e.g. {option} {','.join(['-1,2'] * dim)}"
        ends = entries(option, text, fix)
        if len(ends) != 2 * dim:
            checks.reject(option, text, f"must be {2 * dim} numbers: a low and a high one per coordinate", fix)
        return checks.box(list(zip(ends[::2], ends[1::2], strict=True)), dim)

    return read


def points(dim: int) -> Reader:
    """Return a reader of points of ``dim`` coordinates, like ``"1,2; 2,-0.5"``.

    >>> points(2)("--starts", "1,2; 2,-0.5", "")
    ((1.0, 2.0), (2.0, -0.5))
    """
    return lambda option, text, fix: tuple(point(option, part, dim) for part in text.split(";") if part.strip())


def point(option: str, text: str, dim: int) -> tuple[float, ...]:
    """Return the point of a text like ``"0,1"``.

    Raises:
        InputError: a text that is not ``dim`` finite numbers.

    >>> point("--saddle", "0, 1", 2)
    (0.0, 1.0)
    """
    fix = f"Use e.g. {option} {','.join('01'[i % 2] for i in range(dim))}"
    values = entries(option, text, fix)
    if len(values) != dim or not np.isfinite(values).all():
        checks.reject(option, text, f"must have {dim} coordinates, all finite", fix)
    return values


def integers(least: int = 1) -> Reader:
    """Return a reader of a list of integers >= ``least``. It returns them ascending, each once.

    >>> integers()("--batch-sizes", "16,4", "")
    (4, 16)
    """
    listed = numbers(lambda value: least <= value < math.inf and value % 1 == 0, f"must be integers >= {least}")
    return lambda option, text, fix: tuple(map(int, listed(option, text, fix)))


def each(allowed: Callable[[float], Any], rule: str) -> Reader:
    """Return a further reader of a list, which refuses numbers that ``allowed`` does not accept.

    >>> each(lambda rho: rho > 0, "must be > 0")("--rho", (0.0, 0.5), "Use e.g. --rho 0.1,0.5")
    Traceback (most recent call last):
    samdyn.checks.InputError: --rho = '0,0.5': must be > 0. Use e.g. --rho 0.1,0.5
    """

    def read(option: str, values: Any, fix: str) -> Any:
        if not all(map(allowed, values)):
            checks.reject(option, as_typed(values), rule, fix)
        return values

    return read


def several(fewest: int, why: str) -> Reader:
    """Return a further reader of a list, which refuses fewer than ``fewest`` values; ``why`` says why, for messages.

    >>> several(2, "a slope needs two or more")("--batch-sizes", (16,), "Use e.g. --batch-sizes 4,16")
    Traceback (most recent call last):
    samdyn.checks.InputError: --batch-sizes = '16': a slope needs two or more. Use e.g. --batch-sizes 4,16
    """

    def read(option: str, values: Any, fix: str) -> Any:
        if len(values) < fewest:
            checks.reject(option, as_typed(values), why, fix)
        return values

    return read


def as_typed(value: Any) -> Any:
    """Return the text a user would type for a list, and other values as they are.

    >>> as_typed((0.1, 1.0, 30))
    '0.1,1,30'
    """
    if isinstance(value, tuple):
        return ",".join(str(as_typed(entry)) for entry in value)
    if isinstance(value, float):
        short = f"{value:g}"
        return short if float(short) == value else repr(value)
    return value.__name__ if isinstance(value, type) else value


def momentum(option: str, value: Any, fix: str) -> Any:
    """Read a momentum γ: 0, or in [1e-12, 1)."""
    checks.number(option, value, "must lie in [0, 1)", fix, lambda gamma: 0 <= gamma < 1)
    if 0 < value < MIN_MOMENTUM:
        checks.reject(option, value, f"must be 0, or at least {MIN_MOMENTUM:g} to change a step", "Use 0")
    return value


def momenta(option: str, text: Any, fix: str) -> tuple[float, ...]:
    """Read a list of momenta."""
    values = numbers(lambda gamma: 0 <= gamma < 1, "must lie in [0, 1)")(option, text, fix)
    return tuple(momentum(option, gamma, fix) for gamma in values)


def methods(option: str, text: Any, fix: str) -> tuple[type, ...]:
    """Read a list of methods like ``"GD,SAM"``, those that the user defined included. It returns their classes."""
    entries = str(text).replace(",", " ").split()
    if not entries:
        checks.reject(option, text, "at least one method is needed", fix)
    return tuple(dict.fromkeys(map(named, entries)))


def device(option: str, value: Any, fix: str) -> Any:
    """Refuse a device that this machine lacks."""
    choose_device(value)
    return value


def dtype(option: str, value: Any, fix: str) -> Any:
    """Refuse a dtype in which runs are not computed."""
    choose_dtype(value)
    return value
