"""Statistics as plug-ins: a file is enough, a user's own does as well, and what one returns is checked."""

import doctest
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch

import samdyn as sd
from samdyn.compiler import NotCompilable
from samdyn.simulation import backends, statistics
from samdyn.simulation.iterates import chunks
from samdyn.simulation.statistics import Setting, Snapshot, statistic
from samdyn.simulation.statistics.moments import block

SADDLE = sd.Landscape("x**2 - y**2", "x y")
NOISY = sd.Map(SADDLE, sd.USAM(0.1), lr=0.05, momentum=0.5, noise=sd.noise.Gaussian(0.3))
STARTS = np.random.default_rng(0).normal(size=(3 * block(2) + 17, 2))
OPTIONS: dict[str, Any] = {"box": [(-2, 2), (-1.5, 1.5)], "save_every": 2, "device": "cpu", "progress": False}


@dataclass(frozen=True)
class Returns(sd.Statistic):
    """A statistic that returns what it is told to, the second time it is asked something else."""

    variables: Any
    coords: Any = None
    later: Any = None

    def accumulator(self, setting: Setting) -> sd.Accumulator:
        return Returning(self)


class Returning(sd.Accumulator):
    def __init__(self, told: Returns) -> None:
        self.told, self.seen = told, 0

    def observe(self, snapshot: Snapshot) -> None:
        self.seen += snapshot.w.shape[1]

    def variables(self) -> Any:
        if self.told.later is not None and self.seen > 3:
            if isinstance(self.told.later, Exception):
                raise self.told.later
            return self.told.later
        return self.told.variables

    def coords(self) -> Any:
        return {} if self.told.coords is None else self.told.coords


class Quartiles(sd.Statistic):
    """The least, the middle and the largest loss, of a hundred runs: on its own dim, from starts, losses and ends."""

    def accumulator(self, setting: Setting) -> sd.Accumulator:
        return QuartileAccumulator(setting)


class QuartileAccumulator(sd.Accumulator):
    def __init__(self, setting: Setting) -> None:
        self.landscape = setting.landscape
        self.loss = [np.empty(0)] * setting.saves
        self.gained, self.steps = 0.0, 0

    def observe(self, snapshot: Snapshot) -> None:
        self.loss[snapshot.slot] = np.append(self.loss[snapshot.slot], snapshot.loss.cpu().numpy())
        if snapshot.slot == 0:
            self.gained += float((snapshot.w - snapshot.start).abs().sum())

    def finish(self, status: np.ndarray, steps: np.ndarray) -> None:
        assert set(status) <= {"settled", "diverged", "left the box", "undecided"}
        self.steps += int(steps.sum())

    def variables(self) -> Any:
        quartiles = np.array([np.quantile(of, (0, 0.5, 1)) for of in self.loss])
        return {"quartiles": (("step", "quantile"), quartiles), "gained": ((), self.gained), "steps": ((), self.steps)}

    def coords(self) -> Any:
        return {"quantile": [0, 0.5, 1]}


# What comes for free.


@pytest.mark.parametrize("name", [*statistics.catalogue()])
@pytest.mark.parametrize(("dim", "backend"), [(2, "eager"), (2, "compiled"), (20, "eager")])
def test_every_statistic_is_the_same_in_chunks(
    name: str, dim: int, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    map_ = NOISY if dim == 2 else replace(NOISY, landscape=sd.landscapes.quadratic([1.0] * dim))
    starts = np.resize(STARTS, (3 * block(dim) + 17, dim))
    chosen = sd.Histogram({str(map_.landscape.symbols[0]): [-1, 0, 1]}) if name == "histogram" else name
    options = {**OPTIONS, "box": [(-2, 2)] * dim}
    whole = sd.simulate(map_, starts, 5, statistics=chosen, backend=backend, **options)
    monkeypatch.setitem(chunks.NUMBERS, (backend, "cpu"), 1)  # chunks of one block
    assert whole.identical(sd.simulate(map_, starts, 5, statistics=chosen, backend=backend, **options))
    assert whole.backend == backend
    for variable in whole.variables.values():
        assert variable.attrs.keys() >= {"long_name", "units"}


@pytest.mark.parametrize("name", [*statistics.catalogue()])
def test_a_chunk_that_fails_is_begun_again(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = sd.Histogram({"y": [-1, 0, 1]}) if name == "histogram" else name
    right = sd.simulate(NOISY, STARTS, 5, statistics=chosen, backend="eager", **OPTIONS)
    monkeypatch.setitem(chunks.NUMBERS, ("compiled", "cpu"), 1)
    advance, calls = backends.Compiled.advance, []

    def failing(self: Any, *arguments: Any, **step: Any) -> Any:
        calls.append(1)
        if len(calls) > 6:  # in the second chunk, of which something was seen already
            raise NotCompilable("on the way")
        return advance(self, *arguments, **step)

    monkeypatch.setattr(backends.Compiled, "advance", failing)
    found = sd.simulate(NOISY, STARTS, 5, statistics=chosen, backend="compiled", **OPTIONS)
    assert found.backend == "eager"
    assert found.variables.keys() == right.variables.keys()
    for variable in right.data_vars:  # the first chunk was compiled: the same to rounding
        np.testing.assert_allclose(found[variable], right[variable], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("backend", ["eager", "compiled"])
def test_mean_loss(backend: str) -> None:
    runs = sd.simulate(NOISY, STARTS, 5, backend=backend, **OPTIONS)
    found = sd.simulate(NOISY, STARTS, 5, statistics="loss", backend=backend, **OPTIONS)
    loss = runs.loss.values
    np.testing.assert_allclose(found.loss, loss.mean(0), rtol=1e-12)
    np.testing.assert_allclose(found.loss_error, loss.std(0, ddof=1) / len(loss) ** 0.5, rtol=1e-12)
    assert found.loss.attrs == {"long_name": "mean loss over the runs", "units": "units of L"}


def test_a_loss_that_overflows_is_left_out() -> None:
    map_ = sd.Map(sd.Landscape("x**6", "x"), sd.GD(), lr=1e-3)
    found = sd.simulate(map_, [[0.5], [1e60], [0.7]], 1, save_every=1, statistics="loss")
    assert float(found.loss[0]) == pytest.approx((0.5**6 + 0.7**6) / 2)


# A user's own.


def test_the_example_in_the_base_class_runs() -> None:
    assert doctest.testmod(statistic).attempted > 5
    assert not doctest.testmod(statistic).failed


@pytest.mark.parametrize("backend", ["eager", "compiled"])
def test_a_users_statistic(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = sd.simulate(NOISY, STARTS, 5, backend=backend, **OPTIONS)
    monkeypatch.setitem(chunks.NUMBERS, (backend, "cpu"), 1)  # which are copied between chunks, landscape and all
    found = sd.simulate(NOISY, STARTS, 5, statistics=[sd.Mean(), Quartiles()], backend=backend, **OPTIONS)
    np.testing.assert_allclose(found.quartiles, np.quantile(runs.loss, (0, 0.5, 1), axis=0).T, rtol=1e-12)
    assert found.quartiles.sel(quantile=0.5).shape == (4,)
    assert float(found.gained) == 0  # at the first save all are at their starts
    assert int(found.steps) == int(runs.end.sum())
    assert found.equals(found.assign(sd.simulate(NOISY, STARTS, 5, statistics="mean", backend=backend, **OPTIONS)))


def test_a_name_of_its_own() -> None:
    class Named(sd.Statistic):
        name = "zero"

        def accumulator(self, setting: Setting) -> sd.Accumulator:
            return Returning(Returns({"nought": ((), 0)}))

    class Needy(sd.Statistic):
        name = "zest"

        def __init__(self, radius: float) -> None:
            self.radius = radius

        def accumulator(self, setting: Setting) -> sd.Accumulator:
            raise AssertionError

    assert sd.simulate(NOISY, (0, 0), 1, statistics=["Zero", "mean"]).nought == 0
    with pytest.raises(sd.InputError, match=r"statistic = 'zest': cannot be made from its name alone .*Use Needy\("):
        sd.simulate(NOISY, (0, 0), 1, statistics="zest")

    # Defined once more, as in a notebook: the last counts.
    class Named(sd.Statistic):  # type: ignore[no-redef]  # noqa: F811
        name = "zero"

        def accumulator(self, setting: Setting) -> sd.Accumulator:
            return Returning(Returns({"nought": ((), 1)}))

    assert sd.simulate(NOISY, (0, 0), 1, statistics="zero").nought == 1


MINE = ("step", [1, 2, 3])


@pytest.mark.parametrize(
    ("own", "message"),
    [
        (Returns([MINE]), r"variables\(\) of Returns.*must be a mapping from names. Return e\.g\."),
        (Returns({"mine": [1, 2, 3]}), r"variables\['mine'\] of .*must be \(dims, values\) or"),
        (Returns({"mine": ("step",)}), r"must be \(dims, values\)"),
        (Returns({"mine": (3, [1, 2, 3])}), "3: must be a dim or a tuple of dims"),
        (Returns({"mine": ("run", [1, 2, 3])}), r"'run' is no dim of the result. Use 'step', 'coord', .*coords\(\)"),
        (Returns({"mine": ("step", [1, 2])}), r"\(2,\): is the shape of its values; along step it must be \(3,\)"),
        (Returns({"mine": (("step", "coord"), np.zeros((3, 3)))}), r"along step, coord it must be \(3, 2\)"),
        (Returns({"mine": (("step", "coord"), np.zeros(3))}), "has 1 axes for 2 dims"),
        (Returns({"mine": ((), [1.0])}), "has 1 axes for 0 dims"),
        (Returns({"mine": ("step", [[1], [1, 2], []])}), "cannot be read as an array"),
        (Returns({"mine": (*MINE, "units")}), "must be a mapping of attributes"),
        (Returns({"runs": MINE}), "'runs': is a name that every result has already. Use another"),
        (Returns({"mean": MINE}), r"statistics = 'mean': is asked for twice, by Mean\(\) and Returns\("),
        (Returns({"mine": ("bin", [1, 2])}, {"bin": [1]}), r"\(2,\): is the shape .* along bin it must be \(1,\)"),
        (Returns({"mine": ("bin", [1])}, {"bin": [[1]]}), r"coords\['bin'\].* has 2 axes for 1 dims"),
        (Returns({"mine": MINE}, {"left": ("step", [1, 2])}), "has 2 labels along 'step', which has 3 entries"),
    ],
)
def test_what_a_statistic_returns_is_checked_before_anything_runs(
    own: sd.Statistic, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks.ChunkRunner, "run", lambda *_: pytest.fail("it ran"))
    with pytest.raises(sd.InputError, match=message):
        sd.simulate(NOISY, STARTS[:50], 4, save_every=2, statistics=["mean", own])


def test_dims_of_two_statistics_may_not_meet() -> None:
    one, other = (Returns({name: ("bin", [1])}, {f"{name}_at": ("bin", [1])}) for name in "ab")
    with pytest.raises(sd.InputError, match="'bin': is asked for twice"):
        sd.simulate(NOISY, STARTS[:50], 4, statistics=[one, other])


def test_what_is_no_accumulator() -> None:
    class Nothing(sd.Statistic):
        def accumulator(self, setting: Setting) -> Any:
            return None

    with pytest.raises(sd.InputError, match="None: is no accumulator"):
        sd.simulate(NOISY, (0, 0), 1, statistics=[Nothing()])


@pytest.mark.parametrize(
    ("later", "message"),
    [
        ({"mine": ("step", [1, 2])}, r"without Returns\(.*InputError: variables\['mine'\].*it must be \(3,\)"),
        ({"mean": MINE}, "'mean': is asked for twice"),
        (ZeroDivisionError("by none"), "ZeroDivisionError: by none"),
    ],
)
def test_a_run_is_not_lost_with_a_statistic(later: Any, message: str) -> None:
    plain = sd.simulate(NOISY, STARTS[:50], 4, save_every=2, statistics=["mean", "status"])
    own = Returns({"mine": MINE}, None, later)
    with pytest.warns(RuntimeWarning, match=message):
        found = sd.simulate(NOISY, STARTS[:50], 4, save_every=2, statistics=["mean", own, "status"])
    assert found.identical(plain)


def test_a_trial_leaves_no_trace() -> None:
    seen: list[int] = []

    class Watching(Returns):
        def accumulator(self, setting: Setting) -> sd.Accumulator:
            return Watched(self)

    class Watched(Returning):
        def finish(self, status: np.ndarray, steps: np.ndarray) -> None:
            seen.append(len(status))

    with torch.enable_grad():
        sd.simulate(NOISY, STARTS[:50], 4, statistics=[Watching({}), "status"])
        assert torch.is_grad_enabled()
    assert seen == [1, 50]  # one run on trial, and in an accumulator of its own
