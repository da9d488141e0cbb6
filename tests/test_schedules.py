"""Schedules: their values, and the runs that follow them."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch

import samdyn as sd
from samdyn.checks import InputError
from samdyn.schedules import Cosine, InversePower, Piecewise, Schedule, Warmup

LANDSCAPE, START = sd.landscapes.himmelblau(), (0.8, -1.1)


@pytest.mark.parametrize(
    ("schedule", "value"),
    [
        (InversePower(0.3), lambda k: 0.3 / math.sqrt(1 + k)),
        (InversePower(0.3, 1, timescale=10), lambda k: 0.3 / (1 + k / 10)),
        (Cosine(0.3, 20, 0.1), lambda k: 0.1 + 0.1 * (1 + math.cos(math.pi * min(k, 20) / 20))),
        (Warmup(5, 0.3), lambda k: 0.3 * min(1, (k + 1) / 5)),
        (Warmup(5, InversePower(0.3)), lambda k: 0.3 / math.sqrt(1 + k) * min(1, (k + 1) / 5)),
        (Piecewise([0.1, 0.0, 0.2], at=[3, 8]), lambda k: 0.1 if k < 3 else 0.0 if k < 8 else 0.2),
    ],
)
def test_values(schedule: Schedule, value: Any) -> None:
    numbers = range(1, 31)
    expected = [value(number - 1) for number in numbers]
    np.testing.assert_allclose(schedule.at(torch.tensor(numbers)), expected, rtol=1e-14)
    assert [float(schedule.at(number)) for number in numbers] == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("backend", ["eager", "compiled"])
def test_runs_follow_them(backend: str) -> None:
    """Every step of a run is the step of ``map_.at``, and time is the sum of the learning rates."""
    method = sd.SAM(Piecewise([0.0, 0.3], at=[4]))
    map_ = sd.Map(LANDSCAPE, method, lr=Warmup(3, Cosine(0.004, 20)), momentum=InversePower(0.9))
    runs = sd.simulate(map_, START, 12, save_every=1, backend=backend)
    state = map_.start(torch.tensor(START, dtype=torch.float64)[:, None])
    rates = []
    for number in range(1, 13):
        one = map_.at(number)
        assert one.method.rho == (0.0 if number <= 4 else 0.3)
        state = one.step(state)
        rates.append(one.lr)
        np.testing.assert_allclose(runs.w[0, number], state[0][:, 0], rtol=1e-12)
    np.testing.assert_allclose(runs.time, np.concatenate([[0], np.cumsum(rates)]), rtol=1e-14)


def test_a_parameter_of_the_base_and_a_run_that_goes_on() -> None:
    map_ = sd.Map(LANDSCAPE, sd.GD(), lr=0.01, base=sd.bases.Adam(beta2=Warmup(50, 0.99)))
    whole = sd.simulate(map_, START, 9, backend="eager")
    part = sd.simulate(map_, START, 5, backend="eager")
    memory = {name: part[name].values for name in map_.memory}
    rest = sd.simulate(map_, part.w.values[:, -1], 4, v0=memory, first_step=5, backend="eager")
    np.testing.assert_array_equal(rest.w[:, -1], whole.w[:, -1])


@dataclass(frozen=True)
class Falling(Schedule):
    def value(self, k: torch.Tensor) -> torch.Tensor:
        return 0.05 - 0.01 * k


@dataclass(frozen=True)
class Poles(Schedule):
    def value(self, k: torch.Tensor) -> torch.Tensor:
        return 1 / (k - 2) ** 2


@pytest.mark.parametrize(
    ("map_", "message"),
    [
        (sd.Map(LANDSCAPE, sd.GD(), lr=Falling()), r"lr = Falling\(\): is 0 in step 6: must be a finite number > 0"),
        (sd.Map(LANDSCAPE, sd.GD(), lr=Poles()), "lr = .*is inf in step 3"),
        (sd.Map(LANDSCAPE, sd.SAM(Falling()), lr=0.1), "rho = .*is -0.01 in step 7: the radius must be"),
        (
            sd.Map(LANDSCAPE, sd.GD(), 0.1, base=sd.bases.EMA(Poles())),
            r"momentum = .*is 1 in step 2: must lie in \[0, 1\)",
        ),
        (sd.Map(LANDSCAPE, sd.GD(), lr=Cosine(0.1, 9)), "is 0 in step 10"),
    ],
)
def test_values_out_of_range_are_refused_before_the_first_step(map_: sd.Map, message: str) -> None:
    with pytest.raises(InputError, match=message):
        sd.simulate(map_, START, 20)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Cosine(-1, 3), "initial = -1"),
        (lambda: Cosine(1, 0), "steps = 0"),
        (lambda: InversePower(1, timescale=0), "timescale = 0"),
        (lambda: Warmup(2, float("inf")), "then = inf"),
        (lambda: Piecewise([1, 2], at=[]), r"at = \(\): are 0 steps at which 2 values change"),
        (lambda: Piecewise([1, 2, 3], at=[5, 5]), "must ascend"),
        (lambda: sd.Map(LANDSCAPE, sd.GD(), Warmup(2, 1)).step((torch.ones(2, 1),)), "the number of this step is not"),
        (lambda: sd.Map(LANDSCAPE, sd.GD(), Warmup(2, 1)).at(0), "number = 0"),
        (
            lambda: sd.analysis.growth_rate(sd.Map(sd.landscapes.saddle(), sd.GD(), Warmup(2, 1)), POINT),
            "the schedule W",
        ),
    ],
)
def test_refusals(make: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()


(POINT,) = sd.critical_points(sd.landscapes.saddle())


def test_exit_times_in_units_of_each_runs_steps() -> None:
    """Time is the sum of the scheduled learning rates, or kη at each run's own η."""
    saddle, box = sd.landscapes.saddle(), [(-9, 9), (-1, 1)]

    def times(lr: Any) -> np.ndarray:
        return sd.analysis.exit_times(sd.Map(saddle, sd.GD(), lr), [(0, 0.1), (0, 0.2)], box, 100).t

    alone = [times(0.1)[0], times(0.05)[1]]
    np.testing.assert_allclose(times([0.1, 0.05]), alone, rtol=1e-14)
    np.testing.assert_allclose(times(Piecewise([0.1, 0.05], at=[2])), [0.2 + 0.05 * n for n in (21, 14)], rtol=1e-12)
    with pytest.raises(InputError, match=r"lr = .*exit times are counted in steps of one length"):
        sd.simulate(sd.Map(saddle, sd.GD(), Warmup(2, 0.1)), (0, 0.1), 9, box=box, statistics=["exit_times"])
