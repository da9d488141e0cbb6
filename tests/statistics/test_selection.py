"""Settings for each seed by the losses of the others, against a loop and against a choice that looks at all."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr

from samdyn.checks import InputError
from samdyn.statistics import best_by_others


def losses(*shape: int) -> xr.DataArray:
    values = np.random.default_rng(0).normal(size=shape)
    dims = ("method", "lr", "radius", "seed")
    return xr.DataArray(values, {dim: np.arange(n) * 10 for dim, n in zip(dims, shape, strict=True)}, dims)


def test_each_seed_has_the_settings_that_the_others_like_best() -> None:
    data = losses(2, 3, 4, 5)
    chosen = data.isel(best_by_others(data, ["lr", "radius"], "seed")).transpose("method", "seed")
    for method in range(2):
        for seed in range(5):
            others = data.values[method][:, :, [s for s in range(5) if s != seed]].mean(-1)
            lr, radius = np.unravel_index(others.argmin(), others.shape)
            one = chosen[method, seed]
            assert (one.lr, one.radius, one) == (10 * lr, 10 * radius, data.values[method, lr, radius, seed])


def test_the_choice_has_no_part_in_what_is_reported() -> None:
    # All settings are alike, with the mean 0 and the standard deviation 1.
    data = losses(4000, 3, 3, 3)
    fair = data.isel(best_by_others(data, ["lr", "radius"], "seed"))
    same = data.mean("seed").argmin(["lr", "radius"])  # by all seeds
    # Standard errors over 12,000 losses: 0.01.
    assert abs(float(fair.mean())) < 0.04
    assert float(data.isel(same).mean()) < -0.5


def test_missing_losses_are_the_worst() -> None:
    data = losses(1, 2, 1, 3)
    data[0, 0] = -5.0
    data[0, 0, 0, 1] = np.nan
    assert best_by_others(data, ["lr"], "seed")["lr"].values.ravel().tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: best_by_others(losses(1, 2, 1, 1), ["lr"], "seed"), "seed = 1: sample has no others"),
        (lambda: best_by_others(losses(1, 2, 1, 3), ["rho"], "seed"), "dimension = 'rho'"),
        (lambda: best_by_others(losses(1, 2, 1, 3), ["lr"], "run"), "dimension = 'run'"),
        (lambda: best_by_others(losses(1, 2, 1, 3), [], "seed"), r"settings = \[\]"),
    ],
)
def test_bad_input(call: Callable[[], Any], named: str) -> None:
    with pytest.raises(InputError, match=named):
        call()
