"""The curves of bifurcations that ``plot.bifurcation_curves`` draws."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib import pyplot as plt

import samdyn as sd

POINT = sd.analysis.CodimensionTwoPoint("cusp", np.array([0.5, 0.25]), np.zeros(1), np.zeros((1, 1)), np.zeros(1))
FOLD = sd.analysis.BifurcationCurve(
    "fold",
    ("rho", "mu_1"),
    ((0.0, 1.0), (0.0, 1.0)),
    np.array([[0.0, 0.0], [0.5, 0.25], [1.0, 1.0]]),
    np.zeros((3, 1)),
    np.zeros((3, 1, 1)),
    np.zeros((3, 1)),
    np.zeros(3, dtype=complex),
    np.ones(3),
    (POINT,),
    ("reached the limits", "reached the limits"),
)


def test_curves_and_points() -> None:
    hopf = replace(
        FOLD, kind="Hopf", parameters=FOLD.parameters[::-1], points=(replace(POINT, kind="generalised Hopf"),)
    )
    figure, ax = plt.subplots()
    sd.plot.bifurcation_curves([FOLD, hopf, replace(FOLD, points=())], ax)
    handles, labels = ax.get_legend_handles_labels()
    assert labels == ["fold", "Hopf", "cusp", "generalised Hopf"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == (r"radius $\rho$", r"$\mu_{1}$")
    np.testing.assert_array_equal(handles[0].get_xydata(), FOLD.parameters)
    np.testing.assert_array_equal(handles[2].get_xydata(), [POINT.parameters])
    assert len({handle.get_linestyle() for handle in handles[:2]}) == 2
    assert len({handle.get_marker() for handle in handles[2:]}) == 2
    plt.close(figure)


def test_curves_over_other_parameters() -> None:
    figure, ax = plt.subplots()
    with pytest.raises(sd.InputError, match="at least one curve"):
        sd.plot.bifurcation_curves([], ax)
    with pytest.raises(sd.InputError, match=r"the first curve is over \('rho', 'mu_1'\)"):
        sd.plot.bifurcation_curves([FOLD, replace(FOLD, names=("rho", "lr"))], ax)
    plt.close(figure)
