"""The interval of a mean over time, by the method of batch means."""

import numpy as np

from .. import checks
from ..arguments import checked

FEWEST = 8  # number of batches below which an interval is too uncertain
LARGEST = 0.97  # largest correlation of neighbours that counts


@checked
def batch_means(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean of a stationary series and half the width of its 95 % interval, for correlated values too.

    The series is cut into batches of successive values. If a batch is longer than the time over which values are
    correlated, its mean is nearly independent of the others, and Student's t of the batches' means gives an interval.
    The function does this with all values, with half as many batches of twice the length, and so on, down to 8 to 15
    batches. One more interval counts fewer values than there are, by the correlation of neighbours, as for an
    autoregressive series. The function returns the widest of them. In 4000 autoregressive series of 64 values it
    covers the mean in 98 % if values are independent, in 94 % if they are correlated over six values, and in 92 % if
    they are over nineteen.

    Args:
        values: the series, ``(B, …)`` with B ≥ 8; each entry may itself be a mean over a part of time.

    Returns:
        The mean and the half-width, ``(…)`` each. The half-width is nan where a value is infinite.

    Raises:
        InputError: there are fewer than 8 values.

    Source: Flegal and Jones (2010), Ann. Stat. 38, 1034.

    >>> import numpy as np
    >>> from samdyn.statistics import batch_means
    >>> mean, half = batch_means(np.cos(np.arange(64.0)))
    >>> round(float(mean), 3), round(float(half), 3)
    (0.018, 0.361)
    """
    from scipy.stats import t

    if values.ndim < 1 or len(values) < FEWEST:
        rule = "is the shape of a series that is too short for batches"
        checks.reject("values", values.shape, rule, f"Give at least {FEWEST} values along the first axis")
    mean, batches = values.mean(0), values
    half = _autoregressive(values, mean)
    with np.errstate(invalid="ignore"):
        while len(batches) >= FEWEST:
            n = len(batches)
            half = np.maximum(half, t.ppf(0.975, n - 1) * batches.std(0, ddof=1) / n**0.5)
            pairs = batches[: n - n % 2]
            batches = (pairs[::2] + pairs[1::2]) / 2
    return mean, half


def _autoregressive(values: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Return the half-width for a series in which the correlation falls geometrically, ``(…)``."""
    from scipy.stats import t

    n = len(values)
    with np.errstate(invalid="ignore", divide="ignore"):
        apart = values - mean
        r = np.nan_to_num((apart[1:] * apart[:-1]).sum(0) / (apart * apart).sum(0))
        r = np.clip(r + (1 + 3 * r) / n, 0.0, LARGEST)  # the estimate is too low by this, to first order in 1/n
        effective = n * (1 - r) / (1 + r)
        return np.asarray(t.ppf(0.975, np.maximum(effective - 1, 1.0)) * values.std(0, ddof=1) / effective**0.5)
