"""The decorator ``checked``, which checks the arguments of a public function against its annotations."""

import inspect
import math
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, wraps
from importlib import import_module
from numbers import Integral, Real
from typing import Any, Literal, NoReturn, ParamSpec, TypeVar, Union

import numpy as np
import sympy
import torch

from .checks import reject

P = ParamSpec("P")
R = TypeVar("R")
FUNCTION = typing.get_origin(Callable[..., Any])

# An expression that makes an object of each class, for error messages.
EXAMPLES = {
    "Landscape": 'samdyn.landscapes.saddle(), or samdyn.Landscape("x**2 - y**2", "x y")',
    "Method": "samdyn.SAM(rho=0.1)",
    "Map": "samdyn.Map(landscape, samdyn.SAM(0.1), lr=0.01)",
    "Flow": "samdyn.Flow(landscape, samdyn.SAM(0.1))",
    "Diffusion": "samdyn.Diffusion(landscape, samdyn.USAM(0.1), noise, lr=0.01)",
    "Scheme": "samdyn.EulerMaruyama(diffusion)",
    "CriticalPoint": "one of samdyn.critical_points(landscape)",
    "Equilibrium": "one of samdyn.analysis.equilibria(flow)",
    "PhasePlane": "samdyn.analysis.phase_plane(flow)",
    "Dataset": "samdyn.simulate(map_, starts, steps=1000, save_every=10)",
    "DataArray": "samdyn.analysis.cosine(map_, runs)",
    "Axes": "figure, ax = matplotlib.pyplot.subplots()",
    "Axes3D": 'figure, ax = matplotlib.pyplot.subplots(subplot_kw={"projection": "3d"})',
    "Figure": "matplotlib.pyplot.figure()",
    "Module": "samdyn.networks.models.mlp((64, 32, 10))",
    "Tensor": "torch.tensor([1.0, 2.0])",
}
# The modules of the names that annotations quote. They are imported only when a function with such a name is called.
LAZY = {
    "xarray": "xarray",
    "Axes": "matplotlib.axes",
    "Axes3D": "mpl_toolkits.mplot3d",
    "Figure": "matplotlib.figure",
}
SINGLE = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


Quantity = float | np.ndarray | sympy.Expr  # the type of an argument of a closed form


class _Unfit(Exception):
    """A value is not of the kind that an annotation names."""


def checked(function: Callable[P, R]) -> Callable[P, R]:
    """Return a function that checks the kinds of its arguments before it calls ``function``.

    The annotations name the kinds. A number may be NumPy's, SymPy's or an array without axes. An array may be anything
    that NumPy reads as numbers; ``function`` receives a NumPy array. NaN is neither a number nor in an array. An
    argument that is annotated as Any is not checked. A critical point or equilibrium must have as many coordinates as
    the landscape among the arguments.

    Raises:
        InputError: raised by the returned function. The message names the argument, its value, what it must be, and how
            to make one.

    >>> @checked
    ... def double(x: float) -> float:
    ...     return 2 * x
    >>> double("two")
    Traceback (most recent call last):
    samdyn.checks.InputError: x = 'two': must be a number, and is a str. Use e.g. x=0.1
    """
    signature = inspect.signature(function)

    @wraps(function)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        bound, kinds = signature.bind(*args, **kwargs), _kinds(function)
        for name, value in bound.arguments.items():
            if name in kinds:
                bound.arguments[name] = _read(name, value, kinds[name])
        _check_dimensions(bound.arguments)
        if function not in FOR_ANY_MAP:
            _check_maps(bound.arguments)
        return function(*bound.args, **bound.kwargs)

    return guarded


FOR_ANY_MAP: set[Callable[..., Any]] = set()


def for_any_map(function: Callable[P, R]) -> Callable[P, R]:
    """Let a ``checked`` function take maps with any base, memory and schedule. Others take SGD with momentum alone."""
    FOR_ANY_MAP.add(function)
    return function


@cache
def _kinds(function: Callable[..., Any]) -> dict[str, Any]:
    """Return the annotation of every argument that takes one value and is not Any."""
    spelled = str(function.__annotations__)
    lazy = {
        name: getattr(module, name, module)
        for name, module_name in LAZY.items()
        if name in spelled
        for module in [import_module(module_name)]
    }
    hints = typing.get_type_hints(function, {**function.__globals__, **lazy})
    parameters = inspect.signature(function).parameters
    return {n: hints[n] for n, p in parameters.items() if p.kind in SINGLE and hints.get(n, Any) is not Any}


def _read(name: str, value: Any, kind: Any) -> Any:
    """Return the value in the form that the function receives.

    Raises:
        InputError: the value is of none of the annotated kinds.
    """
    kinds = _alternatives(kind)
    for one in kinds:
        try:
            return _as(value, one)
        except _Unfit:
            continue
    return _refuse(name, value, kinds)


def quantity(name: str, value: Any) -> Any:
    """Return a number, an array of numbers, or a SymPy expression.

    Raises:
        InputError: something else, or NaN.
    """
    return _read(name, value, Quantity)


def array(name: str, value: Any) -> np.ndarray:
    """Return an array of numbers.

    Raises:
        InputError: something else, or NaN.
    """
    read: np.ndarray = _read(name, value, np.ndarray)
    return read


def _alternatives(kind: Any) -> tuple[Any, ...]:
    """Return the kinds of a union or a type variable, or the one kind."""
    if typing.get_origin(kind) in (Union, types.UnionType):
        return typing.get_args(kind)
    if isinstance(kind, TypeVar):
        return kind.__constraints__ or (_alternatives(kind.__bound__) if kind.__bound__ else (Any,))
    return (kind,)


def _as(value: Any, kind: Any) -> Any:
    """Return the value converted to a kind.

    Raises:
        _Unfit: it is not of this kind.
    """
    if kind is Any:
        return value
    if isinstance(kind, type) and kind in READERS:
        return READERS[kind](value)
    origin = typing.get_origin(kind) or kind
    if origin is Literal:
        return _fit(value, any(value is one or value == one for one in typing.get_args(kind)))
    if origin is tuple:
        return _as_tuple(value, typing.get_args(kind))
    if origin in (Sequence, Iterable, list):
        return _as_list(value, typing.get_args(kind))
    if origin is FUNCTION:
        return _fit(value, callable(value))
    return _fit(value, not isinstance(origin, type) or isinstance(value, origin))


def _fit(value: Any, fits: bool) -> Any:
    if not fits:
        raise _Unfit
    return value


def _scalar(value: Any) -> Any:
    """Return the number in an array without axes, and any other value unchanged."""
    return value.item() if isinstance(value, np.ndarray | torch.Tensor) and value.ndim == 0 else value


def _integer(value: Any) -> int:
    value = _scalar(value)
    return int(_fit(value, isinstance(value, Integral) and not isinstance(value, bool)))


def _number(value: Any) -> Any:
    value = _scalar(value)
    if isinstance(value, sympy.Expr) and value.is_real and not value.free_symbols:
        value = float(value)
    _fit(value, isinstance(value, Real) and not isinstance(value, bool))
    try:
        return _fit(value, not math.isnan(value))
    except OverflowError as error:  # an integer beyond the floating-point range
        raise _Unfit from error


def _array(value: Any) -> np.ndarray:
    if torch.is_tensor(value):
        value = value.numpy(force=True)
    try:
        array = np.asarray(value)
        array = array.astype(float) if array.dtype == object else array
    except (TypeError, ValueError, OverflowError) as error:
        raise _Unfit from error
    return _fit(array, array.dtype.kind in "biuf" and not np.isnan(array).any())


def _text(value: Any) -> Any:
    return _fit(value, isinstance(value, str))


def _flag(value: Any) -> bool:
    return bool(_fit(value, isinstance(value, bool | np.bool_)))


READERS: dict[type, Callable[[Any], Any]] = {int: _integer, float: _number, np.ndarray: _array, str: _text, bool: _flag}


def _as_tuple(value: Any, kinds: tuple[Any, ...]) -> tuple[Any, ...]:
    _fit(value, getattr(value, "ndim", None) != 0)
    if kinds[1:] == (...,):
        return tuple(_as_list(value, kinds[:1]))
    _fit(value, isinstance(value, Sequence | np.ndarray) and not isinstance(value, str) and len(value) == len(kinds))
    return tuple(_as(one, kind) for one, kind in zip(value, kinds, strict=True))


def _as_list(value: Any, kinds: tuple[Any, ...]) -> Any:
    _fit(value, isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping))
    _fit(value, getattr(value, "ndim", None) != 0)  # an array without axes is not a sequence
    kind = kinds[0] if kinds else Any
    if isinstance(value, np.ndarray | torch.Tensor) and kind in (int, float):
        return _array(value)
    values = list(value)
    if typing.get_origin(kind) is not tuple:  # the pairs of a box: checks.box has the better message
        for one in values:
            if not any(_fits(one, alternative) for alternative in _alternatives(kind)):
                raise _Unfit
    return value if isinstance(value, Sequence) else values


def _fits(value: Any, kind: Any) -> bool:
    try:
        _as(value, kind)
    except _Unfit:
        return False
    return True


def _check_dimensions(arguments: Mapping[str, Any]) -> None:
    """Refuse a critical point or an equilibrium with another number of coordinates than the landscape."""
    landscapes = [getattr(value, "landscape", value) for value in arguments.values()]
    dims = [one.dim for one in landscapes if isinstance(getattr(one, "dim", None), int) and hasattr(one, "grad")]
    for name, value in arguments.items():
        if type(value).__name__ in ("CriticalPoint", "Equilibrium") and dims and len(value.w) != dims[0]:
            rule = f"has {len(value.w)} coordinate(s), the landscape {dims[0]}"
            reject(name, value, rule, "Give a point of the same landscape")


def _check_maps(arguments: Mapping[str, Any]) -> None:
    """Refuse a map that has more than a method without memory, SGD and momentum."""
    for name, value in arguments.items():
        for one in value if isinstance(value, list | tuple) else (value,):
            beyond = one.beyond_momentum() if hasattr(one, "beyond_momentum") else ""
            if beyond:
                rule = f"is derived for SGD with momentum, a method without memory and fixed numbers, not for {beyond}"
                reject(name, one, rule, "Simulate the map, or ask this of one without it")


def _refuse(name: str, value: Any, kinds: tuple[Any, ...]) -> NoReturn:
    """Raise the InputError for a value that is of none of the kinds."""
    expected = [_describe(kind) for kind in kinds if kind is not type(None)]
    rule = f"must be {' or '.join(dict.fromkeys(expected))}"
    rule += " (or None)" if type(None) in kinds else ""
    if isinstance(value, type):
        reject(name, value, f"{rule}, and is a class", f"Call it: {value.__name__}(…)")
    nan = isinstance(value, float) and math.isnan(value)
    actual = "NaN" if nan else "None" if value is None else f"{_article(type(value).__name__)} {type(value).__name__}"
    reject(name, value, f"{rule}, and is {actual}", _fix(name, kinds))


# The words for each kind in messages: the singular, the plural, and an example.
WORDS: dict[Any, tuple[str, str, str]] = {
    int: ("an integer", "integers", "10"),
    float: ("a number", "numbers", "0.1"),
    str: ("a name", "names", '"rho"'),
    bool: ("True or False", "truth values", "True"),
    np.ndarray: ("an array of numbers without NaN", "arrays", "[[0.1, 0.2]]"),
    Mapping: ("a dictionary", "dictionaries", '{"rho": [0.1, 0.2]}'),
    FUNCTION: ("a function", "functions", "lambda x: x"),
}


def _fix(name: str, kinds: tuple[Any, ...]) -> str:
    """Return the sentence of a message that says what to give."""
    origins = [typing.get_origin(kind) or kind for kind in kinds]
    for origin in origins:
        title = getattr(origin, "__name__", "")
        if title in EXAMPLES:
            return f"Give e.g. {EXAMPLES[title]}"
        if origin in WORDS:
            return f"Use e.g. {name}={WORDS[origin][2]}"
        if origin is Literal:
            return f"Use e.g. {name}={typing.get_args(kinds[0])[0]!r}"
        if origin in (Sequence, Iterable, list, tuple):
            return (
                f"Use e.g. {name}=[0.1, 0.2]"
                if typing.get_args(kinds[0])[:1] == (float,)
                else "Its docstring has an example"
            )
    return f"Give {_describe(kinds[0])} as samdyn returns it"


def _describe(kind: Any) -> str:
    """Return the words for a kind."""
    origin, inner = typing.get_origin(kind) or kind, typing.get_args(kind)
    if origin in WORDS:
        return WORDS[origin][0]
    if origin is Literal:
        return f"one of {', '.join(map(repr, inner))}"
    if origin is tuple and inner[1:] != (...,):
        return f"a tuple ({', '.join(map(_describe, inner))})"
    if origin in (Sequence, Iterable, list, tuple):
        return f"a sequence of {_plural(inner[0])}" if inner and inner[0] is not Any else "a sequence"
    title = getattr(origin, "__name__", str(origin))
    return f"{_article(title)} {title}"


def _plural(kind: Any) -> str:
    origin = typing.get_origin(kind) or kind
    if origin in WORDS:
        return WORDS[origin][1]
    return "pairs" if origin is tuple else f"{getattr(origin, '__name__', 'value')}s"


def _article(title: str) -> str:
    return "an" if title[:1].lower() in "aeiou" else "a"
