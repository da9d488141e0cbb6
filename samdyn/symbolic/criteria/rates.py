"""The numbers of a map or flow as symbols: η, γ, and those of its base optimizer."""

from dataclasses import fields, replace
from typing import Any

import sympy

from ...bases import Base
from ...dynamics import Flow, Map
from ..notation import ETA, GAMMA


def base_in_symbols(base: Base, prefix: str = "") -> tuple[Base, dict[sympy.Symbol, sympy.Rational]]:
    """Return the linear base of a base at a critical point with symbols for its numbers, and what they stand for.

    Numbers that are 0 stay, so that formulas are short. The others count as the decimals in which they are written.

    Raises:
        InputError: the base has no Jacobian at a critical point.

    >>> import samdyn as sd
    >>> base_in_symbols(sd.bases.EMA(0.9))
    (EMA(momentum=momentum), {momentum: 9/10})
    """
    base, values, symbols = base.linearised(), dict[sympy.Symbol, sympy.Rational](), dict[str, Any]()
    for field in fields(base):
        value = getattr(base, field.name)
        if isinstance(value, Base):
            symbols[field.name], inner = base_in_symbols(value, f"{prefix}{field.name}_")
            values |= inner
        elif isinstance(value, tuple):
            names = [sympy.Symbol(f"{prefix}{field.name}{i}", positive=True) for i in range(len(value))]
            symbols[field.name] = tuple(names)
            values |= {name: sympy.Rational(str(entry)) for name, entry in zip(names, value, strict=True)}
        elif isinstance(value, float) and value:
            symbol = sympy.Symbol(f"{prefix}{field.name}", positive=True)
            symbols[field.name], values[symbol] = symbol, sympy.Rational(str(value))
    return replace(base, **symbols), values


def own_rates(system: Map | Flow) -> dict[sympy.Symbol, sympy.Rational]:
    """Return what the symbols of a system's numbers stand for: the decimals in which these are written."""
    rates = {ETA: system.lr, GAMMA: getattr(system, "momentum", None)}
    values = {symbol: sympy.Rational(str(value)) for symbol, value in rates.items() if value is not None}
    if isinstance(system, Map) and system.base is not None:
        values |= base_in_symbols(system.base)[1]
    return values
