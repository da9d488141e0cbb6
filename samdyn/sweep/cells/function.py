"""The function of a sweep: what it takes, and whether other processes can have it."""

import inspect
import pickle
import sys
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from ... import checks


def name_of(function: Callable[..., Any]) -> str:
    """Return the name of a function, also of one in a partial."""
    while isinstance(function, partial):
        function = function.func
    return str(getattr(function, "__name__", type(function).__name__))


def check_parameters(function: Callable[..., Any], names: Iterable[str]) -> None:
    """Refuse parameters that a function does not take, and a function that needs others.

    Raises:
        InputError: such a parameter.
    """
    if not callable(function):
        checks.reject("function", function, "must be a function", "Give a function of the parameters of the grid")
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # some functions written in C do not say what they take
        return
    names = list(names)
    named = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    if not any(p.kind is p.VAR_KEYWORD for p in parameters):
        for name in names:
            checks.present(f"parameter of {name_of(function)}", name, [p.name for p in named])
    for parameter in parameters:
        if parameter.kind is parameter.POSITIONAL_ONLY:
            rule = f"{name_of(function)} takes {parameter.name!r} by position only"
            checks.reject("function", name_of(function), rule, "Write a function without / among its parameters")
        needs = parameter.default is parameter.empty and parameter.kind not in (
            parameter.VAR_KEYWORD,
            parameter.VAR_POSITIONAL,
        )
        if needs and parameter.name not in names:
            rule = f"{name_of(function)} needs the parameter {parameter.name!r}"
            fix = f"Add an axis or a number {parameter.name}, or use functools.partial(…, {parameter.name}=…)"
            checks.reject("grid", names, rule, fix)


def check_picklable(function: Callable[..., Any]) -> None:
    """Refuse a function that a new process cannot import.

    Raises:
        InputError: the function cannot be pickled, or belongs to an interactive session.
    """
    fix = (
        "Write it with def at the top level of a file; give it objects by functools.partial(measure, network=…); "
        "or call it in this process"
    )
    try:
        pickle.dumps(function)
    except Exception as error:
        rule = f"other processes cannot have it ({type(error).__name__}: {error})"
        checks.reject("function", function, rule, fix)
    inner = function
    while isinstance(inner, partial):
        inner = inner.func
    main = sys.modules["__main__"]
    if getattr(inner, "__module__", "") == "__main__" and not hasattr(main, "__file__"):
        checks.reject("function", function, "other processes cannot import it from an interactive session", fix)
