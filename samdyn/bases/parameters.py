"""Checks of the parameters of base optimizers."""

from typing import Any

from .. import checks


def decay(name: str, value: Any) -> Any:
    """Check a rate at which a mean forgets: it must lie in [0, 1). See ``checks.parameter``."""
    return checks.fraction(name, value, f"Use e.g. {name}=0.9, or 0 for no memory")


def weight_decay(value: Any) -> Any:
    """Check a weight decay δ: it must be finite and ≥ 0."""
    return checks.size("weight_decay", value, "Use e.g. weight_decay=0.01, or 0 for none")


def correction(beta: Any, number: Any) -> Any:
    """Return 1 − βᵗ, the weight that a mean of t steps from 0 has; 1 where the number t of the step is None."""
    # torch computes powers of integers in single precision.
    return 1 if number is None else 1 - beta ** (number.double() if hasattr(number, "double") else number)
