"""Rank correlations beside SciPy's, with ties and missing values."""

from itertools import product

import numpy as np
import pytest
import xarray as xr
from scipy.stats import kendalltau

from samdyn import InputError
from samdyn.statistics import count_resolved, granulated, kendall, rank_correlations

DIMS = ("lr", "rho", "scale", "seed")
AXES = ["lr", "rho", "scale"]


@pytest.fixture
def grid() -> tuple[xr.DataArray, xr.DataArray]:
    """Two quantities with ties and missing values."""
    generator = np.random.default_rng(1)
    coords = {"lr": range(3), "rho": range(3), "scale": range(2), "seed": range(3)}
    x, y = (xr.DataArray(generator.integers(0, 6, (3, 3, 2, 3)).astype(float), coords, DIMS) for _ in range(2))
    y[0, 0, :, 0] = np.nan
    x[:, 1, 1, 0] = np.nan
    x[2, 2, 0, 0] = np.inf  # larger than all others
    y[..., 2] = np.nan
    y[0, 0, 0, 2] = 1.0  # one setting of the last seed is left, which has no order
    return x, y


def scipys(x: np.ndarray, y: np.ndarray) -> float:
    both = ~np.isnan(x) & ~np.isnan(y)
    return kendalltau(x[both], y[both]).statistic if both.sum() > 1 else np.nan


def test_kendall_is_scipys_seed_by_seed(grid: tuple[xr.DataArray, xr.DataArray]) -> None:
    x, y = grid
    tau = kendall(x, y.transpose("seed", "scale", "lr", "rho"), AXES)
    expected = [scipys(x.isel(seed=i).values.ravel(), y.isel(seed=i).values.ravel()) for i in range(3)]
    assert tau.dims == ("seed",)
    np.testing.assert_allclose(tau, expected, rtol=1e-12)
    assert np.isnan(expected[2])


def test_a_granulated_term_is_the_mean_over_groups(grid: tuple[xr.DataArray, xr.DataArray]) -> None:
    x, y = grid
    terms = granulated(x, y, AXES)
    assert terms.axis.values.tolist() == AXES
    for axis, seed in product(AXES, range(3)):
        others = [name for name in AXES if name != axis]
        a, b = (of.isel(seed=seed).stack(group=others).transpose("group", axis).values for of in (x, y))
        groups = [scipys(p, q) for p, q in zip(a, b, strict=True)]
        expected = np.nanmean(groups) if np.isfinite(groups).any() else np.nan
        assert float(terms.sel(axis=axis).isel(seed=seed)) == pytest.approx(expected, rel=1e-12, nan_ok=True)


def test_an_effect_of_one_setting_on_both_is_not_in_the_other_terms() -> None:
    x = xr.DataArray([[1.0, 2.0], [11.0, 12.0]], dims=("scale", "lr"))
    y = xr.DataArray([[2.0, 1.0], [22.0, 21.0]], dims=("scale", "lr"))
    assert float(kendall(x, y, ["scale", "lr"])) == pytest.approx(1 / 3)
    assert granulated(x, y, ["scale", "lr"]).values.tolist() == [1, -1]


def test_all_correlations_of_a_grid(grid: tuple[xr.DataArray, xr.DataArray]) -> None:
    x, y = grid
    values = rank_correlations(x, y, AXES, within="scale")
    names = ["τ", "ψ", "ψ_lr", "ψ_rho", "ψ_scale", "τ, scale = 0", "τ, scale = 1"]
    assert values.statistic.values.tolist() == names
    np.testing.assert_array_equal(values.sel(statistic="τ"), kendall(x, y, AXES))
    terms = granulated(x, y, AXES)
    np.testing.assert_array_equal(values.sel(statistic=names[2:5]), terms)
    np.testing.assert_array_equal(values.sel(statistic="ψ"), terms.mean("axis", skipna=False))
    for i in range(2):
        one = kendall(x.sel(scale=i), y.sel(scale=i), ["lr", "rho"])
        np.testing.assert_allclose(values.sel(statistic=f"τ, scale = {i}"), one, rtol=1e-12)
    with pytest.raises(InputError, match="within = 'seed'"):
        rank_correlations(x, y, AXES, within="seed")


def test_resolved_effects_are_counted() -> None:
    effects = xr.DataArray([[0.1, 0.2, 0.3], [-1.0, -2.0, -1.0], [-2.0, -1.0, -3.0], [-1.0, 0.0, 1.0]])
    assert count_resolved(effects, "dim_1") == (1, 2)
    assert count_resolved(effects.where(effects != 0.3), "dim_1") == (1, 2)  # a missing one counts as inf
    assert count_resolved(xr.DataArray([[-1.0, 0.0], [0.0, 1.0]]), "dim_1") == (0, 0)  # an end at 0 excludes nothing


@pytest.mark.parametrize(
    ("change", "over", "rule"),
    [
        (lambda y: y, ["lr", "momentum"], "x has the dimensions lr, rho, scale, seed"),
        (lambda y: y, [], "Use one or more of these"),
        (lambda y: y.isel(lr=0), ["lr"], "y has the dimensions rho, scale, seed"),
        (lambda y: y.astype(str), ["lr"], "must be real numbers"),
        (lambda y: y.assign_coords(lr=[7, 8, 9]), ["lr"], "has other coordinates than x"),
    ],
)
def test_bad_input(grid, change, over: list[str], rule: str) -> None:
    x, y = grid
    with pytest.raises(InputError, match=rule):
        kendall(x, change(y), over)
