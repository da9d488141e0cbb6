"""The methods of the page: their parameters, variants and programs."""

import dataclasses
from dataclasses import replace
from typing import Any

import sympy

from .. import checks
from ..compiler import NotCompilable
from ..compiler.web import method_programs
from ..methods import Ascent
from ..symbolic.fields.differentiable import has_jacobian
from ..symbolic.fields.effective import effective_curvature
from ..symbolic.fields.quadratic import SOMEWHERE, takes_symbols, with_radius
from ..symbolic.notation import latex
from .formulas import field_latex, name_latex

MOST_STEPS = 5  # largest number of steps of ascent in the page
RHO = 0.5  # ρ at the start
RANGES = {"rho": (0.0, 2.0), "shift": (0.0, 1.0)}  # of sliders


def method_data(method: Any, name: str) -> dict[str, Any]:
    """Return a method as the page reads it, ``MethodData`` of web/src/types.ts."""
    parameters = _parameters(method)
    return {
        "name": name,
        "latex": field_latex(method),
        "parameters": parameters,
        "differentiable": _differentiable(method),
        "variants": [_variant(variant, [p["name"] for p in parameters]) for variant in _variants(method)],
    }


def _parameters(method: Any) -> list[dict[str, Any]]:
    """Return the fields of a method that are numbers, each with a range."""
    fields = dataclasses.fields(method) if dataclasses.is_dataclass(method) else ()
    values = {field.name: getattr(method, field.name) for field in fields}
    return [
        {"name": name, "latex": name_latex(name), "value": value, "range": _range(name, value)}
        for name, value in values.items()
        if isinstance(value, float)
    ]


def _range(name: str, value: float) -> tuple[float, float]:
    low, high = RANGES.get(name, (min(0.0, 2 * value), max(0.0, 2 * value)) if value else (-1.0, 1.0))
    return min(low, 2 * value), max(high, 2 * value)


def _differentiable(method: Any) -> bool:
    one = with_radius(method, sympy.Integer(1))
    return takes_symbols(method) and has_jacobian(one, sympy.diag(-1, 2), SOMEWHERE)


def _variants(method: Any) -> list[Any]:
    if not isinstance(method, Ascent):
        return [method]
    numbers = range(1, MOST_STEPS + 1)
    return [replace(method, ascent_steps=n, average=average) for n in numbers for average in (False, True)[: min(n, 2)]]


def _variant(method: Any, parameters: list[str]) -> dict[str, Any]:
    try:
        programs = method_programs(method, parameters)
    except NotCompilable as error:
        checks.reject("method", method, f"cannot run in the page: {error}", "Write it in + - * abs and samdyn.ops")
    effective = effective_curvature(method)
    return {
        "ascentSteps": getattr(method, "ascent_steps", 1),
        "average": getattr(method, "average", False),
        "effective": None if effective is None else latex(effective),
        **programs,
    }
