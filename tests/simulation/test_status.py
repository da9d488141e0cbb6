"""What became of a run is one of four strings, in results too."""

import doctest

import numpy as np

import samdyn as sd
from samdyn.simulation import status


def test_a_status_is_a_string() -> None:
    assert f"{sd.Status.LEFT}" == "left the box"
    assert doctest.testmod(status).attempted == 1
    assert max(map(len, sd.Status)) == int(status.DTYPE.removeprefix("U"))


def test_results_hold_plain_strings() -> None:
    saddle = sd.Landscape("x**2 - y**2", "x y")
    starts = [(0, 1), (1, 0), (0, 0.1)]
    runs = sd.simulate(sd.Map(saddle, sd.GD(), lr=0.1), starts, 10, box=[(-2, 2)] * 2)
    flow = sd.integrate(sd.Flow(saddle, sd.GD()), starts, [0, 0.5], box=[(-2, 2)] * 2)
    for found in (runs, flow):
        assert found.status.dtype.kind == "U"
        assert {type(one) for one in found.status.values.tolist()} == {str}
    assert runs.status.values.tolist() == ["left the box", "undecided", "undecided"]
    assert flow.status.values.tolist() == ["left the box", "undecided", "undecided"]
    np.testing.assert_array_equal(runs.status == "left the box", runs.status == sd.Status.LEFT)


def test_outcomes_of_an_escape_share_it() -> None:
    assert sd.analysis.OUTCOMES == ("trapped", "escaped", "diverged", "undecided")
    assert sd.Status.DIVERGED in sd.analysis.OUTCOMES
