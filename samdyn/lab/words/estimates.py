"""Results of a cell that have an interval."""


def estimate(name: str, value: float, low: float, high: float) -> dict[str, float]:
    """Return a value and the ends of its interval under the names that tables and ``plot.intervals`` read.

    >>> estimate("rho", 0.31, 0.30, 0.32)
    {'rho': 0.31, 'rho_low': 0.3, 'rho_high': 0.32}
    """
    return {name: value, f"{name}_low": low, f"{name}_high": high}
