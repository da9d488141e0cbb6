"""Exit times with censoring, mean squared displacements, grids of parameters."""

from typing import Any

import numpy as np
import pytest

import samdyn as sd
from samdyn.analysis import Exits, exit_times, linear_step, msd, over_grid

SADDLE = sd.landscapes.quadratic([1.0, -1.0])
NOISY = sd.Map(SADDLE, sd.USAM(0.2), lr=0.01, noise=sd.noise.Fisher((0, 0), 16))
ORIGIN = np.zeros((400, 2))


def test_a_run_without_noise_leaves_when_it_must() -> None:
    """w₂ ← (1 + η(1 − ρ))w₂ from 0.1 passes 0.5 at the first k with 1.008ᵏ > 5."""
    quiet = sd.Map(SADDLE, sd.USAM(0.2), lr=0.01)
    exits = exit_times(quiet, [[0, 0.1], [0, 1e-9]], ((-1, 1), (-0.5, 0.5)), 300)
    assert exits.t == pytest.approx([0.01 * np.ceil(np.log(5) / np.log(1.008)), 3.0])
    assert exits.exited.tolist() == [True, False]


def test_what_is_saved_after_every_run_has_left() -> None:
    quiet = sd.Map(SADDLE, sd.GD(), lr=0.01)
    runs = sd.simulate(quiet, [[0, 0.1], [0, 0.2]], 1000, save_every=100, box=((-1, 1), (-0.5, 0.5)))
    assert runs.end.values.tolist() == [162, 93]
    assert (runs.w[:, 2:] == runs.w[:, -1:]).all()
    assert runs.w[:, -1, 1].values == pytest.approx([0.1 * 1.01**162, 0.2 * 1.01**93])


def test_censored_runs_are_not_taken_for_exits() -> None:
    early = exit_times(NOISY, ORIGIN, ((-1, 1), (-0.05, 0.05)), 200)
    late = exit_times(NOISY, ORIGIN, ((-1, 1), (-0.05, 0.05)), 2000)
    assert not early.exited.all()
    assert late.exited.all()
    # What was seen early is the beginning of what was seen late: the same runs.
    np.testing.assert_array_equal(early.t[early.exited], late.t[early.exited])
    assert (early.t[~early.exited] == 2.0).all()
    half = late.survival().median()
    assert half[1] < np.median(late.t) < half[2]
    assert early.survival().median()[0] == pytest.approx(half[0])  # most have left by then: censoring does not touch it


def test_exits_of_a_diffusion_and_of_the_map_agree() -> None:
    box = ((-1, 1), (-0.2, 0.2))
    sde = sd.Diffusion(SADDLE, NOISY.method, NOISY.noise, lr=NOISY.lr)
    of_map, of_sde = (exit_times(s, ORIGIN, box, 5000).mean() for s in (NOISY, sd.EulerMaruyama(sde)))
    assert of_map[1] < of_sde[2]  # their 95 % intervals overlap
    assert of_sde[1] < of_map[2]
    assert of_map[2] / of_map[1] < 1.2


@pytest.mark.slow
def test_exits_of_diffusions_over_a_grid() -> None:
    """Medians of map and diffusion with their intervals, over ρ, γ, B and η: where η is small they agree."""
    axes = {"rho": [0.2], "momentum": [0.0, 0.8], "batch_size": [4, 64], "lr": [0.005]}
    sde = sd.Diffusion(SADDLE, NOISY.method, NOISY.noise, lr=NOISY.lr)
    starts, box = np.zeros((1000, 2)), ((-9, 9), (-0.12, 0.12))

    def medians(exits: Exits) -> dict[str, float]:
        return dict(zip(("median", "low", "high"), exits.survival().median(), strict=True))

    of_map = over_grid(NOISY, axes, lambda m: medians(exit_times(m, starts, box, 1500, seed=1)))
    of_sde = over_grid(sde, axes, lambda s: medians(exit_times(sd.EulerMaruyama(s), starts, box, 1500, seed=2)))
    assert np.isfinite(of_map["median"]).all()
    assert ((of_map.low <= of_sde.high) & (of_sde.low <= of_map.high)).all()
    assert (of_map["median"].sel(momentum=0.8) < 0.5 * of_map["median"].sel(momentum=0.0)).all()


@pytest.mark.parametrize("delay", [0.0, 0.5])
def test_mean_exit_time(delay: float) -> None:
    """Of an exponential law that begins late, seen to the end and not: 95 % intervals hold the mean as often."""
    generator, number = np.random.default_rng(0), 600
    held = {"complete": 0, 2.0: 0, 4.0: 0}
    for _ in range(number):
        t = delay + generator.exponential(2.0, 500)
        for name in held:
            seen = np.inf if name == "complete" else name
            mean, low, high = Exits(np.minimum(t, seen), t < seen).mean()
            assert low < mean < high < 4.5
            held[name] += low < 2.0 + delay < high
    # Three standard deviations of a share of 600 are 2.7 %.
    assert min(held.values()) > (0.95 - 0.027) * number


def test_mean_exit_time_where_none_leave() -> None:
    mean, low, high = Exits(np.full(1000, 30.0), np.zeros(1000, dtype=bool)).mean()
    # Of 1000 runs over the last 10: at most 3 exits with 95 %, and 20 before.
    assert (mean, high) == (np.inf, np.inf)
    assert low == pytest.approx(20 + 10_000 / -np.log(0.05), rel=1e-9)


@pytest.mark.slow
def test_msd_is_inverse_to_the_batch_size() -> None:
    """[theory 15] The slope of log MSD over log B, of simulated runs, within its own error; exactly, −1."""
    sizes = [1, 4, 16, 64]
    directions = np.eye(2)

    def measure(map_: sd.Map) -> dict[str, float]:
        runs = sd.simulate(map_, np.zeros((20_000, 2)), 100, save_every=100)
        found = msd(runs, directions)
        exact = linear_step(map_).moments((0, 0), 100)[1][-1, 1, 1]
        return {"msd": float(found.msd[-1, 1]), "error": float(found.error[-1, 1]), "exact": exact}

    table = over_grid(NOISY, {"batch_size": sizes}, measure)
    assert (np.abs(table.msd - table.exact) < 4 * table.error).all()
    slope = np.polyfit(np.log(sizes), np.log(table.msd), 1)[0]
    spread = np.log(sizes) - np.mean(np.log(sizes))
    error = float((table.error / table.msd)[0]) / np.sqrt((spread**2).sum())
    assert abs(slope + 1) < 4 * error < 0.03
    np.testing.assert_allclose(table.exact * sizes, table.exact[0], rtol=1e-12)


def test_msd_along_turned_axes() -> None:
    turned = sd.landscapes.quadratic([1.0, -1.0], rotation=0.7)
    map_ = sd.Map(turned, sd.GD(), lr=0.05, noise=sd.noise.Gaussian(1.0))
    runs = sd.simulate(map_, [[0.1, 0.2]] * 500, 20, save_every=10)
    axes = np.array([[np.cos(0.7), -np.sin(0.7)], [np.sin(0.7), np.cos(0.7)]])
    found = msd(runs, axes)
    by_hand = ((runs.w.values[:, 1] - [0.1, 0.2]) @ axes[:, 1]) ** 2
    assert float(found.msd[1, 1]) == pytest.approx(by_hand.mean(), rel=1e-12)
    assert float(found.error[1, 1]) == pytest.approx(by_hand.std(ddof=1) / np.sqrt(500), rel=1e-12)
    assert found.msd[0].values.tolist() == [0, 0]


def test_grids_are_labelled() -> None:
    axes = {"rho": [0.1, 0.2], "momentum": [0.0, 0.5, 0.9], "batch_size": [4, 16], "lr": [0.01]}
    table = over_grid(NOISY, axes, lambda m: {"all": m.method.rho + m.momentum + m.noise.batch_size + m.lr})
    assert dict(table.sizes) == {"rho": 2, "momentum": 3, "batch_size": 2, "lr": 1}
    assert float(table["all"].sel(rho=0.2, momentum=0.9, batch_size=16, lr=0.01)) == pytest.approx(17.11)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: over_grid(NOISY, {"B": [1]}, lambda m: {}), "has no parameter of this name"),
        (lambda: over_grid(NOISY, {"batch_size": [16, 0]}, lambda m: {}), "batch_size = 0"),
        (lambda: over_grid(NOISY, {"rho": []}, lambda m: {}), "at least one value"),
        (lambda: exit_times(NOISY, [[0, 0], [0, 3.0]], ((-1, 1), (-1, 1)), 5), r"w0 = \[0.0, 3.0\]: is outside"),
        (lambda: msd(sd.simulate(NOISY, ORIGIN, 5), np.eye(2)), "the starts were not saved"),
        (lambda: msd(sd.simulate(NOISY, ORIGIN, 5, save_every=5), np.eye(3)), "shape of directions"),
        (lambda: exit_times(NOISY, ORIGIN, ((-1, 1),), 5), r"1 pair\(s\) for 2"),
    ],
)
def test_bad_input(wrong: Any, message: str) -> None:
    with pytest.raises(sd.InputError, match=message):
        wrong()


def test_exits_along_a_coordinate_are_those_of_a_box_that_is_wide_elsewhere() -> None:
    start = np.array([5.0, 0.1])
    exits = sd.analysis.exits_along(NOISY, start, 1, 0.2, 400, runs=50, seed=3)
    box = ((-1e4, 1e4), (-0.1, 0.3))
    expected = exit_times(NOISY, np.tile(start, (50, 1)), box, 400, seed=3)
    np.testing.assert_array_equal(exits.t, expected.t)
    assert exits.exited.sum() > 0
    with pytest.raises(sd.InputError, match="coordinate = 2: there are 2"):
        sd.analysis.exits_along(NOISY, start, 2, 0.2, 10)
    with pytest.raises(sd.InputError, match="must be 2 finite coordinates"):
        sd.analysis.exits_along(NOISY, [start], 1, 0.2, 10)
