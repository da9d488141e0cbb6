"""All that the page shows, as plain data: ``Data`` of web/src/types.ts."""

from typing import Any

import samdyn

from .. import checks
from ..compiler import NotCompilable
from ..compiler.web import landscape_programs, step_program
from ..landscapes import Landscape
from ..landscapes.formulas.parse import CONSTANTS, FUNCTIONS, LARGEST_EXPONENT, LARGEST_NUMBER, MAX_DEPTH, MAX_LENGTH
from ..symbolic.notation import latex
from .formulas import flow_condition, formula_text, step_conditions
from .methods import method_data

# The kinds of steps: their names, and the settings of a map.
STEPS = {
    "plain": {"momentum": False},
    "heavy ball": {"momentum": True},
    "Nesterov": {"momentum": True, "nesterov": True},
}


def page_data(landscapes: dict[str, Landscape], methods: dict[str, Any]) -> dict[str, Any]:
    """Return the data of a page.

    Args:
        landscapes: landscapes of the plane, by the names that the page shows.
        methods: methods, by the names that the page shows.

    Raises:
        InputError: a landscape or a method cannot be traced.
    """
    return {
        "version": samdyn.__version__,
        "landscapes": [_landscape_data(landscape, name) for name, landscape in landscapes.items()],
        "methods": [method_data(method, name) for name, method in methods.items()],
        "steps": [
            {"name": name, "program": step_program(**kind), "conditions": step_conditions(**kind)}
            for name, kind in STEPS.items()
        ],
        "flowCondition": flow_condition(),
        "grammar": {
            "functions": [{"name": name, "variadic": f.variadic} for name, f in FUNCTIONS.items()],
            "constants": {name: float(value) for name, value in CONSTANTS.items()},
            "maxLength": MAX_LENGTH,
            "maxDepth": MAX_DEPTH,
            "largestNumber": LARGEST_NUMBER,
            "largestExponent": LARGEST_EXPONENT,
        },
    }


def _landscape_data(landscape: Landscape, name: str) -> dict[str, Any]:
    try:
        programs = landscape_programs(landscape)
    except NotCompilable as error:
        fix = "Write it as samdyn.Landscape(formula, coordinates)"
        checks.reject("landscape", landscape, f"cannot run in the page: {error}", fix)
    return {
        "name": name,
        "formula": formula_text(landscape),
        "latex": latex(landscape.expr),
        "coordinates": [str(s) for s in landscape.symbols],
        "box": [list(interval) for interval in landscape.box],
        "programs": programs,
    }
