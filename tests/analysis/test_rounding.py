"""predictability: how long a run can be compared with another implementation."""

import numpy as np
import pytest

import samdyn as sd

SADDLE = sd.Landscape("x**2 - y**2", "x y")
EPS = np.finfo(float).eps


@pytest.mark.parametrize(
    ("system", "w0", "length", "rate"),
    [
        (sd.Map(SADDLE, sd.GD(), lr=0.1), (1, 0), {"steps": 300}, np.log(1 + 0.1 * 2)),
        # Heavy ball: z² − (1 + γ + η|λ|) z + γ = 0.
        (
            sd.Map(SADDLE, sd.GD(), lr=0.01, momentum=0.9),
            (1, 0),
            {"steps": 500},
            np.log(max(np.roots([1, -1.92, 0.9]))),
        ),
        # Beside its jump SAM's step is w + η(w − ρ sgn w), which rests at ρ and separates runs as fast as GD's.
        (sd.Map(sd.Landscape("-x**2/2", "x"), sd.SAM(0.1), lr=0.05), (0.1,), {"steps": 900}, np.log(1.05)),
        (sd.Flow(SADDLE, sd.GD()), (1, 0), {"time": 12.0}, 2.0),
    ],
    ids=["gd", "momentum", "sam", "flow"],
)
def test_grows_at_the_rate_of_the_unstable_direction(system, w0, length, rate) -> None:
    found = sd.predictability(system, w0, **length, progress=False)
    assert found.rate == pytest.approx(rate, rel=5e-3)
    assert found.lyapunov_time == pytest.approx(1 / rate, rel=5e-3)
    # The errors of k contracting steps are at most those of a few steps at the start: a few Lyapunov times.
    size = EPS if isinstance(system, sd.Map) else 1e-8
    assert found.horizon == pytest.approx(np.log(1e-3 / size) / rate, abs=6 / rate)
    assert found.interval[0] <= found.horizon <= found.interval[1]
    assert (found.distances[0] <= 2 * size).all()


def test_runs_that_approach_a_minimum_are_always_comparable() -> None:
    found = sd.predictability(sd.Map(sd.Landscape("x**2", "x"), sd.GD(), lr=0.1), (1,), steps=200, progress=False)
    assert found.horizon == np.inf
    assert np.isinf(found.horizons).all()
    assert found.lyapunov_time == np.inf
    assert found.rate == pytest.approx(np.log(0.8), rel=0.1)
    assert "all 200 steps" in str(found)


def test_the_horizon_of_chaos_is_that_of_its_lyapunov_exponent() -> None:
    # The quartic's step x + η(x − x³) at η = 1.35 is chaotic.
    map_ = sd.Map(sd.landscapes.double_well(), sd.GD(), lr=1.35)
    found = [sd.predictability(map_, (x, 0.2), steps=300, progress=False) for x in np.linspace(0.1, 0.8, 8)]
    exponent = float(sd.lyapunov(map_, (0.3, 0.2), steps=4000, progress=False).per_step[0, 0])
    # The local rates have a standard deviation of 0.6; those of 8 orbits of a hundred steps average to a tenth.
    assert np.mean([one.rate for one in found]) == pytest.approx(exponent, rel=0.2)
    assert np.mean([one.horizon for one in found]) == pytest.approx(np.log(1e-3 / EPS) / exponent, rel=0.1)


def test_errors_that_a_minimum_forgot_come_back_at_a_saddle() -> None:
    # Along the valley y = 0 copies approach the run; errors of later steps grow once the saddle at x = 0 is passed.
    landscape = sd.Landscape("x**2/2 + (1 - 2*exp(-x**2))*y**2/2", "x y")
    found = sd.predictability(sd.Map(landscape, sd.GD(), lr=0.1), (3, 0), steps=600, progress=False)
    assert found.distances[:, 0].argmin() > 5
    assert found.rate == pytest.approx(np.log(1.1), rel=0.02)
    assert np.isfinite(found.horizon)


def test_refuses_what_it_cannot_compare() -> None:
    noisy = sd.Map(SADDLE, sd.GD(), lr=0.1, noise=sd.noise.Gaussian(0.1))
    with pytest.raises(sd.InputError, match="without noise"):
        sd.predictability(noisy, (1, 0))
    with pytest.raises(sd.InputError, match="one start"):
        sd.predictability(sd.Map(SADDLE, sd.GD(), lr=0.1), [(1, 0), (2, 0)])
    with pytest.raises(sd.InputError, match="at least 2"):
        sd.predictability(sd.Map(SADDLE, sd.GD(), lr=0.1), (1, 0), copies=1)
