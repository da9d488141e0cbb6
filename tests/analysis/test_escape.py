"""Outcomes, survival curves and the certificate of capture."""

import math

import numpy as np
import pytest

import samdyn as sd
from samdyn import analysis


@pytest.mark.parametrize("steps", [10, 100, 300, 1000])
@pytest.mark.parametrize("height", [1e-3, 1e-9, 1e-15, 1e-100])
def test_slow_passage_is_never_capture(saddle, origin, steps: int, height: float) -> None:
    starts = np.column_stack([np.linspace(-0.5, 0.5, 9), np.full(9, height)])
    escape = analysis.escape(sd.Map(saddle, sd.GD(), lr=0.01), origin, starts, radius=1.0, steps=steps)
    assert escape.fraction("trapped") == 0


def test_runs_thrown_out_uphill_are_diverged_not_escaped(saddle, origin) -> None:
    # ηλ(1 + ρλ) = 2.4 > 2 along x: the step is unstable there, while y is held.
    starts = np.array([[0.3, 0.1], [-0.2, -0.1]])
    escape = analysis.escape(sd.Map(saddle, sd.USAM(0.7), lr=0.5), origin, starts, radius=1.0, steps=100)
    assert list(escape.outcome) == ["diverged"] * 2


def test_every_run_has_one_outcome(saddle, origin) -> None:
    starts = np.random.default_rng(0).uniform(-0.5, 0.5, (500, 2))
    escape = analysis.escape(sd.Map(saddle, sd.SAM(0.3), lr=0.01), origin, starts, radius=1.0, steps=2000)
    shares = [escape.fraction(outcome) for outcome in analysis.OUTCOMES]
    assert sum(shares) == pytest.approx(1)
    assert 0.4 < escape.fraction("trapped") < 0.7
    low, high = escape.interval("trapped")
    assert low < escape.fraction("trapped") < high


def test_a_trapping_ball_is_smaller_than_the_trap(saddle, origin) -> None:
    radius = analysis.trapping_radius(sd.Map(saddle, sd.SAM(0.3), lr=0.01), origin, largest=1.0, steps=2000)
    assert radius == 2**-1.75  # 0.297, the largest of the spheres 2^(−j/4) below ρ = 0.3


def test_exponential_times_give_their_median() -> None:
    rng = np.random.default_rng(0)
    times, censoring = rng.exponential(1.0, 4000), rng.uniform(0, 3, 4000)
    curve = analysis.survival(np.minimum(times, censoring), times <= censoring)
    median, low, high = curve.median()
    # The interval has its coverage by construction; with this seed it holds ln 2, and it is about 4/√4000 wide.
    assert low < math.log(2) < high
    assert high - low < 0.1
    assert low <= median <= high
    # Ignoring the censoring would give a median of about 0.5.
    assert abs(np.median(np.minimum(times, censoring)) - math.log(2)) > 0.1


def test_the_interval_covers_the_median_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(400):
        times, censoring = rng.exponential(1.0, 100), rng.uniform(0, 3, 100)
        _, low, high = analysis.survival(np.minimum(times, censoring), times <= censoring).median()
        covered += low <= math.log(2) <= high
    # Binomial(400, 0.95) has standard deviation 4.4: three of them.
    assert abs(covered - 380) <= 13


def test_nobody_escaped() -> None:
    curve = analysis.survival(np.array([5.0, 5.0]), np.array([False, False]))
    assert curve.median() == (math.inf, math.inf, math.inf)
    assert curve.last == 5


def test_few_runs_bound_the_median_from_below_only() -> None:
    # With five runs no upper 95 % limit of the median exists: the band does not come down to ½ where it is known.
    median, low, high = analysis.survival(np.arange(1.0, 6.0), np.ones(5, dtype=bool)).median()
    assert (low, median, high) == (1, 3, math.inf)


def test_everybody_escaped_at_once() -> None:
    curve = analysis.survival(np.array([2.0, 2.0, 2.0]), np.array([True, True, True]))
    assert curve.median()[0] == 2


def test_shares_are_of_outcomes_and_labels_that_there_are(saddle, origin) -> None:
    escape = analysis.escape(sd.Map(saddle, sd.GD(), lr=0.1), origin, np.eye(2), radius=2.0, steps=5)
    for outcome in ("trappd", (), None):
        for share in (escape.fraction, escape.interval):
            with pytest.raises(sd.InputError, match="no outcome has this name"):
                share(outcome)
    basins = analysis.basins(sd.Map(saddle, sd.GD(), lr=0.1), resolution=3, steps=100)
    for label in (-3, len(basins.attractors), 0.5, ()):
        for share in (basins.fraction, basins.interval):
            with pytest.raises(sd.InputError, match=r"^label = "):
                share(label)


@pytest.mark.parametrize(
    ("t", "escaped"),
    [
        *[(3.0, True), ([], []), ([1.0, -1.0], [True, False]), ([1.0, math.inf], [True, False])],
        *[([1.0, 2.0], [True]), ([1.0, 2.0], [0, 2])],
    ],
)
def test_survival_is_of_times_and_as_many_truth_values(t: object, escaped: object) -> None:
    with pytest.raises(sd.InputError, match=r"^(t|escaped) = "):
        analysis.survival(t, escaped)
    assert analysis.survival([1.0, 2.0], [0, 1]).last == 2.0


@pytest.mark.parametrize("values", [True, 0.1, [], [[0.1, 0.2]]])
def test_an_orbit_diagram_is_over_a_list_of_values(saddle, values: object) -> None:
    with pytest.raises(sd.InputError, match=r"^values = "):
        analysis.orbit_diagram(sd.Map(saddle, sd.SAM(0.1), lr=0.1), "rho", values, np.eye(2))
