"""Parameters of the landscape, one number for all runs or one per run, in maps, flows and schemes."""

import gc
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import sympy
import torch

import samdyn as sd
from samdyn.dynamics.settings import filled, per_run, select
from samdyn.simulation.iterates import chunks

FORMULA = "x**3/3 - a*x + y**2/2 + b*x*y"
LANDSCAPE = sd.Landscape(FORMULA, "x y", parameters={"a": 1, "b": 0.3})
A = [1.0, 0.5, 1 / 3, 1.7]
STARTS = np.array([[1.2, 0.3], [0.9, -0.2], [1.5, 0.1], [0.7, 0.4]])
# Fused operations are rounded once; 40 steps stretch that, most where SAM's direction turns, near the minimum.
ROUNDING = 1e-9
BOTH = pytest.mark.parametrize("backend", ["eager", "compiled"])
NOISE = sd.noise.Gaussian(np.array([[0.02, 0.01], [0.01, 0.03]]))
METHODS = [sd.SAM(0.1), sd.USAM(0.1, ascent_steps=2)]


@cache
def written(a: float) -> sd.Landscape:
    """Return the landscape with numbers written into its formula."""
    return sd.Landscape(FORMULA.replace("a", repr(a)).replace("b", "0.3"), "x y")


def simulate(map_: Any, w0: Any, **options: Any) -> Any:
    runs = sd.simulate(map_, w0, **{"steps": 40, "save_every": 7, "seed": 3, "device": "cpu", **options})
    assert runs.attrs["backend"] == options.get("backend", runs.attrs["backend"]), runs.attrs["backend_reason"]
    return runs


@BOTH
@pytest.mark.parametrize("noise", [None, NOISE], ids=["exact", "noisy"])
@pytest.mark.parametrize("method", METHODS, ids=lambda m: type(m).__name__)
def test_every_run_is_what_it_is_alone_to_the_bit(backend: str, noise: Any, method: sd.Method) -> None:
    together = sd.Map(LANDSCAPE.with_parameters(a=A), method, lr=0.1, momentum=0.5, noise=noise)
    runs = simulate(together, STARTS, backend=backend)
    assert runs.a.values.tolist() == A
    assert runs.a.attrs == {"long_name": "a", "units": "as in its definition"}
    assert "b" not in runs.coords
    for i, a in list(enumerate(A))[1:3]:
        alone = replace(together, landscape=LANDSCAPE.with_parameters(a=a))
        one = simulate(alone, STARTS[i], backend=backend, first_run=i)
        assert runs.status[i] == one.status[0]
        for name in ("w", "loss", "v"):
            np.testing.assert_array_equal(runs[name][i], one[name][0], err_msg=name)
        # The formula with the number written in: the same operations, some of which a processor may fuse.
        other = simulate(replace(together, landscape=written(a)), STARTS[i], backend=backend, first_run=i)
        np.testing.assert_allclose(one.w, other.w, atol=ROUNDING)
        assert one.status[0] == other.status[0]


def test_compiled_runs_are_those_of_torch() -> None:
    map_ = sd.Map(LANDSCAPE.with_parameters(a=A, b=[0.0, 0.1, -0.2, 0.3]), sd.SAM(0.1), lr=0.1, momentum=0.5)
    runs = [simulate(map_, STARTS, backend=backend) for backend in ("eager", "compiled")]
    np.testing.assert_allclose(runs[0].w, runs[1].w, atol=ROUNDING)
    np.testing.assert_array_equal(runs[0].status, runs[1].status)


@BOTH
def test_float32(backend: str) -> None:
    runs = simulate(
        sd.Map(LANDSCAPE.with_parameters(a=A), sd.SAM(0.1), lr=0.1), STARTS, backend=backend, dtype="float32"
    )
    assert runs.w.dtype == np.float32
    for i, a in enumerate(A):
        map_ = sd.Map(LANDSCAPE.with_parameters(a=a), sd.SAM(0.1), lr=0.1)
        np.testing.assert_array_equal(runs.w[i], simulate(map_, STARTS[i], backend=backend, dtype="float32").w[0])


@pytest.mark.gpu
def test_on_a_gpu() -> None:
    map_ = sd.Map(LANDSCAPE.with_parameters(a=A), sd.SAM(0.1), lr=0.1)
    here = simulate(map_, STARTS)
    for backend in ("eager", "compiled"):
        there = simulate(map_, STARTS, backend=backend, device="cuda")
        np.testing.assert_allclose(here.w, there.w, atol=ROUNDING)
        np.testing.assert_allclose(here.loss, there.loss, atol=ROUNDING)


def test_one_kernel_serves_all_values(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMDYN_CACHE", str(tmp_path))
    for a in (1.0, 0.5, A, [0.1, 0.2, 0.3, 0.4]):
        map_ = sd.Map(LANDSCAPE.with_parameters(a=a), sd.SAM(0.1), lr=0.1)
        simulate(map_, STARTS, steps=1, backend="compiled")
    assert len(list(tmp_path.glob("*.so"))) == 1


@BOTH
def test_chunks_do_not_show(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    number = 2 * chunks.block(2) + 17
    map_ = sd.Map(LANDSCAPE.with_parameters(a=rng.uniform(0.1, 2, number)), sd.SAM(0.1), lr=0.1)
    w0 = rng.uniform([0.5, -1], [2, 1], (number, 2))
    one = simulate(map_, w0, steps=5, backend=backend)
    for name in ("eager", "compiled"):
        monkeypatch.setitem(chunks.NUMBERS, (name, "cpu"), 1)
    assert one.identical(simulate(map_, w0, steps=5, backend=backend))
    last = simulate(select(map_, slice(-1, None)), w0[-1:], steps=5, backend=backend, first_run=number - 1)
    assert (last.w.values[0] == one.w.values[-1]).all()
    assert (last.loss.values[0] == one.loss.values[-1]).all()


def test_what_becomes_of_runs() -> None:
    """The steps end at √a, or diverge where there is no minimum."""
    map_ = sd.Map(sd.Landscape("x**3/3 - a*x", "x", parameters={"a": [0.25, 1.0, 4.0, -1.0]}), sd.GD(), lr=0.1)
    runs = sd.simulate(map_, (1.0,), 2000)
    assert runs.status.values.tolist() == ["settled", "settled", "settled", "diverged"]
    assert runs.w.values[:3, -1, 0] == pytest.approx([0.5, 1, 2], rel=1e-9)
    assert runs.loss.values[:3, -1] == pytest.approx([-1 / 12, -2 / 3, -16 / 3], rel=1e-9)


def test_a_name_that_results_have_already() -> None:
    landscape = sd.Landscape("step*x**2 + shift*x", "x", parameters={"step": [1, 2], "shift": [3, 4]})
    runs = sd.simulate(sd.Map(landscape, sd.ASAM(0.1, shift=[0.1, 0.2]), lr=0.1), (1.0,), 2)
    assert runs.landscape_step.values.tolist() == [1, 2]
    assert runs.landscape_shift.values.tolist() == [3, 4]
    assert runs.method_shift.values.tolist() == [0.1, 0.2]


@pytest.mark.parametrize(
    ("order", "method"), [(1, sd.GD()), (1, sd.SAM(0.1)), (1, sd.USAM(0.1)), (2, sd.USAM(0.1))], ids=str
)
def test_flows(method: sd.Method, order: int) -> None:
    values, options = [1.0, 0.5, 1.0, 0.25], {"order": order, "lr": 0.05} if order == 2 else {}
    flow = sd.Flow(LANDSCAPE.with_parameters(a=values, b=0), method, **options)
    for w0, compared in ((STARTS, (1, 3)), (STARTS[0], (1,))):
        runs = sd.integrate(flow, w0, [1.0, 15.0], progress=False)
        assert runs.a.values.tolist() == values
        for i in compared:
            one = sd.Flow(LANDSCAPE.with_parameters(a=values[i], b=0), method, **options)
            alone = sd.integrate(one, np.atleast_2d(w0)[i % len(np.atleast_2d(w0))], [1.0, 15.0])
            # In a batch and alone, solvers of other orders: the tolerance 1e-8, stretched by a decaying flow.
            np.testing.assert_allclose(runs.w[i], alone.w[0], atol=1e-6)
            np.testing.assert_allclose(runs.loss[i], alone.loss[0], atol=1e-6)
            assert runs.status[i] == alone.status[0]
        assert runs.w.values[:, -1, 0] == pytest.approx(np.sqrt(values), abs=1e-3)


def test_flows_with_other_parameters_per_run() -> None:
    """One setting after the other is each setting alone, to the bit."""
    flow = sd.Flow(LANDSCAPE, sd.USAM([0.1, 0.4]), order=2, lr=[0.01, 0.1])
    runs = sd.integrate(flow, (1.2, 0.3), 5.0)
    assert "lr" not in runs.attrs
    for i, (rho, lr) in enumerate([(0.1, 0.01), (0.4, 0.1)]):
        alone = sd.integrate(sd.Flow(LANDSCAPE, sd.USAM(rho), order=2, lr=lr), (1.2, 0.3), 5.0)
        assert (runs.w[i] == alone.w[0]).all()
        assert (runs.rho[i], runs.lr[i]) == (rho, lr)


@BOTH
def test_batches_of_flows(backend: str) -> None:
    values = np.repeat([1.0, 0.5], 40)
    starts = np.random.default_rng(0).uniform([0.5, -1], [2, 1], (80, 2))
    runs = sd.integrate(sd.Flow(LANDSCAPE.with_parameters(a=values), sd.USAM(0.1)), starts, 5.0, backend=backend)
    assert runs.attrs["backend"] == backend, runs.attrs["backend_reason"]
    for a in (1.0, 0.5):
        flow, which = sd.Flow(LANDSCAPE.with_parameters(a=a), sd.USAM(0.1)), values == a
        alone = sd.integrate(flow, starts[which], 5.0, backend=backend)
        assert (runs.w.values[which] == alone.w.values).all()
        assert (runs.status.values[which] == alone.status.values).all()


def test_diffusions_at_one_value() -> None:
    sde = sd.Diffusion(LANDSCAPE.with_parameters(a=0.5), sd.USAM(0.1), NOISE, lr=0.1)
    other = replace(sde, landscape=written(0.5))
    w = torch.as_tensor(STARTS.T)
    for mine, theirs in zip(sde.law(w), other.law(w), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-13, atol=1e-15)
    runs = [sd.simulate(sd.EulerMaruyama(one), STARTS, 10).w for one in (sde, other)]
    np.testing.assert_allclose(*runs, rtol=1e-12)
    assert sd.analysis.with_parameters(other.of(sd.Map(LANDSCAPE, sd.GD(), lr=0.1, noise=NOISE)), {"a": 0.5}).lr == 0.1


def test_filled_reaches_the_noise() -> None:
    map_ = sd.Map(LANDSCAPE, sd.SAM(0.1), lr=0.1, noise=sd.noise.Gaussian([0.1, 0.2]))
    _ = map_._source
    other = filled(map_, {("landscape", "a"): torch.tensor([3.0, 4.0])})
    assert other._source is not None
    assert other._source.landscape is other.landscape
    assert other.landscape.parameters["a"].tolist() == [3, 4]
    assert map_.landscape is LANDSCAPE
    assert map_._source is not None
    assert map_._source.landscape is LANDSCAPE
    assert list(per_run(other)) == [("landscape", "a"), ("noise", "covariance")]


@BOTH
def test_noise_of_the_users_own_takes_one_value(backend: str) -> None:
    """By default noise may be computed from the landscape; a class that says it is not takes one value per run."""

    class Sized(sd.noise.Gaussian):
        of_landscape = True

    try:
        values = LANDSCAPE.with_parameters(a=A)
        for noise in (sd.noise.Fisher((1, 0), 4), Sized(0.1)):
            with pytest.raises(
                sd.InputError, match=r"a = \[1.0, .*\]: the noise .* is computed from a landscape with one"
            ):
                sd.Map(values, sd.GD(), lr=0.1, noise=noise)
        simulate(sd.Map(values, sd.GD(), lr=0.1, noise=NOISE), STARTS, backend=backend)
    finally:
        del Sized
        gc.collect()


SYMBOL = LANDSCAPE.with_parameters(a=sympy.Symbol("a", positive=True))
MANY = LANDSCAPE.with_parameters(a=A)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: sd.simulate(sd.Map(MANY, sd.GD(), lr=0.1), STARTS[:2], 3), r"a = .* is for 4 run\(s\), w0 for 2"),
        (lambda: sd.integrate(sd.Flow(MANY, sd.GD()), STARTS[:2], 3), r"a = .* is for 4 run\(s\), w0 for 2"),
        (
            lambda: sd.simulate(sd.Map(MANY, sd.SAM([0.1, 0.2]), lr=0.1), (1, 1), 3),
            r"rho = .* is for 2 run\(s\), a for 4",
        ),
        (
            lambda: sd.simulate(sd.Map(MANY, sd.GD(), lr=0.1), (1, 1), 3, statistics="mean"),
            "a = .*no statistic in common",
        ),
        (lambda: sd.simulate(sd.Map(SYMBOL, sd.GD(), lr=0.1), (1, 1), 3), "a = a: a simulation needs a number"),
        (lambda: sd.integrate(sd.Flow(SYMBOL, sd.GD()), (1, 1), 3), "a = a: a simulation needs a number"),
        (lambda: sd.Diffusion(MANY, sd.GD(), NOISE, lr=0.1), "a = .*: a simulation needs a number"),
        (lambda: sd.Diffusion(SYMBOL, sd.GD(), NOISE, lr=0.1), "a = a: a simulation needs a number"),
        (lambda: sd.attractors(sd.Flow(MANY, sd.GD())), "a = .*: a simulation needs a number"),
        (lambda: sd.basins(sd.Map(MANY, sd.GD(), lr=0.1)), "a = .*: a simulation needs a number"),
    ],
)
def test_bad_input(call: Any, said: str) -> None:
    with pytest.raises(sd.InputError, match=said):
        call()
