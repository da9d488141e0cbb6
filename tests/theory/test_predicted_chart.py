"""Stability charts in closed form, beside measured ones."""

import dataclasses

import numpy as np
import pytest

import samdyn as sd
from samdyn import analysis, theory

SADDLE = sd.landscapes.saddle()
(ORIGIN,) = sd.critical_points(SADDLE)


@pytest.mark.parametrize(
    ("method", "y"),
    [
        (sd.USAM(0.1), ("lr", np.linspace(0.01, 0.2, 7))),
        (sd.SAM(0.1), ("distance", np.linspace(0.05, 1.0, 7))),
        (sd.GD(), ("momentum", np.linspace(0.0, 0.9, 7))),
    ],
)
def test_it_has_the_signs_of_the_measured_chart(method: sd.Method, y: tuple[str, np.ndarray]) -> None:
    map_ = sd.Map(SADDLE, method, lr=0.01)
    x = ("lr", np.linspace(0.01, 0.1, 6)) if isinstance(method, sd.GD) else ("rho", np.linspace(0.08, 1.0, 6))
    chart = analysis.stability_chart(map_, ORIGIN, x, y, steps=600)
    closed_form = theory.predicted_chart(map_, ORIGIN, chart)
    assert closed_form is not None
    assert chart.differences(closed_form)[1] == 0
    assert closed_form.returns.any() != isinstance(method, sd.GD)
    fine = theory.predicted_chart(map_, ORIGIN, chart, resolution=11)
    assert fine is not None
    assert fine.rate.shape == (11, 11)
    np.testing.assert_allclose(fine.rate[[0, -1], [0, -1]], closed_form.rate[[0, -1], [0, -1]])


def test_without_a_formula_it_is_none() -> None:
    axes = ("rho", np.array([0.1, 1.0])), ("distance", np.array([0.1, 1.0]))
    for map_ in (sd.Map(SADDLE, sd.USAM(0.1), lr=0.01), sd.Map(SADDLE, sd.SAM(0.1), lr=0.01, momentum=0.9)):
        assert theory.predicted_chart(map_, ORIGIN, analysis.stability_chart(map_, ORIGIN, *axes, steps=5)) is None


def test_a_chart_beside_its_closed_form() -> None:
    axes = ("rho", np.linspace(0.08, 1.0, 6)), ("lr", np.linspace(0.01, 0.2, 7))
    map_ = sd.Map(SADDLE, sd.USAM(0.1), lr=0.01)
    chart = analysis.stability_chart(map_, ORIGIN, *axes, steps=600)
    data = theory.compared_chart(map_, ORIGIN, chart)
    returns = data.predicted < 0
    assert float(data.theory) == float(returns.mean()) > 0.2
    assert float(data.measured) == float((data.rate < 0).mean())
    assert (int(data.differ), int(data.off)) == (int(((data.rate < 0) != returns).sum()), 0)
    inverted = theory.compared_chart(map_, ORIGIN, dataclasses.replace(chart, rate=-chart.rate))
    assert int(inverted.differ) == chart.rate.size - int(data.differ)


def test_a_chart_without_a_closed_form() -> None:
    axes = ("rho", np.array([0.1, 1.0])), ("distance", np.array([0.1, 1.0]))
    map_ = sd.Map(SADDLE, sd.SAM(0.1), lr=0.01, momentum=0.9)
    data = theory.compared_chart(map_, ORIGIN, analysis.stability_chart(map_, ORIGIN, *axes, steps=5))
    assert "predicted" not in data
    assert np.isnan([data.theory, data.differ, data.off]).all()
    assert 0 <= float(data.measured) <= 1
