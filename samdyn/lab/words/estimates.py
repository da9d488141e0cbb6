"""Results that have an interval."""

from typing import Any


def estimate(name: str, value: Any, low: Any, high: Any) -> dict[str, Any]:
    """Return a value and the ends of its interval under the names that tables and ``plot.intervals`` read.

    All three are numbers or arrays.

    >>> estimate("rho", 0.31, 0.30, 0.32)
    {'rho': 0.31, 'rho_low': 0.3, 'rho_high': 0.32}
    """
    return {name: value, f"{name}_low": low, f"{name}_high": high}
