"""The values of a landscape's parameters: numbers, one number per run, or formulas in symbols."""

from collections.abc import Mapping, Sequence
from typing import Any

import sympy
import torch

from .. import checks
from .formulas.parse import TAKEN, rational

MOST_SHOWN = 5  # largest count of numbers per run that a text lists


def read_values(parameters: Any, coordinates: Sequence[sympy.Symbol]) -> dict[str, Any]:
    """Return the values of parameters by their names, checked. The names are not checked.

    Raises:
        InputError: it is not a dictionary, or a value is not a finite number, one per run, or a formula in real
            symbols.
    """
    if not isinstance(parameters, Mapping):
        fix = 'Use e.g. parameters={"a": 1.0}'
        checks.reject("parameters", parameters, "must be a dictionary of values by name", fix)
    return {name: _read(str(name), value, coordinates) for name, value in parameters.items()}


def _read(name: str, value: Any, coordinates: Sequence[sympy.Symbol]) -> Any:
    fix = f"Use e.g. {name}=1.0, a list of one number per run, or a real SymPy symbol for formulas"
    value = checks.parameter(name, value, "must be a finite number", fix, lambda _: True)
    if checks.is_formula(value):
        for symbol in value.free_symbols:
            if not symbol.is_real:
                fix = f"Use sympy.Symbol({symbol.name!r}, real=True), or positive=True"
                checks.reject(name, value, f"the symbol {symbol} need not be a real number", fix)
            if symbol.name in TAKEN or symbol.name in map(str, coordinates):
                rule = f"the symbol {symbol} stands for a coordinate or a setting already"
                checks.reject(name, value, rule, "Choose another")
    return value


def exact(symbol: sympy.Symbol, value: Any) -> sympy.Expr:
    """Return a value for formulas: a number as the fraction that it is written as, and one per run as the symbol."""
    if checks.is_formula(value):
        return value
    return rational(value) if isinstance(value, int | float) else symbol


def like(name: str, value: Any, w: torch.Tensor) -> torch.Tensor:
    """Return a value as a tensor with the dtype and on the device of w: ``()``, or ``(N,)`` if it is one per run.

    Raises:
        InputError: it is a formula, which has no number.
    """
    if checks.is_formula(value):
        fix = f"Give one: landscape.with_parameters({name}=1.0)"
        checks.reject(name, value, "is a formula, and numbers of the loss need a number", fix)
    return torch.as_tensor(value, dtype=w.dtype, device=w.device)


def short(value: Any, digits: int | None = None) -> str:
    """Return a value as a short text, with this many digits of a number, or with all of them.

    >>> short(1 / 3, 6), short(torch.arange(1000.0))
    ('0.333333', '1000 values')
    """
    if not torch.is_tensor(value):
        return f"{value:.{digits}g}" if digits and isinstance(value, float) else repr(value)
    return str(value.tolist()) if value.numel() <= MOST_SHOWN else f"{value.numel()} values"
