"""A panel shows the data of its place in the grid, and the frame says everything once."""

import itertools

import numpy as np
import pytest
import xarray as xr

import samdyn as sd


@pytest.fixture
def data() -> xr.DataArray:
    coords = {"rho": [0.1, 0.2, 0.5], "B": [4, 16], "step": [0, 1]}
    return xr.DataArray(np.arange(12.0).reshape(3, 2, 2), dims=("rho", "B", "step"), coords=coords)


def test_rows_and_columns_with_one_legend(data: xr.DataArray) -> None:
    figure, panels = sd.plot.panels(data, row="B", column="rho", title="B = {B}, ρ = {rho:g}", size=(2, 2))
    for (ax, part), (B, rho) in zip(panels, itertools.product((4, 16), (0.1, 0.2, 0.5)), strict=True):
        np.testing.assert_array_equal(part, data.sel(B=B, rho=rho))
        assert ax.get_title() == f"B = {B}, ρ = {rho:g}"
        ax.plot(part.step, part, label="x" if B == 4 else "y")
    assert sd.plot.frame(figure, "all", xlabel="step", ylabel="loss") is figure
    assert [ax.get_xlabel() for ax, _ in panels] == [""] * 3 + ["step"] * 3
    assert [ax.get_ylabel() for ax, _ in panels] == ["loss", "", ""] * 2
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["x", "y"]


def test_one_row_and_no_legend(data: xr.DataArray) -> None:
    figure, panels = sd.plot.panels(data.isel(rho=0), column="B")
    assert [ax.get_title() for ax, _ in panels] == ["4", "16"]
    assert not sd.plot.frame(figure, "all").legends
    with pytest.raises(sd.InputError, match="gamma"):
        sd.plot.panels(data, column="gamma")


def test_vertical_axes(data: xr.DataArray) -> None:
    for one_scale, tops in ((True, [11] * 4), (False, [3, 3, 11, 11])):
        _, panels = sd.plot.panels(data.isel(rho=[0, 2]), row="rho", column="B", one_scale=one_scale)
        for ax, part in panels:
            ax.plot(part.step, part)
            ax.margins(y=0)
        assert [ax.get_ylim()[1] for ax, _ in panels] == pytest.approx(tops)


def test_a_label_looks_as_in_its_first_panel(data: xr.DataArray) -> None:
    figure, panels = sd.plot.panels(data.isel(rho=0), column="B")
    for (ax, part), color in zip(panels, ("black", "red"), strict=True):
        ax.plot(part.step, part, label="loss", color=color)
    (legend,) = sd.plot.frame(figure, "all").legends
    assert [line.get_color() for line in legend.get_lines()] == ["black"]
