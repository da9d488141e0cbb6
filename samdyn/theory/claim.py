"""A claim: a closed form, where it comes from, and a rival that the same measurement must be able to reject."""

import difflib
import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import checks
from ..arguments import quantity


@dataclass(frozen=True)
class Verdict:
    """What a measurement says of a claim; true if it agrees with the prediction and rejects the rival."""

    measured: float
    predicted: float
    rival: float
    tolerance: float

    @property
    def agrees(self) -> bool:
        """Whether the measurement is within the tolerance of the prediction, relative to it."""
        never = self.measured == self.predicted  # where both are infinite, their difference is no number
        return never or abs(self.measured - self.predicted) <= self.tolerance * abs(self.predicted)

    @property
    def rejects_rival(self) -> bool:
        """Whether the measurement is further from the rival than the tolerance, relative to the rival."""
        return abs(self.measured - self.rival) > self.tolerance * abs(self.rival)

    def __bool__(self) -> bool:
        return self.agrees and self.rejects_rival


@dataclass(frozen=True)
class Claim:
    """A closed form that measurements are held against; calling it gives the predicted number.

    Attributes:
        statement: what is claimed, in a line.
        source: who claims it, and how far it is confirmed.
        formula: the closed form.
        rival: a plausible wrong answer, of the same arguments.
        rival_reason: what one would have to overlook to give it.
    """

    statement: str
    source: str
    formula: Callable[..., float]
    rival: Callable[..., float]
    rival_reason: str

    def __call__(self, **parameters: Any) -> float:
        """Return the predicted number, or array where parameters are arrays.

        Raises:
            InputError: parameters that the formula does not take, one that it needs and was not given, or NaN; arrays
                that do not broadcast, or symbols where numbers are needed; a value beyond the floating-point range.
        """
        return _value(self.formula, self._checked(parameters))

    def check(self, measured: float, tolerance: float, **parameters: Any) -> Verdict:
        """Hold a measurement against the formula and its rival, within a relative tolerance.

        Raises:
            InputError: as for calling it.
        """
        parameters = self._checked(parameters)
        rival = {name: value for name, value in parameters.items() if _takes(self.rival, name)}
        return Verdict(
            float(measured), float(_value(self.formula, parameters)), float(_value(self.rival, rival)), tolerance
        )

    def _checked(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parameters if they are those that formula and rival take, and numbers where numbers are meant."""
        needed = _named(self.formula)
        known = {**_named(self.rival), **needed}
        listed = ", ".join(known)
        for name in parameters:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                fix = f"Did you mean {near[0]!r}?" if near else f"Use {listed}"
                checks.reject("parameter", name, f"this closed form takes {listed}", fix)
        for name, parameter in needed.items():
            if name not in parameters and parameter.default is parameter.empty:
                checks.reject("parameters", sorted(parameters), f"{name} is missing: it takes {listed}", f"Give {name}")
        words = {name for name, parameter in known.items() if isinstance(parameter.default, str)}
        free = {name for name, value in parameters.items() if value is None and known[name].default is None}
        read = {n: v if n in words | free else quantity(n, v) for n, v in parameters.items()}
        for name in words & read.keys():
            if not isinstance(read[name], str):
                checks.reject(name, read[name], "must be a name", f"Use e.g. {name}={known[name].default!r}")
        return read


def _value(formula: Callable[..., Any], parameters: dict[str, Any]) -> Any:
    """Return a formula's value: a number, never NaN."""
    arrays = {name: value for name, value in parameters.items() if np.ndim(value)}
    symbols = {name: value for name, value in parameters.items() if checks.is_formula(value)}
    try:
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            value = formula(**parameters)
    except (ArithmeticError, TypeError, ValueError) as error:
        if isinstance(error, checks.InputError):
            raise
        if symbols or arrays or isinstance(error, TypeError):
            odd = symbols | arrays or parameters
            checks.reject("parameters", odd, "this closed form does not take these", "Its statement says what it takes")
        value = math.nan  # an overflow, a division by 0, the root of a negative number
    return value if symbols else valued(value, parameters)


def valued(value: Any, parameters: Mapping[str, Any]) -> Any:
    """Return a closed form's value unless it is NaN.

    Raises:
        InputError: it is.
    """
    if np.isnan(np.asarray(value, dtype=float)).any():
        rule = "the closed form has no value there in the floating-point range"
        checks.reject("parameters", dict(parameters), rule, "Use values of a usual size, lr and batch_size above 0")
    return value


def _named(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    parameters = inspect.signature(function).parameters.items()
    return {name: p for name, p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)}


def _takes(function: Callable[..., Any], name: str) -> bool:
    parameters = inspect.signature(function).parameters
    return name in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())
