"""The methods of the page: their parameters, variants and programs."""

import dataclasses
from dataclasses import replace
from numbers import Real
from typing import Any

import sympy

from .. import checks
from ..compiler import NotCompilable
from ..compiler.web import method_programs
from ..dynamics.settings import filled
from ..methods import Ascent, Method
from ..symbolic.fields.differentiable import has_jacobian
from ..symbolic.fields.effective import effective_curvature
from ..symbolic.fields.quadratic import SOMEWHERE, takes_symbols, with_radius
from ..symbolic.notation import latex
from .formulas import field_latex, name_latex

MOST_STEPS = 5  # largest number of steps of ascent in the page
RANGES = {"rho": (0.0, 2.0), "shift": (0.0, 1.0)}  # of sliders, in the units of w
HALVINGS = 8  # how often a range is halved that a method refuses


def method_data(method: Any, name: str) -> dict[str, Any]:
    """Return a method as the page reads it, ``MethodData`` of web/src/types.ts.

    Raises:
        InputError: the method cannot be traced, or one of its numbers is a symbol or one per run.
    """
    values = numbers(method)
    return {
        "name": name,
        "latex": field_latex(method),
        "parameters": [
            {"name": key, "latex": name_latex(key), "value": value, "range": _range(method, key, value)}
            for key, value in values.items()
        ],
        "differentiable": _differentiable(method),
        "variants": [_variant(variant, list(values)) for variant in _variants(method)],
    }


def numbers(method: Any) -> dict[str, float]:
    """Return the fields of a method that are numbers, which the page has sliders for.

    Raises:
        InputError: a field is a symbol, or has one number per run.

    >>> import samdyn as sd
    >>> numbers(sd.ASAM(rho=0.1, ascent_steps=2))
    {'rho': 0.1, 'shift': 0.0}
    """
    found = {}
    for field in dataclasses.fields(method) if dataclasses.is_dataclass(method) else ():
        value = getattr(method, field.name)
        if checks.is_per_run(field, value) or checks.is_formula(value):
            rule = "the page needs one number, at which its slider starts"
            checks.reject(field.name, value, rule, f"Use e.g. {field.name}={checks.USUAL.get(field.name, 0.1)}")
        is_real = isinstance(value, Real) and not isinstance(value, bool)
        if is_real and (isinstance(value, float) or "float" in str(field.type)):
            found[field.name] = float(value)
    return found


def _range(method: Any, name: str, value: float) -> tuple[float, float]:
    """Return the range of a slider: values that the method allows, around its own."""
    around = (min(0.0, 2 * value), max(0.0, 2 * value)) if value else (-1.0, 1.0)
    low, high = RANGES.get(name, around)
    return _end(method, name, value, low), _end(method, name, value, max(high, around[1]))


def _end(method: Any, name: str, value: float, end: float) -> float:
    for _ in range(HALVINGS):
        try:
            replace(method, **{name: end})
        except checks.InputError:
            end = (value + end) / 2
        else:
            return end
    return value


def _differentiable(method: Any) -> bool:
    one = with_radius(method, sympy.Integer(1))
    return takes_symbols(method) and has_jacobian(one, sympy.diag(-1, 2), SOMEWHERE)


def _variants(method: Any) -> list[Any]:
    if not isinstance(method, Ascent):
        return [method]
    steps = range(1, MOST_STEPS + 1)
    return [replace(method, ascent_steps=n, average=average) for n in steps for average in (False, True)[: min(n, 2)]]


def _variant(method: Any, parameters: list[str]) -> dict[str, Any]:
    try:
        programs = method_programs(method, parameters)
    except NotCompilable as error:
        checks.reject("method", method, f"cannot run in the page: {error}", "Write it in + - * abs and samdyn.ops")
    return {
        "ascentSteps": getattr(method, "ascent_steps", 1),
        "average": getattr(method, "average", False),
        "effective": _effective(method, parameters),
        **programs,
    }


def _effective(method: Any, parameters: list[str]) -> str | None:
    """Return λₑ in λ and ρ; None if there is no such formula, or if it depends on another parameter too."""
    if not isinstance(method, Method):
        return None
    # At the radius 0 a normalised method has a λₑ, which is not that of the radii of the slider.
    method = with_radius(method, 1.0)
    formula = effective_curvature(method)
    if formula is None:
        return None
    for name in parameters:
        other = filled(method, {(name,): getattr(method, name) + 1.0})
        if name != "rho" and effective_curvature(other) != formula:
            return None
    return latex(formula)
