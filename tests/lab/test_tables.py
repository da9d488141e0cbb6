"""Tables of datasets."""

import numpy as np
import pytest
import xarray as xr

import samdyn as sd
from samdyn import lab, statistics


def cells(table: object) -> list[tuple[str, ...]]:
    return list(zip(*(column.cells for column in table.columns), strict=True))  # type: ignore[attr-defined]


DATA = xr.Dataset(
    {
        "loss": (("method", "rho"), [[1.0, np.nan], [np.inf, 2.5]]),
        "loss_error": (("method", "rho"), [[0.1, 0.2], [0.3, 0.4]]),
        "runs": ("run", [1, 2, 3]),
        "info": ((), "a point of information"),
    },
    coords={"method": ["GD", "SAM"], "rho": [0.1, 0.5]},
)


def test_a_row_for_every_value_of_the_dimensions_in_their_order() -> None:
    columns = {"method": "{method}", "ρ": "{rho:g}", "loss": lab.plus_minus("loss", ".1f"), "info": "{info}"}
    told = "a point of information"  # the word inf inside another word stays
    assert cells(lab.table(DATA, columns, ["method", "rho"])) == [
        ("GD", "0.1", "1.0 ± 0.1", told),
        ("GD", "0.5", "", told),
        ("SAM", "0.1", "∞ ± 0.3", told),
        ("SAM", "0.5", "2.5 ± 0.4", told),
    ]


def test_functions_rows_given_one_by_one_and_text_that_appears_once() -> None:
    rows = [DATA.isel(method=i, rho=j) for i, j in ((0, 0), (0, 1), (1, 1))]
    columns: dict[str, lab.Column] = {"method": "{method}", "ρ": "{rho:g}", "runs": lambda row: str(row.sizes["run"])}
    table = lab.table(rows, columns, once=2, left=2, keys=2, title="runs")
    assert cells(table) == [("GD", "0.1", "3"), ("", "0.5", "3"), ("SAM", "0.5", "3")]
    assert [column.justify for column in table.columns] == ["left", "left", "right"]
    assert (table.title, table.keys) == ("runs", 2)


def test_columns_across_a_dimension_and_percents() -> None:
    table = lab.table(DATA, {"": "{method}", **lab.across(DATA.rho, "ρ = {:g}", lab.percent("loss", ".0f"))}, "method")
    assert [column.header for column in table.columns] == ["", "ρ = 0.1", "ρ = 0.5"]
    assert cells(table)[1] == ("SAM", "inf", "250")


def test_medians_are_those_of_statistics() -> None:
    samples = np.random.default_rng(0).normal(size=(4, 20))
    data = xr.Dataset({"loss": (("rho", "seed"), samples), "name": ("rho", list("abcd"))}).assign(steps=7)
    result = lab.medians(data, "seed")
    ends = statistics.median_interval(data.loss, "seed")
    for name, values in zip(("loss", "loss_low", "loss_high"), ends, strict=True):
        xr.testing.assert_equal(result[name], values.rename(name))
    assert set(result) == {"loss", "loss_low", "loss_high", "name", "steps"}
    text = cells(lab.table(result, {"loss": lab.interval("loss", ".3f")}, "rho"))[2][0]
    assert text == "{:.3f} [{:.3f}, {:.3f}]".format(*(float(end[2]) for end in ends))
    # A missing sample among others is the worst; a setting that was not measured has no median.
    gaps = lab.medians(xr.Dataset({"loss": (("rho", "seed"), [[1.0, np.nan, np.nan], [np.nan] * 3])}), "seed")
    assert gaps.loss[0] == np.inf
    assert np.isnan(gaps.loss[1])
    assert np.isnan(gaps.loss_high[1])


def test_times_that_were_not_observed_are_bounds() -> None:
    data = xr.Dataset(
        {
            "t": ("i", [3.0, np.inf]),
            "t_low": ("i", [1.0, 4.0]),
            "t_high": ("i", [np.inf, np.inf]),
            "observed": ("i", [5.0, 5.0]),
        }
    )
    assert cells(lab.table(data, {"t": lab.censored("t", ".0f")}, "i")) == [("3 [1, ∞]",), ("> 5",)]


@pytest.mark.parametrize(
    ("columns", "over", "said"),
    [
        ({"loss": "{los:g}"}, ["method", "rho"], "Did you mean 'loss'?"),
        ({"loss": "{loss:g}"}, "method", "has dimensions"),
        ({"loss": "{loss:g}"}, "metod", "Did you mean 'method'?"),
    ],
)
def test_what_the_data_lack(columns: dict[str, lab.Column], over: str, said: str) -> None:
    with pytest.raises(sd.InputError) as refused:
        lab.table(DATA, columns, over)
    assert said in str(refused.value)
