"""Statistics that accumulate while runs go on: against NumPy on the whole, in any chunks, and what they refuse."""

import pickle
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
import xarray

import samdyn as sd
from samdyn.checks import InputError
from samdyn.simulation.statistics import Histogram, Setting, choose
from samdyn.simulation.statistics.accumulators import PIECE, Accumulators
from samdyn.simulation.statistics.moments import block

SADDLE = sd.Landscape("x**2 - y**2", "x y")
EDGES = [-np.inf, -1.5, -0.5, 0, 0.25, 1, np.inf]


def landscape(d: int) -> sd.Landscape:
    return sd.landscapes.quadratic([1.0] * d)


@dataclass
class Seen:
    """Runs at every save: w (saves, d, n), diverged and outside (saves, n); how they ended."""

    w: torch.Tensor
    diverged: torch.Tensor
    outside: torch.Tensor
    status: np.ndarray
    end: np.ndarray


def walk(d: int, n: int, saves: int = 3, seed: int = 0) -> Seen:
    """Return correlated random walks, of which a tenth diverge and a tenth leave the box in between."""
    rng = np.random.default_rng(seed)
    mix = rng.normal(size=(d, d))
    w = np.cumsum(np.einsum("ij,sjn->sin", mix, rng.normal(size=(saves, d, n))), 0) + rng.normal(size=(d, 1))
    fate, out_at = rng.integers(10, size=n), rng.integers(1, saves + 1, size=n)
    out = np.arange(saves)[:, None] >= out_at
    status = np.array(["undecided", "settled", "diverged", "left the box"])[np.where(fate < 4, fate, 0)]
    diverged, outside = (torch.tensor(out & (status == name)) for name in ("diverged", "left the box"))
    end = np.where(np.isin(status, ("diverged", "left the box")), np.minimum(10 * out_at, 29), 29)
    return Seen(torch.tensor(w), diverged, outside, status, end)


def everything(scene: sd.Landscape) -> tuple[Any, ...]:
    name = str(scene.symbols[0])
    return choose(["mean", "covariance", "msd", "exit_times", "status", Histogram({name: EDGES})], scene)


def setting(scene: sd.Landscape, saves: int = 1, dt: float = 0.1) -> Setting:
    return Setting(scene, saves, dt)


def gather(
    seen: Seen, chosen: tuple[Any, ...], sizes: Sequence[int] | None = None, *, dt: float = 0.1, scene: Any = None
) -> Accumulators:
    """Enter the runs in chunks of some sizes, each through all saves."""
    saves, d, n = seen.w.shape
    accumulators = Accumulators(chosen, setting(scene or landscape(d), saves, dt))
    first = 0
    for size in sizes or [n]:
        runs = slice(first, first + size)
        part = accumulators.chunk(runs, seen.w[0][:, runs])
        for slot in range(saves):
            part.observe(slot, seen.w[slot][:, runs], seen.diverged[slot][runs], seen.outside[slot][runs])
        part.finish(seen.status[runs], torch.tensor(seen.end[runs]), (seen.w[-1][:, runs],))
        first += size
    assert first == n
    return accumulators


def values(accumulators: Accumulators) -> dict[str, np.ndarray]:
    return {name: array for name, (_, array, _) in accumulators.results(refuse=True)[0].items()}


# What they are.


@pytest.mark.parametrize("d", [1, 2, 40])
def test_numpy_says_the_same_of_the_whole(d: int) -> None:
    # More than a piece, so that pieces are joined, and an end that is no whole block.
    n = PIECE["cpu"] // d + block(d) + 37
    seen = walk(d, n)
    found = values(gather(seen, everything(landscape(d))))
    for slot in range(3):
        counts = ~seen.diverged[slot].numpy()
        w, w0 = (seen.w[s].numpy()[:, counts] for s in (slot, 0))
        number = counts.sum()
        assert found["runs"][slot] == number
        assert (number < n) == (slot > 0)
        # Sums over 1e5 numbers of order 1 to 10 round to 1e-14; NumPy's own are that far off too.
        close = {"rtol": 1e-12, "atol": 1e-12}
        np.testing.assert_allclose(found["mean"][slot], w.mean(1), **close)
        np.testing.assert_allclose(found["mean_error"][slot], w.std(1, ddof=1) / np.sqrt(number), **close)
        np.testing.assert_allclose(found["covariance"][slot], np.cov(w).reshape(d, d), rtol=1e-12, atol=1e-11)
        squares = (w - w0) ** 2
        np.testing.assert_allclose(found["msd"][slot], squares.mean(1), **close)
        np.testing.assert_allclose(found["msd_error"][slot], squares.std(1, ddof=1) / np.sqrt(number), **close)
        name = f"histogram_{landscape(d).symbols[0]}"
        inner = np.histogram(w[0], EDGES[1:-1])[0]
        assert found[name][slot].tolist() == [(w[0] < -1.5).sum(), *inner[:-1], *found[name][slot][-2:]]
        assert found[name][slot].sum() == number
        assert found["exited"][slot] == (seen.diverged[slot] | seen.outside[slot]).sum()


def test_how_runs_ended() -> None:
    seen = walk(2, block(2) + 100)
    found = values(gather(seen, everything(landscape(2)), [block(2), 100], dt=0.5))
    left = np.isin(seen.status, ("diverged", "left the box"))
    assert found["status_count"].tolist() == [(seen.status == name).sum() for name in sd.Status]
    assert tuple(sd.Status) == ("settled", "diverged", "left the box", "undecided")
    # Sums of integers, halved: exact.
    assert found["exposure"] == 0.5 * seen.end.sum()
    np.testing.assert_allclose(found["exit_time"], 0.5 * seen.end[left].mean(), rtol=1e-15)


def test_exposure_gives_the_rate_of_an_exponential_law() -> None:
    rng, n, rate = np.random.default_rng(1), 50_000, 0.7
    exact = rng.exponential(1 / rate, n)
    end = np.minimum(exact / 1e-4, 20_000).astype(int)
    out = end < 20_000
    status = np.where(out, "left the box", "undecided")
    none, w = torch.zeros(1, n, dtype=torch.bool), torch.zeros(1, 1, n, dtype=torch.float64)
    seen = Seen(w, none, torch.tensor(out)[None], status, end)
    found = values(gather(seen, (sd.ExitTimes(),), dt=1e-4))
    # Its standard error is rate/√exits; four of them, and as much again for nothing: steps are 1e-4 long.
    error = 4 * rate / np.sqrt(out.sum())
    assert abs(found["exited"][-1] / found["exposure"] - rate) < error
    assert 0.7 < out.mean() < 0.8  # a quarter was censored: the mean of the exits alone is far off
    assert abs(1 / found["exit_time"] - rate) > 10 * error


def test_a_dataset_takes_them() -> None:
    seen = walk(2, 500)
    chosen = choose(["mean", "covariance", "exit_times", "status", Histogram({"y": [0, 1], "x": EDGES})], SADDLE)
    accumulators = gather(seen, chosen, scene=SADDLE)
    variables, coords = accumulators.results()
    data = xarray.Dataset(variables, coords=coords)
    assert data["mean"].sel(coord="y").shape == (3,)
    np.testing.assert_array_equal(data.covariance.sel(coord="x", coord_2="y"), data.covariance[:, 0, 1])
    assert data.status_count.sel(status="settled") == (seen.status == "settled").sum()
    assert data.histogram_x.dims == ("step", "bin_x")
    np.testing.assert_array_equal(data.x_left, EDGES[:-1])
    np.testing.assert_array_equal(data.x_right, EDGES[1:])
    assert data.histogram_y.shape == (3, 1)
    assert data.exposure.dims == ()
    assert {"msd", "msd_error"}.isdisjoint(data)


@pytest.mark.parametrize("chosen", ["mean", "covariance", "msd", "exit_times", "status", Histogram({"x": EDGES})])
def test_one_alone_is_what_it_is_among_others(chosen: Any) -> None:
    seen = walk(2, 20_000)
    all_ = ["mean", "covariance", "msd", "exit_times", "status", Histogram({"x": EDGES})]
    among = gather(seen, choose(all_, SADDLE), scene=SADDLE)
    alone = gather(seen, choose(chosen, SADDLE), scene=SADDLE)
    assert 1 < len(values(alone)) < len(values(among))
    for name, array in values(alone).items():
        np.testing.assert_array_equal(array, values(among)[name], err_msg=name)
    variables, coords = alone.results()
    xarray.Dataset(variables, coords=coords)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize("edges", [[0, 1], [-1, -0.5, 0, 2], list(np.linspace(-2, 2, 41)), [0.1, 0.2, 0.1 + 0.2]])
def test_bins_are_those_of_numpy(edges: list[float], dtype: torch.dtype) -> None:
    rng = np.random.default_rng(2)
    # On every edge, next to it on both sides, and anywhere.
    at = np.array(edges, dtype=float)
    x = np.concatenate([at, np.nextafter(at, 9), np.nextafter(at, -9), rng.normal(size=2000), at[-1:]])
    w = torch.tensor(np.stack([0 * x, x]), dtype=dtype)[None]
    none = torch.zeros(1, len(x), dtype=torch.bool)
    seen = Seen(w, none, none, np.full(len(x), "undecided"), np.ones(len(x), dtype=int))
    found = values(gather(seen, choose(Histogram({"y": edges}), SADDLE), scene=SADDLE))
    np.testing.assert_array_equal(found["histogram_y"][0], np.histogram(w[0, 1].double().numpy(), edges)[0])


# The numbers.


@pytest.mark.parametrize("d", [1, 2, 3, 40])
def test_bits_are_the_same_in_any_chunks(d: int) -> None:
    size = block(d)
    whole = PIECE["cpu"] // (d * size) + 3  # blocks: more than one piece
    n = whole * size + size // 3
    seen = walk(d, n, saves=2)
    seen.diverged[1, : 2 * size + 5] = True  # the first that counts is in the third block
    seen.w[:] += 1e3
    chosen = everything(landscape(d))
    expected = values(gather(seen, chosen))
    rng = np.random.default_rng(d)
    for _ in range(4):
        cuts = np.sort(rng.choice(np.arange(1, whole + 1), size=min(whole, 5), replace=False))
        sizes = np.diff([0, *(cuts * size), n]).tolist()
        found = values(gather(seen, chosen, sizes))
        assert found.keys() == expected.keys()
        for name, array in expected.items():
            np.testing.assert_array_equal(found[name], array, err_msg=f"{name} in chunks of {sizes}")


def test_blocks_depend_on_the_dimension_alone() -> None:
    sizes = [block(d) for d in range(1, 3000)]
    assert sizes[:8] == [8192] * 8
    assert sizes[-1] == 64
    assert all(b <= a and b & (b - 1) == 0 for a, b in pairwise(sizes))


def test_a_spread_that_is_tiny_beside_the_mean() -> None:
    rng = np.random.default_rng(3)
    n = 12 * block(2) + 5
    w = 1e8 + 1e-3 * rng.normal(size=(2, n))
    w[1] += w[0] - 1e8
    none = torch.zeros(1, n, dtype=torch.bool)
    seen = Seen(torch.tensor(w)[None], none, none, np.full(n, "settled"), np.ones(n, dtype=int))
    found = values(gather(seen, everything(SADDLE), scene=SADDLE))
    exact = np.cov(w - 1e8)  # near 1e8 the difference has no rounding
    # Distances from the first run are exact: what is left is the rounding of sums, 1e-15.
    np.testing.assert_allclose(found["covariance"][0], exact, rtol=1e-13)
    np.testing.assert_allclose(found["mean"][0], 1e8 + (w - 1e8).mean(1), rtol=2e-16)


@pytest.mark.parametrize("bad", [1e300, -1.7e308, np.inf, np.nan])
def test_diverged_runs_spoil_nothing(bad: float) -> None:
    d, n = 2, 2 * block(2) + 100
    seen = walk(d, n)
    seen.diverged[2, 0] = seen.diverged[1, 5000] = seen.diverged[2, 5000] = True
    seen.diverged[2, block(2) : 2 * block(2)] = True  # a whole block
    seen.w[1:][seen.diverged[1:, None].expand(-1, d, -1)] = bad
    chosen = everything(landscape(d))
    found = values(gather(seen, chosen))
    assert all(np.isfinite(array).all() for array in found.values())
    counts = ~seen.diverged[2].numpy()
    np.testing.assert_allclose(found["covariance"][2], np.cov(seen.w[2].numpy()[:, counts]), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("far", [1e71, -1e200, np.inf, np.nan])
def test_a_run_about_to_diverge_is_left_out_and_counted(far: float) -> None:
    seen = walk(2, 3 * block(2))
    before = values(gather(seen, everything(landscape(2))))
    first = int((~seen.diverged[1]).nonzero()[0])
    seen.diverged[1, block(2) : 2 * block(2)] = True  # a block of none, which adds nothing
    seen.w[1, 0, first] = far
    found = values(gather(seen, everything(landscape(2))))
    counts = ~seen.diverged[1].numpy()
    counts[first] = False
    assert found["runs"].tolist() == [before["runs"][0], counts.sum(), before["runs"][2]]
    w = seen.w[1].numpy()[:, counts]
    np.testing.assert_allclose(found["mean"][1], w.mean(1), rtol=1e-12)
    np.testing.assert_allclose(found["covariance"][1], np.cov(w), rtol=1e-12, atol=1e-12)
    assert found["largest"][1] == np.abs(w).max()


def test_nobody_knows_yet_of_a_run_that_is_nearer() -> None:
    seen = walk(2, 3 * block(2))
    first = int((~seen.diverged[1]).nonzero()[0])
    seen.w[1, 0, first] = -1e69
    found = values(gather(seen, everything(landscape(2))))
    assert all(np.isfinite(array).all() for array in found.values())
    assert found["largest"][1] == 1e69
    assert found["mean"][1, 0] == pytest.approx(-1e69 / found["runs"][1])


def test_an_ensemble_of_which_most_runs_diverge() -> None:
    """x ← x − η·4x³ at η = 1: beyond |x| = 1/√2 distances are cubed, and pass any size between two saves."""
    map_ = sd.Map(sd.Landscape("x**4", "x"), sd.GD(), lr=1.0)
    starts = np.linspace(0.1, 1.5, 29)[:, None]
    found = sd.simulate(map_, starts, 30, save_every=1, statistics=["mean", "covariance", "msd"], progress=False)
    assert (found.largest <= 1e70).all()
    assert np.isfinite(found["mean"]).all()
    assert np.isfinite(found.msd_error).all()
    assert found.runs.values[-1] == (starts < 0.5**0.5).sum()
    assert float(abs(found["mean"][-1, 0])) < 1


def test_float32_is_summed_in_float64() -> None:
    seen = walk(2, 3 * block(2) + 9)
    seen.w[1:] += 1000  # far from the starts, so that displacements have more digits than float32
    seen.w = seen.w.float()
    found = values(gather(seen, everything(landscape(2))))
    counts = ~seen.diverged[1].numpy()
    w0, w = (seen.w[slot].double().numpy()[:, counts] for slot in (0, 1))
    # A single number in float32 would be 1e-7 off; near 1000, NumPy's sums in float64 round to 1e-15.
    np.testing.assert_allclose(found["mean"][1], w.mean(1), rtol=1e-14)
    np.testing.assert_allclose(found["covariance"][1], np.cov(w), rtol=1e-11)
    np.testing.assert_allclose(found["msd"][1], ((w - w0) ** 2).mean(1), rtol=1e-14)
    np.testing.assert_allclose(
        found["msd_error"][1], ((w - w0) ** 2).std(1, ddof=1) / np.sqrt(counts.sum()), rtol=1e-11
    )
    assert all(array.dtype in (np.float64, np.int64) for array in found.values())


@pytest.mark.parametrize("n", [0, 1])
def test_what_too_few_runs_cannot_tell_is_nan(n: int) -> None:
    seen = walk(2, 3, saves=1)
    seen.status[:], seen.end[:] = "undecided", 5
    seen.diverged[0] = torch.tensor([True, not n, True])
    found = values(gather(seen, everything(landscape(2))))
    assert found["runs"].tolist() == [n]
    assert np.isnan(found["mean"]).all() == np.isnan(found["msd"]).all() == (n == 0)
    for name in ("mean_error", "covariance", "msd_error", "exit_time"):
        assert np.isnan(found[name]).all(), name
    if n:
        np.testing.assert_array_equal(found["mean"][0], seen.w[0, :, 1])


# What they cost.


def test_size_does_not_grow_with_the_runs() -> None:
    chosen = everything(landscape(2))
    few, many = (len(pickle.dumps(gather(walk(2, n, saves=5), chosen).accumulators)) for n in (10, 200_000))
    assert abs(many - few) < 100  # integers of more digits
    means, covariances = (
        len(pickle.dumps(one.accumulator(setting(landscape(40), 100)))) for one in (sd.Mean(), sd.Covariance())
    )
    assert 10 * means < covariances  # pairs of coordinates only where they are asked for


@pytest.mark.parametrize("names", [["mean", "covariance", "exit_times", Histogram({"x": EDGES})], ["msd"]])
def test_no_observation_is_kept(names: list[Any]) -> None:
    accumulators = Accumulators(choose(names, SADDLE), setting(SADDLE))
    w0, w, none = torch.zeros(2, 5), torch.ones(2, 5), torch.zeros(5, dtype=torch.bool)
    part = accumulators.chunk(slice(0, 5), w0)
    part.observe(0, w, none, none)
    seen = weakref.ref(w)
    del w
    assert seen() is None


def test_starts_may_be_written_over() -> None:
    starts = np.zeros((5, 2))
    map_ = sd.Map(SADDLE, sd.GD(), lr=0.1, noise=sd.noise.Gaussian(1.0))

    class Spoiler(sd.Statistic):
        """Writes over what the user gave, and over what it sees of the states."""

        def accumulator(self, setting: Setting) -> Any:
            return Spoiling()

    class Spoiling(sd.Accumulator):
        def observe(self, snapshot: Any) -> None:
            starts[:] = 7

        def variables(self) -> Any:
            return {}

    expected = sd.simulate(map_, starts.copy(), 5, statistics="msd", save_every=1)
    assert expected.msd[0].values.tolist() == [0, 0]
    assert expected.equals(sd.simulate(map_, starts, 5, statistics=[Spoiler(), "msd"], save_every=1))


def test_threads_are_left_as_they_were() -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        gather(walk(2, 10), everything(landscape(2)))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


# What they refuse.


def test_names_in_any_case_and_one_without_a_list() -> None:
    assert choose(["Mean", "MSD", "exit_times"], SADDLE) == (sd.Mean(), sd.MSD(), sd.ExitTimes())
    assert choose("mean", SADDLE) == choose(sd.Mean(), SADDLE) == (sd.Mean(),)
    assert choose(iter(["mean", sd.MSD()]), SADDLE) == (sd.Mean(), sd.MSD())
    bins = Histogram({"x": np.array([0, 1])})
    assert choose(bins, SADDLE) == (bins,)
    seen = walk(2, 100)
    for name, array in values(gather(seen, (bins,), scene=SADDLE)).items():
        np.testing.assert_array_equal(values(gather(seen, (Histogram({"X": [0, 1]}),), scene=SADDLE))[name], array)


def test_coordinates_that_differ_in_case_alone() -> None:
    scene = sd.Landscape("a**2 + A**2", "a A")
    accumulator: Any = Histogram({"a": [0, 1], "A": [0, 1, 2]}).accumulator(setting(scene))
    assert [bins.axis for bins in accumulator.bins.values()] == [0, 1]


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (
            ["meen"],
            r"statistic = 'meen'.*Did you mean 'mean'\? Known: .*covariance, exit_times, .*mean, msd, ",
        ),
        ("variance", "Did you mean 'covariance'"),
        ([3], "statistic = '3': no statistic has this name"),
        (["histogram"], r"edges of its bins. Use Histogram\(\{\"x\": \[-1, 0, 1\]\}\)"),
        (["mean", "Histogram"], "needs the edges"),
        ([], r"statistics = \[\]: names no statistic"),
        (3, "is no list"),
        (["mean", "msd", "Mean"], "statistics = 'mean': is asked for twice"),
        ([Histogram({"x": [0, 1]}), Histogram({"x": [0, 2]})], "'histogram_x': is asked for twice"),
        ([sd.Mean], r"is a class. Make one: Mean\("),
        ([Histogram({"x": [0, 1], "X": [0, 2]})], "'histogram of x': is asked for twice"),
        ([Histogram({"z": [0, 1]})], "coordinate = 'z'.*Known: x, y"),
    ],
)
def test_what_is_no_statistic(wanted: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        sd.simulate(sd.Map(SADDLE, sd.GD(), lr=0.1), (0, 0), 1, statistics=wanted)


@pytest.mark.parametrize(
    ("edges", "message"),
    [
        ({}, "at least one coordinate"),
        ([0, 1], "must give edges for"),
        ({"x": []}, "edges of x = .*two edges"),
        ({"x": [1]}, "two edges"),
        ({"x": 3}, "two edges"),
        ({"x": [[0, 1], [1, 2]]}, "two edges"),
        ({"y": [0, 1], "x": [0, 2, 1]}, "edges of x = .*ascend"),
        ({"x": [0, 0]}, "ascend"),
        ({"x": [np.inf, np.inf]}, "ascend"),
        ({"x": [0, np.nan, 1]}, "ascend.*nan"),
        ({"x": ["a", "b"]}, "cannot be read"),
        ({"x": None}, "two edges"),
    ],
)
def test_edges_that_are_none(edges: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Histogram(edges)
