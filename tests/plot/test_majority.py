"""The outcome of most runs, at every point of a grid."""

import pytest
import xarray as xr
from matplotlib import pyplot as plt

from samdyn import plot
from samdyn.checks import InputError

MARKS = {"held": {"marker": "s"}, "escaped": {"marker": "o"}}


def test_half_of_the_runs_are_no_majority() -> None:
    rows = [[["held", "held", "escaped", "held"], ["escaped", "held", "held", "escaped"]]]
    outcome = xr.DataArray(rows, dims=("B", "rho", "start"), coords={"B": [8], "rho": [0.1, 0.2]})
    figure, ax = plt.subplots()
    plot.majority(outcome.transpose("start", "rho", "B"), ax, x="rho", y="B", marks=MARKS, labels={"held": "caught"})
    dots = {one.get_label(): one.get_offsets().tolist() for one in ax.collections}
    assert dots == {"caught": [[0.1, 8]], "escaped": [], "no majority": [[0.2, 8]]}
    plt.close(figure)


def test_an_outcome_without_a_mark_is_refused() -> None:
    _, ax = plt.subplots()
    outcome = xr.DataArray([[["lost"]]], dims=("B", "rho", "start"))
    with pytest.raises(InputError, match="outcome = 'lost'"):
        plot.majority(outcome, ax, x="rho", y="B", marks=MARKS)
    plt.close()
