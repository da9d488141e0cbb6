"""Closed forms: functions of numbers, each with its source and a rival formula that measurements must reject."""

import difflib
import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np

from .. import checks
from ..arguments import checked

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Verdict:
    """The comparison of a measurement with a closed form. It is true if it agrees with the form and rejects the rival.

    >>> import samdyn as sd
    >>> verdict = sd.theory.check(sd.theory.edge_of_stability, 3.09, 0.01, lr=0.5, rho=0.1)
    >>> round(verdict.predicted, 3), verdict.rival, verdict.agrees, verdict.rejects_rival
    (3.062, 4.0, True, True)

    Attributes:
        measured, predicted, rival: numbers, or arrays that broadcast. An infinite value agrees with an equal one only.
        tolerance: the largest difference, relative to the prediction or to the rival.
    """

    measured: Any
    predicted: Any
    rival: Any
    tolerance: float

    @property
    def agrees(self) -> bool:
        """Whether every measurement is within the tolerance of the prediction."""
        return bool(np.all(_close(self.measured, self.predicted, self.tolerance)))

    @property
    def rejects_rival(self) -> bool:
        """Whether at least one measurement is further from the rival than the tolerance."""
        return not np.all(_close(self.measured, self.rival, self.tolerance))

    def __bool__(self) -> bool:
        return self.agrees and self.rejects_rival


def _close(measured: Any, expected: Any, tolerance: float) -> Any:
    with np.errstate(invalid="ignore"):  # the difference of two infinities is nan
        near = np.abs(np.subtract(measured, expected)) <= tolerance * np.abs(expected)
    return np.equal(measured, expected) | (near & np.isfinite(expected))


@dataclass(frozen=True)
class About:
    """The source of a closed form, and its rival.

    >>> import samdyn as sd
    >>> entry = sd.theory.about(sd.theory.edge_of_stability)
    >>> isinstance(entry, sd.theory.About), entry.source, entry.rival(lr=0.5, rho=0.1)
    (True, '[L23]; confirmed', 4.0)

    Attributes:
        statement: the claim of the closed form.
        source: the paper that claims it, and how far experiments confirm it.
        rival: a plausible wrong formula, a function of some of the same parameters.
        rival_reason: the error that leads to the rival.
    """

    statement: str
    source: str
    rival: Callable[..., Any]
    rival_reason: str


Form = Callable[..., Any]
REGISTER: dict[Form, About] = {}


def closed_form(
    *, source: str, rival: Callable[..., Any], rival_reason: str
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return a decorator that turns a function of named parameters into a closed form, which never returns NaN.

    The first paragraph of the function's docstring is the statement. The function raises InputError if a parameter is
    unknown, missing or NaN, if arrays do not broadcast, if it needs a number in place of a symbol, and if it has no
    value in the floating-point range.
    """

    def attach(function: Callable[P, R]) -> Callable[P, R]:
        guarded, signature = checked(function), inspect.signature(function)

        @wraps(function)
        def evaluated(*args: P.args, **kwargs: P.kwargs) -> R:
            _check_names(signature, kwargs)
            result: R = _value(lambda: guarded(*args, **kwargs), kwargs)
            return result

        statement = " ".join((inspect.getdoc(function) or "").split("\n\n")[0].split())
        REGISTER[evaluated] = About(statement, source, rival, rival_reason)
        return evaluated

    return attach


@checked
def about(form: Callable[..., Any]) -> About:
    """Return the source of a closed form, and its rival.

    >>> import samdyn as sd
    >>> sd.theory.about(sd.theory.edge_of_stability).rival_reason
    "gradient descent's edge"

    Args:
        form: a closed form of ``samdyn.theory``.

    Raises:
        InputError: the function is not a closed form.
    """
    if form not in REGISTER:
        fix = f"Give one of {', '.join(entry.__name__ for entry in REGISTER)}"
        checks.reject("form", form, "is no closed form with a rival", fix)
    return REGISTER[form]


@checked
def check(form: Callable[..., Any], measured: float | np.ndarray, tolerance: float, **parameters: Any) -> Verdict:
    """Compare a measurement with a closed form and its rival, within a relative tolerance.

    >>> import samdyn as sd
    >>> bool(sd.theory.check(sd.theory.edge_of_stability, 3.09, 0.01, lr=0.5, rho=0.1))
    True

    Args:
        form: a closed form.
        measured: a number, or an array if parameters are arrays.
        tolerance: the largest relative difference.
        parameters: the parameters of the closed form, by name.

    Raises:
        InputError: the function is not a closed form, or does not accept the parameters.
    """
    rival = about(form).rival
    predicted = form(**parameters)
    of_rival = {name: value for name, value in parameters.items() if name in inspect.signature(rival).parameters}
    return Verdict(measured, predicted, _value(lambda: rival(**of_rival), of_rival), tolerance)


def _check_names(signature: inspect.Signature, arguments: Mapping[str, Any]) -> None:
    names = ", ".join(signature.parameters)
    for name in arguments:
        if name not in signature.parameters:
            near = difflib.get_close_matches(name, signature.parameters, n=1)
            fix = f"Did you mean {near[0]!r}?" if near else f"Use {names}"
            checks.reject("parameter", name, f"this closed form takes {names}", fix)
    for name, parameter in signature.parameters.items():
        if name not in arguments and parameter.default is parameter.empty:
            checks.reject("parameters", sorted(arguments), f"{name} is missing: it takes {names}", f"Give {name}")


def _value(compute: Callable[[], Any], parameters: Mapping[str, Any]) -> Any:
    """Return the value of a closed form: a number or an array without NaN, or a formula if a parameter is one."""
    symbols = {name: value for name, value in parameters.items() if checks.is_formula(value)}
    try:
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            value = compute()
    except (ArithmeticError, TypeError, ValueError) as error:
        if isinstance(error, checks.InputError):
            raise
        arrays = {name: value for name, value in parameters.items() if np.ndim(value)}
        if symbols or arrays or isinstance(error, TypeError):
            odd, fix = symbols | arrays or dict(parameters), "Its docstring says what it takes"
            checks.reject("parameters", odd, "this closed form does not take these", fix)
        value = math.nan  # an overflow, a division by 0, the root of a negative number
    return value if symbols else valued(value, parameters)


def valued(value: Any, parameters: Mapping[str, Any]) -> Any:
    """Return the value of a closed form, as a float if it is one number.

    Raises:
        InputError: the value is NaN.
    """
    if np.isnan(np.asarray(value, dtype=float)).any():
        rule = "the closed form has no value there in the floating-point range"
        checks.reject("parameters", dict(parameters), rule, "Use values of a usual size, lr and batch_size above 0")
    return value if np.ndim(value) else float(value)
