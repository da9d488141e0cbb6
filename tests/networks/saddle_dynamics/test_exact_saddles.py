"""What methods do at saddles of networks that are known exactly, beside what a quadratic says."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import samdyn as sd
from samdyn import theory
from samdyn.checks import InputError
from samdyn.networks import saddle_dynamics, saddles

ORIGIN = "linear 4-4-3, origin"
Places = dict[str, tuple[sd.networks.Network, sd.analysis.CriticalPoint]]


@pytest.fixture(scope="module")
def places() -> Places:
    return saddle_dynamics.exact_saddles(hidden=2, samples=40)


def test_they_are_saddles(places: Places) -> None:
    about = saddles.describe(places)
    assert about.saddle.values.tolist() == [ORIGIN, "linear 4-4-3, rank 1", "one neuron, (0, 1)", "tanh 64-2-10, zero"]
    assert float(about.gradient_norm.max()) < 1e-12
    assert (about.lam_min <= about.lam_nearest).all()
    assert (about.lam_nearest < -0.1).all()
    _, inputs, targets = saddle_dynamics.linear_teacher((4, 4, 3))
    singular = torch.linalg.svdvals(2 / 3 * targets.T @ inputs / len(inputs))
    origin = about.sel(saddle=ORIGIN)
    # Each of the three singular values belongs to four hidden units; the fourth input of each is flat.
    assert (int(origin.negative), int(origin.zero), int(origin.dim)) == (12, 4, 28)
    np.testing.assert_allclose([origin.lam_min, origin.lam_nearest], [-singular[0], -singular[-1]], rtol=1e-10)


def test_saddles_without_a_lambda_are_not_among_them() -> None:
    neuron = sd.landscapes.one_neuron()
    assert len(sd.critical_points(neuron)) == 0
    assert not neuron.hessian(torch.zeros(2, dtype=torch.float64)).any()
    deep = saddle_dynamics.linear_teacher((4, 4, 4, 3))[0]
    w = torch.zeros(deep.dim, dtype=torch.float64)
    assert not deep.grad(w).any()
    assert not deep.hessian(w).any()


@pytest.mark.parametrize("nearest", [False, True])
def test_usam_grows_along_an_eigenvector_as_the_map_of_the_quadratic_does(places: Places, nearest: bool) -> None:
    network, point = places["tanh 64-2-10, zero"]
    number = len(saddles.ways_out(point)[0]) - 1 if nearest else 0
    lam, lr = point.eigenvalues[number], -0.05 / point.eigenvalues[0]
    rho = np.array([0.0, 0.5, 0.95, 1.05, 2.0]) / abs(lam)
    rates = saddle_dynamics.rates_along(sd.Map(network, sd.USAM(rho), lr=lr), point, number)
    # What is left is of second order in the displacement, 1e-6, over a rate of 0.05|λ|.
    np.testing.assert_allclose(rates, theory.escape_rate(lam=lam, lr=lr, rho=rho), rtol=1e-4)
    if not nearest:  # the step is told from the flow
        assert abs(rates / -theory.effective_curvature(lam, rho) - 1).max() > 1e-2


def test_the_trap_is_as_wide_as_rho_where_rho_is_small(places: Places) -> None:
    for network, point in (places[ORIGIN], places["one neuron, (0, 1)"]):
        length = saddle_dynamics.first_rise(network, point)
        stiffest = float(abs(point.eigenvalues).max())
        map_ = sd.Map(network, sd.SAM(np.array([0.01, 0.02]) * length), lr=0.1 / stiffest)
        captured, lost = saddle_dynamics.capture_widths(map_, point, 120, rounds=1)
        assert (captured <= 1).all()
        assert (lost >= 1).all()
        np.testing.assert_allclose(lost - captured, (4 - 0.25) / 12)
    captured, lost = saddle_dynamics.capture_widths(map_, point, 120, rounds=1, limits=(1.5, 4.0))
    assert (captured.tolist(), lost.tolist()) == ([0, 0], [1.5, 1.5])
    captured, lost = saddle_dynamics.capture_widths(map_, point, 120, rounds=1, limits=(0.25, 0.75))
    assert (captured.tolist(), lost.tolist()) == ([0.75, 0.75], [np.inf, np.inf])


def test_the_first_rise_is_that_of_the_line(places: Places) -> None:
    network, point = places[ORIGIN]
    length = saddle_dynamics.first_rise(network, point)
    w = point.w[:, None] + point.eigenvectors[:, :1] * (length + np.array([-0.02, 0.0, 0.03]))
    before, there, after = network.value(torch.as_tensor(w)).tolist()
    assert there < min(before, after)


@pytest.mark.parametrize("ratio", [0.0, 0.5, 1.5])
def test_escape_times_are_those_of_the_quadratic(places: Places, ratio: float) -> None:
    network, point = places[ORIGIN]
    lam = point.eigenvalues[:, None]
    rho, lr = -ratio / lam[0, 0], -0.2 / lam[0, 0]
    starts = sd.analysis.starts_around(point, 6, "sphere", 0.01)
    loss = 0.99 * point.loss
    t, escaped = saddle_dynamics.escape_times(sd.Map(network, sd.USAM(rho), lr=lr), starts, loss, 200)
    w, expected = point.eigenvectors.T @ starts.T, np.full(6, 200 * lr)
    for step in range(200):
        low = -(lam * w**2).sum(0) / 2 > 0.01 * point.loss
        expected[low] = np.minimum(expected[low], step * lr)
        w = w * (1 - lr * lam * (1 + rho * lam))
    assert (expected < 200 * lr).all() == escaped.all()
    # It is looked at every second step; the loss turns up a little where it is no longer a quadratic.
    assert (abs(t - expected) <= 3.01 * lr).all()


def test_runs_that_stay_are_censored_at_the_end(places: Places) -> None:
    network, point = places[ORIGIN]
    map_ = sd.Map(network, sd.SAM(0.03), lr=0.05)
    starts = sd.analysis.starts_around(point, 4, "sphere", 0.01)
    t, escaped = saddle_dynamics.escape_times(map_, starts, 0.99 * point.loss, 50)
    assert (t.tolist(), escaped.any()) == ([50 * 0.05] * 4, False)


def test_widths_and_times_in_the_units_of_the_saddle(places: Places) -> None:
    network, point = places[ORIGIN]  # the distance of whose minimum is not 1
    shares = np.array([0.01, 0.6])
    widths = saddle_dynamics.relative_widths(network, point, shares, time=4.0)
    minimum, lr = saddle_dynamics.first_rise(network, point), 0.1 / abs(point.eigenvalues).max()
    map_ = sd.Map(network, sd.SAM(shares * minimum), lr=lr)
    expected = saddle_dynamics.capture_widths(map_, point, int(np.ceil(-4 / point.eigenvalues[0] / lr)))
    np.testing.assert_array_equal([widths.captured, widths.lost], expected)
    assert (widths.minimum == minimum).all()

    lam = -point.eigenvalues[0]
    map_ = sd.Map(network, sd.GD(), lr=0.2 / lam)
    times = saddle_dynamics.relative_times(map_, point, 3, 0.01, 100, tolerance=0.05, seed=1)
    starts = sd.analysis.starts_around(point, 3, "sphere", 0.01, 1)
    t, escaped = saddle_dynamics.escape_times(map_, starts, 0.95 * point.loss, 100)
    np.testing.assert_array_equal(times.escaped, escaped)
    np.testing.assert_allclose(times.t, lam * t)
    assert escaped.all()
    with pytest.raises(InputError, match="must lie in"):
        saddle_dynamics.relative_times(map_, point, 3, 0.01, 100, tolerance=1.0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda map_, point: saddle_dynamics.rates_along(map_, point, 28), "the point has the eigenvectors 0 to 27"),
        (lambda map_, point: saddle_dynamics.rates_along(map_, point, 0, distance=0.0), "must be a finite number > 0"),
        (
            lambda map_, point: saddle_dynamics.capture_widths(map_, point, 10, limits=(1.0, 1.0)),
            "must be two ascending numbers",
        ),
        (lambda map_, point: saddle_dynamics.capture_widths(map_, point, 10, cuts=1), "cuts = 1: must be at least 2"),
        (lambda map_, point: saddle_dynamics.escape_times(map_, [point.w], np.inf, 10), "must be a finite number"),
        (
            lambda map_, point: saddle_dynamics.first_rise(
                sd.landscapes.saddle(), sd.critical_points(sd.landscapes.saddle())[0]
            ),
            "rises nowhere",
        ),
        (lambda map_, point: saddle_dynamics.exact_saddles(samples=5), "must lie in [21, 1438]"),
    ],
)
def test_bad_input(places: Places, call: Callable[..., Any], message: str) -> None:
    network, point = places[ORIGIN]
    with pytest.raises(InputError) as raised:
        call(sd.Map(network, sd.SAM([0.1]), lr=0.1), point)
    assert message in str(raised.value)
