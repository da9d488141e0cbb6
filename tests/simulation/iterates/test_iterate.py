"""The inner iterator: looked at and changed between steps, it takes the steps that simulate takes."""

from typing import Any

import numpy as np
import pytest
import torch

import samdyn as sd
from samdyn import analysis
from samdyn.compiler import Kernel
from samdyn.simulation.iterates import iterate
from samdyn.simulation.iterates.advance import choose, eager
from samdyn.simulation.iterates.iterate import Iterates
from samdyn.simulation.iterates.stepping import Steps

BEALE = sd.landscapes.beale()
MAP = sd.Map(BEALE, sd.SAM(np.linspace(0, 0.3, 70)), lr=1e-4, momentum=0.9, noise=sd.noise.Gaussian(0.1))
STARTS = np.random.default_rng(0).uniform([0, -1], [3, 1], (70, 2))


@pytest.fixture(params=["eager", "compiled"])
def backend(request: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let all loops use a backend."""
    monkeypatch.setattr(iterate, "choose", lambda _, *rest: choose(request.param, *rest))
    return str(request.param)


def test_it_takes_the_steps_of_simulate_to_the_bit(backend: str) -> None:
    runs = sd.simulate(MAP, STARTS, 30, save_every=10, seed=5, backend=backend, device="cpu")
    told: list[int] = []
    with Iterates(Steps(MAP, None), torch.tensor(STARTS.T), seed=5, number=30) as found:
        assert found.taker.name == backend
        for steps in (10, 0, 1, 9, 10):
            found.advance(steps, told.append)
            if found.done % 10 == 0:
                assert (runs.w.sel(step=found.done).values == found.w.numpy().T).all()
        assert (runs.v.values == found.parts[1].numpy().T).all()
        assert (runs.end.values == found.end.numpy()).all()
    assert told == [10, 11, 20, 30]


def test_float32_stays_so(backend: str) -> None:
    with Iterates(Steps(MAP, None), torch.tensor(STARTS.T, dtype=torch.float32), number=3) as runs:
        runs.advance(3)
        assert {tensor.dtype for tensor in (*runs.parts, *runs.state.settings)} == {torch.float32}
        assert runs.taker.name == backend


def test_runs_can_be_placed_and_stopped(backend: str) -> None:
    with Iterates(Steps(MAP, None), torch.tensor(STARTS.T), number=9) as runs:
        runs.advance(3)
        held = torch.arange(70) % 2 == 0
        runs.stop(held)
        before = runs.w.clone()
        runs.advance(3)
        assert torch.equal(runs.w[:, held], before[:, held])
        assert (runs.w != before)[:, ~held].any(0).all()
        assert runs.end.tolist() == [3, 6] * 35
        runs.place(before, torch.zeros_like(before))
        assert torch.equal(runs.w, before)
        assert not runs.parts[1].any()


def test_compiled_code_that_is_wrong_is_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Kernel.run

    def off(self: Any, per_run: Any, *rest: Any) -> None:
        run(self, per_run, *rest)
        per_run[0].add_(1e-4)

    monkeypatch.setattr(Kernel, "run", off)
    monkeypatch.setattr(iterate, "choose", lambda _, *rest: choose("compiled", *rest))
    with Iterates(Steps(MAP, None), torch.tensor(STARTS.T), number=5) as runs:
        assert runs.taker.name == "compiled"
        runs.advance(5)
        assert runs.taker.name == "eager"
        assert "does not do what torch does" in runs.taker.reason
    with Iterates(Steps(MAP, None), torch.tensor(STARTS.T), eager(Steps(MAP, None))) as right:
        right.advance(5)
    assert torch.equal(runs.w, right.w)


def test_growth_charts_and_orbits(backend: str) -> None:
    """Compiled or not, the loops of the analysis measure what the multipliers of a quadratic say."""
    saddle = sd.landscapes.saddle()
    (point,) = sd.critical_points(saddle)
    lr = 0.01
    rho = np.array([0.1, 0.3, 0.9])
    curvature = np.array([lam * (1 + rho * lam) for lam in point.eigenvalues])
    rates = np.log(np.abs(1 - lr * curvature).max(0)) / lr
    together = sd.Map(saddle, sd.USAM(rho), lr=lr)
    np.testing.assert_allclose(analysis.growth_rates(together, point), rates, rtol=1e-6)
    chart = analysis.stability_chart(together, point, ("rho", rho), ("distance", np.array([0.01, 0.1])), steps=50)
    along = np.log(np.abs(1 - lr * curvature[0])) / lr
    np.testing.assert_allclose(chart.rate, np.tile(along, (2, 1)), rtol=1e-9)
    gd = sd.Map(saddle, sd.GD(), lr=lr)
    orbits = analysis.orbit_diagram(gd, "lr", [lr, 1e3], np.ones((2, 2)), transient=200, keep=2)
    steps = np.array([[201], [202]] * 2)
    w = np.abs(np.ones(2) @ point.eigenvectors) * np.abs(1 - lr * point.eigenvalues) ** steps
    np.testing.assert_allclose(np.abs(orbits.w[0] @ point.eigenvectors), w, rtol=1e-9)
    assert np.isnan(orbits.w[1]).all()


@pytest.mark.parametrize("noisy", [sd.Map(BEALE, sd.USAM(0.1), lr=1e-4, noise=sd.noise.Gaussian(1.0))])
def test_what_follows_the_iterates_without_noise_refuses_it(noisy: sd.Map) -> None:
    point = next(iter(sd.critical_points(BEALE)))
    axes: Any = ("rho", [0.1, 0.2]), ("distance", [0.1, 0.2])
    for measure in (
        lambda: analysis.growth_rates(noisy, point),
        lambda: analysis.stability_chart(noisy, point, *axes),
        lambda: analysis.orbit_diagram(noisy, "lr", [0.1], [[1.0, 1.0]], transient=1, keep=1),
        lambda: sd.attractors(noisy),
    ):
        with pytest.raises(sd.InputError, match="follows the iterates without noise"):
            measure()
