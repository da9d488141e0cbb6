"""Closed forms: functions of numbers, each with its source and a rival that a measurement must be able to reject."""

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
    """What a measurement says of a closed form; true if it agrees with the prediction and rejects the rival.

    Attributes:
        measured, predicted, rival: numbers, or arrays that broadcast. Infinite ones agree with infinite ones alone.
        tolerance: relative to the prediction, and to the rival.
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
        """Whether some measurement is further from the rival than the tolerance."""
        return not np.all(_close(self.measured, self.rival, self.tolerance))

    def __bool__(self) -> bool:
        return self.agrees and self.rejects_rival


def _close(measured: Any, expected: Any, tolerance: float) -> Any:
    with np.errstate(invalid="ignore"):  # infinities are equal or not: their difference is no number
        near = np.abs(np.subtract(measured, expected)) <= tolerance * np.abs(expected)
    return np.equal(measured, expected) | (near & np.isfinite(expected))


@dataclass(frozen=True)
class About:
    """Where a closed form comes from, and what else one might have expected.

    Attributes:
        statement: what is claimed.
        source: who claims it, and how far it is confirmed.
        rival: a plausible wrong answer, a function of some of the same parameters.
        rival_reason: what one would have to overlook to give it.
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
    """Make a function of named parameters a closed form: it refuses what it does not take, and never returns NaN.

    Its docstring's first paragraph is the statement. The function raises InputError at parameters that it does not take
    or lacks, at NaN, at arrays that do not broadcast and symbols where it needs numbers, and where it has no value in
    the floating-point range.
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

    Raises:
        InputError: another function.
    """
    if form not in REGISTER:
        fix = f"Give one of {', '.join(known.__name__ for known in REGISTER)}"
        checks.reject("form", form, "is no closed form with a rival", fix)
    return REGISTER[form]


@checked
def check(form: Callable[..., Any], measured: float | np.ndarray, tolerance: float, **parameters: Any) -> Verdict:
    """Hold a measurement against a closed form and its rival, within a relative tolerance.

    >>> import samdyn as sd
    >>> bool(sd.theory.check(sd.theory.edge_of_stability, 3.09, 0.01, lr=0.5, rho=0.1))
    True

    Args:
        form: a closed form.
        measured: a number, or an array where parameters are arrays.
        tolerance: relative.
        parameters: of the closed form, by name.

    Raises:
        InputError: as the closed form does.
    """
    rival = about(form).rival
    predicted = form(**parameters)
    of_rival = {name: value for name, value in parameters.items() if name in inspect.signature(rival).parameters}
    return Verdict(measured, predicted, _value(lambda: rival(**of_rival), of_rival), tolerance)


def _check_names(signature: inspect.Signature, given: Mapping[str, Any]) -> None:
    listed = ", ".join(signature.parameters)
    for name in given:
        if name not in signature.parameters:
            near = difflib.get_close_matches(name, signature.parameters, n=1)
            fix = f"Did you mean {near[0]!r}?" if near else f"Use {listed}"
            checks.reject("parameter", name, f"this closed form takes {listed}", fix)
    for name, parameter in signature.parameters.items():
        if name not in given and parameter.default is parameter.empty:
            checks.reject("parameters", sorted(given), f"{name} is missing: it takes {listed}", f"Give {name}")


def _value(compute: Callable[[], Any], parameters: Mapping[str, Any]) -> Any:
    """Return a formula's value: a number or array, never NaN, or a formula where parameters are formulas."""
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
    """Return a closed form's value, as a float where it is one number.

    Raises:
        InputError: it is NaN.
    """
    if np.isnan(np.asarray(value, dtype=float)).any():
        rule = "the closed form has no value there in the floating-point range"
        checks.reject("parameters", dict(parameters), rule, "Use values of a usual size, lr and batch_size above 0")
    return value if np.ndim(value) else float(value)
