"""The benchmarks: turns and ratios, the generated C, and what is written of it all."""

import importlib
import itertools
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import samdyn as sd
from samdyn import cli

FOLDER = Path(__file__).parent.parent / "benchmarks"

Module = Callable[[str], ModuleType]


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Module:
    """A file of the benchmarks, which import one another as scripts do."""
    monkeypatch.syspath_prepend(FOLDER)
    return importlib.import_module


class Clock:
    """Time that passes only when somebody works."""

    def __init__(self, module: Module, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.turns = 0.0, []
        monkeypatch.setattr(module("harness").time, "perf_counter", lambda: self.now)

    def worker(self, name: str, *costs: float) -> Callable[[int], None]:
        """Return work that costs so much time each time it is done, in turn."""
        cost = itertools.cycle(costs)

        def work(amount: int) -> None:
            self.turns.append(name)
            self.now += next(cost) * amount

        return work


def effort(module: Module, **changes: Any) -> Any:
    return module("harness").Effort(**{"rounds": 3, "seconds": 10.0, "quick": True, "largest": 1000, **changes})


def test_turns_alternate_and_ratios_are_of_one_round(module: Module, monkeypatch: pytest.MonkeyPatch) -> None:
    harness, clock = module("harness"), Clock(module, monkeypatch)
    # A first, untimed turn warms up. By round, B takes 1, 6 and 2 times as long as A: 2 in the middle, while medians of
    # the rates would give 6.
    a = harness.Contender("A", clock.worker("A", 9, 1, 1, 4), units=100, amount=1)
    b = harness.Contender("B", clock.worker("B", 9, 1, 6, 8), units=100, amount=1)
    found = harness.measure(harness.Case({"N": 7}, "points", [a, b]), effort(module))
    assert "".join(clock.turns) == "AB" + 3 * "AB"
    assert found["N"] == 7
    ours, theirs = found["contenders"]
    assert ours["rates"] == [100, 100, 25]
    assert theirs["rates"] == pytest.approx([100, 100 / 6, 12.5])
    assert (ours["rate"], ours["ratio"]) == (100, 1)
    assert [theirs[key] for key in ("ratio_least", "ratio", "ratio_most")] == pytest.approx([1, 2, 6])


def test_as_many_steps_as_fill_the_time(module: Module, monkeypatch: pytest.MonkeyPatch) -> None:
    harness, clock = module("harness"), Clock(module, monkeypatch)
    case = harness.Case({}, "run-steps", [harness.Contender("A", clock.worker("A", 0.01), units=5)])
    (found,) = harness.measure(case, effort(module))["contenders"]
    assert found["amount"] == 1000
    assert found["rate"] == pytest.approx(500)


@pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    "map_",
    [
        sd.Map(sd.landscapes.beale(), sd.SAM(0.1), lr=1e-4, momentum=0.9, noise=sd.noise.Gaussian(1e-2)),
        sd.Map(sd.landscapes.quadratic((2, -1, 1)), sd.USAM(0.2), lr=0.01, noise=sd.noise.Gaussian(np.diag([1, 2, 3]))),
    ],
    ids=["SAM with momentum", "USAM, odd dimension, covariance"],
)
def test_generated_c_follows_samdyn(module: Module, map_: sd.Map, dtype: str) -> None:
    harness, c_rival, steps = module("harness"), module("c_rival"), 20
    starts = np.random.default_rng(0).uniform(-1, 2, (100, map_.landscape.dim))  # not a whole number of blocks
    ends = sd.simulate(map_, starts, steps, dtype=dtype, device="cpu", seed=3).w.values[:, -1]
    same = harness.same_paths("C", c_rival.c_rival(map_, dtype, 3)(starts, steps), ends, steps)
    assert same.passed, same
    assert not harness.same_paths("C", c_rival.c_rival(map_, dtype, 4)(starts, steps), ends, steps).passed


def test_moments_that_are_not_the_same_are_seen(module: Module) -> None:
    harness, random = module("harness"), np.random.default_rng(0)
    exact, zero = (np.zeros(2), np.ones(2)), np.zeros((2, 2))
    ends = random.normal(size=(20_000, 2))
    assert harness.same_law("A", ends, *exact, zero).passed
    assert not harness.same_law(
        "A", ends + np.array([0, 0.05]), *exact, zero
    ).passed  # 7 standard errors, 1/√20000 each
    assert not harness.same_law("A", ends * 1.05, *exact, zero).passed  # 10 of the variance, √(2/20000) each
    ends[0] = np.nan
    assert not harness.same_law("A", ends, *exact, zero).passed


def test_command_writes_what_was_measured(
    module: Module,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run, harness = module("run"), module("harness")
    error = [1.0]

    def toy(asked: Any) -> Any:
        assert asked.quick
        works = [harness.Contender(name, lambda n: sum(range(100 * n)), 5.0) for name in ("samdyn", "rival")]
        checks = [harness.Check("rival", "distance", error[0], 2.0)]
        setting = {"workload": "toy", "N": 5, "dtype": "float64"}
        yield harness.Case(setting, "points", works, checks, {"other": "is not installed"}, {"cold, s": 3.0})

    def command(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["run.py", *arguments, "--quick", "--out", str(tmp_path)])
        with pytest.raises(SystemExit) as stopped:
            cli.run(run.main)
        return int(stopped.value.code or 0)

    monkeypatch.setitem(run.WORKLOADS, "toy", toy)
    assert command("toy") == 0
    assert [p.name for p in tmp_path.iterdir()] == ["toy.json"]
    text = (tmp_path / "toy.json").read_text()
    written = json.loads(text)
    assert str(FOLDER.parent) not in text
    versions = {"torch", "numpy", "scipy", "diffrax", "torchsde", "gcc"}
    assert versions <= set(written["machine"]["versions"])
    about = {"cpu", "cores", "torch threads", "load before", "versions", "gcc flags", "date", "rounds", "quick"}
    assert set(written["machine"]) == about  # and no name of the machine
    (case,) = written["cases"]
    assert {key: case[key] for key in ("workload", "N", "dtype", "unit")} == {
        "workload": "toy",
        "N": 5,
        "dtype": "float64",
        "unit": "points",
    }
    assert [len(contender["rates"]) for contender in case["contenders"]] == [2, 2]
    assert case["checks"] == [{"name": "rival", "what": "distance", "error": 1.0, "largest": 2.0, "passed": True}]
    assert case["missing"] == {"other": "is not installed"}
    told = capsys.readouterr().out
    assert "rival" in told
    assert "is not installed" in told
    error[0] = 3.0
    assert command("toy") == 1
    assert "WRONG toy: rival, distance: 3 > 2" in capsys.readouterr().out
    assert command("toyy") == 2
    assert "Did you mean 'toy'?" in capsys.readouterr().err


@pytest.mark.slow
def test_a_real_workload(module: Module) -> None:
    (case,) = module("basin_map").cases(effort(module))
    assert case.contenders[0].name == "samdyn"
    assert {"SciPy", "diffrax"} <= {*(c.name for c in case.contenders), *case.missing}
    assert [check for check in case.checks if not check.passed] == []
    found = module("harness").measure(case, effort(module, rounds=1))
    assert all(contender["rate"] > 0 for contender in found["contenders"])


def test_sweeps(module: Module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sweep = module("sweep")
    found = sweep.many(200, tmp_path)
    assert found["files"] < 15
    assert found["seconds"] / found["cells"] < 0.1  # 5 ms on an idle machine
    monkeypatch.setattr(sweep, "RUNS", 50)
    found = sweep.batched(40)
    # A run at the boundary of a trap may round to the other side, since small ensembles may have another backend.
    assert found["largest difference of a share"] <= 2 / sweep.RUNS
