"""The check of the landscape and the method that maps, flows and diffusions share."""

from inspect import isbuiltin
from typing import Any

from .. import checks
from ..landscapes import Landscape
from ..methods import Method, Remembering


def check_parts(landscape: Any, method: Any) -> None:
    """Refuse a value that is not a landscape, or not a method.

    Raises:
        InputError: a value has another type. The message says how to fix the common mistakes: a function that makes a
            landscape, and a class of methods in place of a method.
    """
    if not isinstance(landscape, Landscape):
        fix = 'Use Landscape("x**2 - y**2", "x y"), or one of samdyn.landscapes, e.g. landscapes.saddle()'
        if callable(landscape) and not isinstance(landscape, type):
            fix = f"Call it: {getattr(landscape, '__name__', 'function')}()"
        checks.reject("landscape", landscape, "is no landscape", fix)
    # A user's function of w and the oracle is a method too; Python's built-in functions are not.
    if isinstance(method, type) or not callable(method) or isbuiltin(method):
        fix = "Use e.g. GD(), SAM(rho=0.05), or a class of your own that derives from samdyn.Method"
        if isinstance(method, type) and issubclass(method, Method):
            fix = f"Make one: {method.__name__}(...), with its parameters in the brackets"
        checks.reject("method", method, "is no method", fix)


def check_memoryless(method: Any) -> None:
    """Refuse a method that carries arrays from step to step, or that draws random numbers.

    Raises:
        InputError: the method does. A flow or a diffusion has no place for these.
    """
    if isinstance(method, Remembering):
        method.refuse()
    if getattr(method, "is_random", False):
        rule = "draws random numbers in every step; a flow or a diffusion does not know their law"
        checks.reject("method", method, rule, "Use samdyn.Map and simulate")
