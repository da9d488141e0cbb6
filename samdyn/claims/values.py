"""What a measurement returns and what a prediction may be, and when the two agree."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from .. import checks

MAX_VALUES = 10_000  # largest number of values of a case: the report has a line for each
Z = 4.0  # half-width of an interval in standard errors: one in 16,000 misses a normal value


@dataclass(frozen=True, eq=False)
class Estimate:
    """Measured values with the intervals that contain them.

    >>> from samdyn.claims import Estimate
    >>> Estimate(1.0, standard_error=0.1).high
    array(1.4)

    Attributes:
        value: the values, ``(…)``: numbers, or words such as "attracts".
        standard_error: the standard errors, in the units of the values; 0 for an exact measurement.
        half_width: a bound of the further error, such as half of a bracket of a bisection.
    """

    value: Any
    standard_error: Any = 0.0
    half_width: Any = 0.0

    def __post_init__(self) -> None:
        value = array("measured", self.value, "must be real numbers or words", "Return a number, an array or a word")
        object.__setattr__(self, "value", value)
        for name in ("standard_error", "half_width"):
            size = array(name, getattr(self, name), "must be 0 or more", "Give a size of an error")
            if size.dtype.kind == "U" or (size < 0).any():
                checks.reject(name, getattr(self, name), "must be 0 or more", "Give a size of an error")
            if value.dtype.kind == "U" and size.any():
                checks.reject(name, getattr(self, name), "a word has no error", "Leave it out")
            object.__setattr__(self, name, _broadcast(name, size, value.shape))

    @property
    def radius(self) -> np.ndarray:
        """Half of the width of the intervals."""
        return np.asarray(Z * self.standard_error + self.half_width)

    @property
    def low(self) -> np.ndarray:
        """The lower ends of the intervals."""
        return np.asarray(self.value - self.radius)

    @property
    def high(self) -> np.ndarray:
        """The upper ends of the intervals."""
        return np.asarray(self.value + self.radius)

    @classmethod
    def mean(cls, samples: Any) -> "Estimate":
        """Return the mean over the first axis of independent samples.

        >>> Estimate.mean([1.0, 2.0, 3.0]).value
        array(2.)
        """
        samples = np.asarray(samples, dtype=float)
        return cls(samples.mean(axis=0), samples.std(axis=0, ddof=1) / np.sqrt(len(samples)))

    @classmethod
    def mean_square(cls, samples: Any) -> "Estimate":
        """Return the mean of the squares over the first axis of independent samples.

        >>> Estimate.mean_square([1.0, -1.0]).value
        array(1.)
        """
        return cls.mean(np.square(np.asarray(samples, dtype=float)))

    @classmethod
    def share(cls, outcomes: Any) -> "Estimate":
        """Return the share of true outcomes over the first axis of independent runs.

        The standard error is that of a share which is at least one run away from 0 and 1, so that it is never 0.

        >>> Estimate.share([True, False]).value
        array(0.5)
        """
        outcomes = np.asarray(outcomes, dtype=float)
        count = len(outcomes)
        share = outcomes.mean(axis=0)
        inner = np.clip(share, 1 / (count + 2), 1 - 1 / (count + 2))
        return cls(share, np.sqrt(inner * (1 - inner) / count))

    @classmethod
    def bracket(cls, low: float, high: float) -> "Estimate":
        """Return a value that lies between two numbers, as after a bisection.

        >>> Estimate.bracket(1.0, 3.0).value
        array(2.)
        """
        return cls((low + high) / 2, 0.0, (high - low) / 2)


@dataclass(frozen=True, eq=False)
class Bound:
    """The prediction that every value is on one side of a bound: AtLeast or AtMost."""

    bound: Any

    def __post_init__(self) -> None:
        object.__setattr__(self, "bound", _bound(self.bound))


class AtLeast(Bound):
    """The prediction that every value is at least a bound.

    >>> from samdyn.claims import AtLeast
    >>> AtLeast(2.0).bound
    2.0
    """


class AtMost(Bound):
    """The prediction that every value is at most a bound.

    >>> from samdyn.claims import AtMost
    >>> AtMost(2.0).bound
    2.0
    """


def array(name: str, value: Any, rule: str, fix: str) -> np.ndarray:
    """Return real numbers or words as an array.

    Raises:
        InputError: other objects, complex numbers, no value, or more values than a report can show.
    """
    try:
        if torch.is_tensor(value):
            value = value.detach().cpu()
            value = (value.double() if value.is_floating_point() else value).numpy()  # NumPy has no bfloat16
        values = np.asarray(value)
        if values.dtype.kind == "O":  # SymPy's numbers, or other objects; None is not a number
            entries = [checks.number(name, entry, rule, fix) for entry in values.flat]
            values = np.array(entries, dtype=float).reshape(values.shape)
    except (TypeError, ValueError, RuntimeError):  # rows of unequal lengths, or a type that NumPy lacks
        values = np.array(None)
    if values.dtype.kind not in "biufU":
        checks.reject(name, value, rule, fix)
    if not 0 < values.size <= MAX_VALUES:
        fix = "Return a statistic of them, such as the largest error" if values.size else "Return one or more"
        checks.reject(name, values, f"has {values.size:,} values, and may have 1 to {MAX_VALUES:,}", fix)
    return values if values.dtype.kind == "U" else values.astype(float)


def expectation(role: str, value: Any, where: str, shape: tuple[int, ...]) -> Any:
    """Return a predicted value as an array or a bound.

    Args:
        role: "predicted" or "rival".
        value: what the function returned.
        where: the claim and the case, for a message.
        shape: that of the measured values.

    Raises:
        InputError: no real numbers or words, NaN, or a shape that does not broadcast with the measured values.
    """
    is_bound = isinstance(value, Bound)
    fix = "Return a number, an array, a word, AtLeast or AtMost"
    values = np.asarray(value.bound) if is_bound else array(role, value, f"is no value for {where}", fix)
    if values.dtype.kind != "U" and np.isnan(values).any():
        checks.reject(role, values.tolist(), f"is NaN for {where}", "Return numbers; inf stands for never")
    checks.broadcast({"measured": np.empty(shape), role: values})
    return value if is_bound else values


def _bound(value: Any) -> Any:
    rule, fix = "must be a real number, or an array of them", "Use e.g. AtLeast(2.0)"
    bound = array("bound", value, rule, fix)
    if bound.dtype.kind == "U" or np.isnan(bound).any():
        checks.reject("bound", value, rule, fix)
    return bound if bound.ndim else bound.item()


def _broadcast(name: str, size: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    try:
        return np.broadcast_to(size, shape)
    except ValueError:
        rule = f"has the shape {size.shape}, and the values have {shape}"
        checks.reject(name, size.tolist(), rule, "Give a number, or one for each value")


def meets(estimate: Estimate, expected: Any, tolerance: float, absolute: float) -> np.ndarray:
    """Return for every measured value whether an expected value is possible.

    A number is possible if the interval of the measurement meets the band that the tolerance puts around the number. An
    infinite number, or a word, must be equal. A bound must be kept by the whole interval.

    Args:
        estimate: the measurement, ``(…)``.
        expected: numbers or words that broadcast with it, or an AtLeast or AtMost.
        tolerance: the half-width of the band, relative to the expected number.
        absolute: a further half-width, in the units of the value.
    """
    if isinstance(expected, Bound):
        bound = np.asarray(expected.bound, dtype=float)
        slack = tolerance * np.abs(bound) + absolute
        if estimate.value.dtype.kind == "U":  # a word is below and above no bound
            return np.zeros(np.broadcast_shapes(estimate.value.shape, bound.shape), dtype=bool)
        kept = estimate.low >= bound - slack if isinstance(expected, AtLeast) else estimate.high <= bound + slack
        return np.asarray(kept)
    expected = np.asarray(expected)
    if expected.dtype.kind == "U" and estimate.value.dtype.kind == "U":
        return np.asarray(estimate.value == expected)
    if expected.dtype.kind == "U" or estimate.value.dtype.kind == "U":  # a number is no word, also not "1.0"
        return np.zeros(np.broadcast_shapes(estimate.value.shape, expected.shape), dtype=bool)
    expected = expected.astype(float)
    with np.errstate(invalid="ignore"):  # the difference of two infinities
        near = np.abs(estimate.value - expected) <= tolerance * np.abs(expected) + absolute + estimate.radius
    return np.asarray(np.where(np.isfinite(expected), near, estimate.value == expected))
