"""Intervals of means over correlated values."""

import numpy as np
import pytest

from samdyn import InputError
from samdyn.statistics import batch_means


@pytest.mark.parametrize("phi", [0.0, 0.7, 0.9])
def test_intervals_cover_the_mean_of_correlated_series(phi: float) -> None:
    """AR(1), x ← φx + ξ, of mean 0; intervals that took 64 values for independent would cover it in 31 % at φ = 0.9."""
    rng = np.random.default_rng(1)
    n, burn = 4000, 100
    noise = rng.standard_normal((64 + burn, n))
    x = np.zeros((64 + burn, n))
    for k in range(1, 64 + burn):
        x[k] = phi * x[k - 1] + noise[k]
    mean, half = batch_means(x[burn:])
    coverage = (np.abs(mean) <= half).mean()
    assert coverage > (0.93 if phi < 0.8 else 0.9)  # at φ = 0.9 values are correlated over a third of the series
    assert phi or 0.965 < coverage < 0.99  # nor are intervals of independent values needlessly wide
    naive = 1.998 * x[burn:].std(0, ddof=1) / 8
    assert (half >= naive - 1e-12).all()


def test_the_mean_and_the_shape() -> None:
    mean, half = batch_means(np.arange(24.0).reshape(8, 3))
    assert mean.tolist() == [10.5, 11.5, 12.5]
    assert (half >= 2.3646 * np.std(np.arange(0, 24, 3), ddof=1) / 8**0.5).all()
    assert batch_means(np.full((16, 2), -np.inf))[0].tolist() == [-np.inf, -np.inf]


def test_short_series_are_refused() -> None:
    with pytest.raises(InputError, match="too short"):
        batch_means(np.zeros(7))
