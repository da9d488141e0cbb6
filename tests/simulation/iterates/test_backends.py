"""Eager and compiled runs agree; which of them is taken, and that nothing that goes wrong on the way costs a run."""

import gc
import subprocess
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch

import samdyn as sd
from samdyn import landscapes, methods
from samdyn.catalogues import is_published
from samdyn.compiler import Kernel, NotCompilable
from samdyn.compiler.c import build
from samdyn.methods import Ascent, Method
from samdyn.simulation import Scheme, backends
from samdyn.simulation.iterates import advance, chunks
from samdyn.simulation.statistics.moments import block

BEALE, SADDLE = landscapes.beale(), landscapes.saddle()
# The catalogue has the methods of other tests, too, which are a user's.
PUBLISHED = [cls for cls in methods.catalogue().values() if is_published(cls)]
METHODS = [cls(0.05) if issubclass(cls, Ascent) else cls() for cls in PUBLISHED]
# With noise without the variants of SAM, which ask for noisy gradients as it does, but for one with more of them.
NOISY_METHODS = [m for m in METHODS if type(m).__module__.count(".") == 2 or isinstance(m, methods.FullFriendlySAM)]
NOISE = sd.noise.Gaussian(np.array([[0.02, 0.01], [0.01, 0.03]]))
NOISY = sd.Map(BEALE, sd.SAM(0.1), lr=1e-4, momentum=0.9, noise=NOISE)
SAMPLES = sd.SampleLandscape("(a*x + tanh(b) - y)**2/2", "a b", {"x": [1, 2, -1, 3], "y": [0.5, -1, 2, 1]})


@pytest.fixture(autouse=True)
def unwarned() -> Iterator[None]:
    """Forget what was warned of, and left to torch."""
    backends.warn_once.cache_clear()
    advance._eager_work.clear()
    yield
    backends.warn_once.cache_clear()


def starts(map_: sd.Map | Scheme, runs: int = 150) -> np.ndarray:
    low, high = np.array(map_.landscape.box).T / 2
    return np.random.default_rng(0).uniform(low, high, (runs, map_.landscape.dim))


def both(map_: sd.Map | Scheme, steps: int = 20, **options: Any) -> tuple[Any, Any]:
    """Return the same runs, eager and compiled."""
    w0 = options.pop("w0", starts(map_))
    eager, compiled = (sd.simulate(map_, w0, steps, backend=b, device="cpu", **options) for b in ("eager", "compiled"))
    assert eager.attrs["backend"] == "eager"
    assert compiled.attrs["backend"] == "compiled", compiled.attrs["backend_reason"]
    return eager, compiled


def assert_agree(map_: sd.Map | Scheme, rtol: float = 1e-11, **options: Any) -> None:
    """Check that runs agree: to what rounding grows to in 20 steps, where gradients change 1e4 times as fast as w."""
    eager, compiled = both(map_, **options)
    assert (eager.status == compiled.status).all()
    assert (eager.end == compiled.end).all()
    for name in ("w", "loss", "v"):
        if name in eager:
            np.testing.assert_allclose(compiled[name], eager[name], rtol=rtol, atol=rtol)


# They agree.


@pytest.mark.parametrize(
    ("noise", "method"),
    [*((None, method) for method in METHODS), *((NOISE, method) for method in NOISY_METHODS)],
    ids=str,
)
def test_every_method(noise: Any, method: Method) -> None:
    assert_agree(sd.Map(BEALE, method, lr=1e-5, momentum=0.9, nesterov=True, noise=noise), seed=3, box=[(-9, 9)] * 2)


@pytest.mark.parametrize("landscape", landscapes.catalogue().values(), ids=lambda make: make().name)
def test_every_landscape(landscape: Any) -> None:
    assert_agree(sd.Map(landscape(), sd.SAM(0.1, ascent_steps=2, average=True), lr=1e-4))


@pytest.mark.parametrize("coupling", ["shared", "independent", "clean"])
@pytest.mark.parametrize(
    "noise",
    [
        sd.noise.FiniteSum(4, micro_batch=2),
        sd.noise.FiniteSum(3, replacement=False),
        sd.noise.LabelNoise(2, label="y", std=0.1),
    ],
    ids=repr,
)
def test_every_batch(noise: Any, coupling: str) -> None:
    assert_agree(sd.Map(SAMPLES, sd.SAM(0.1), lr=0.02, noise=replace(noise, coupling=coupling)), seed=1)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("model", ["moments", "taylor", "fisher"])
def test_every_diffusion(model: str, momentum: float) -> None:
    noise = sd.noise.Fisher((0, 0), 16)
    assert_agree(sd.EulerMaruyama(sd.Diffusion(SADDLE, sd.USAM(0.1), noise, lr=0.01, momentum=momentum, model=model)))


@pytest.mark.parametrize("scheme", [sd.EulerMaruyama, sd.Milstein, sd.Platen])
def test_every_scheme(scheme: Any) -> None:
    line = sd.SampleLandscape("(a*x - y)**2/2", "a", {"x": [1, 2, -1], "y": [0.5, -1, 2]})  # noise that depends on w
    assert_agree(scheme(sd.Diffusion(line, sd.USAM(0.1), sd.noise.FiniteSum(2), lr=0.01)))


@pytest.mark.parametrize("d", [1, 5, 30, 40])
def test_every_dimension(d: int) -> None:
    values = np.linspace(-1, 2, d) if d > 1 else [-1.0]
    assert_agree(sd.Map(landscapes.quadratic(values), sd.SAM(0.1), lr=0.01, noise=sd.noise.Gaussian(0.01)))


def test_rotated_quadratics() -> None:
    basis = np.linalg.qr(np.random.default_rng(1).normal(size=(6, 6)))[0]
    assert_agree(sd.Map(landscapes.quadratic(np.linspace(-1, 2, 6), rotation=basis), sd.SAM(0.1), lr=0.01))


def test_float32() -> None:
    assert_agree(
        NOISY, dtype="float32", rtol=1e-4
    )  # 20 steps of rounding to 6e-8, times gradients that change 100 × as fast


def test_five_hundred_steps_differ_by_their_rounding() -> None:
    # Outside the trap, where SAM is chaotic, errors grow as the runs do. Each step is off by some units in the last
    # place, also of the root in torch, which is not correctly rounded on every processor.
    map_ = sd.Map(SADDLE, sd.SAM(0.1), lr=0.01, momentum=0.9)
    w0 = starts(map_)
    outside = w0[np.abs(w0[:, 1]) > 0.2]
    assert_agree(map_, w0=outside, steps=500, rtol=500 * 8 * 2.3e-16)


def test_runs_that_stop() -> None:
    box = [(1.2, 2.2), (-1, 1)]
    w0 = np.random.default_rng(2).uniform([1, -1], [2.4, 1], (300, 2))
    assert_agree(NOISY, w0=w0, box=box, save_every=7, steps=100, rtol=1e-9)
    eager, compiled = both(sd.Map(BEALE, sd.USAM(1.0), lr=1.0), w0=w0, steps=10, save_every=1)
    assert (eager.status == "diverged").all()
    assert (compiled.end == eager.end).all()
    assert np.isfinite(compiled.w).all()


def test_runs_at_the_saddle_itself_stay() -> None:
    # Where the gradient is exactly 0 it must be so in both: SAM's ascent has a length of ρ anywhere beside.
    eager, compiled = both(sd.Map(BEALE, sd.SAM(0.1), lr=1e-3), w0=[(3, 0.5), (0, 1)] * 40, steps=5)
    assert (eager.w.values[:, -1] == [(3, 0.5), (0, 1)] * 40).all()
    assert (compiled.w.values == eager.w.values).all()


@pytest.mark.parametrize("seed", [0, 2**32 - 1])
def test_seeds_runs_and_steps_of_any_size(seed: int) -> None:
    assert_agree(NOISY, seed=seed, first_run=2**32 - 150, first_step=2**32 - 21)


# Parts.


@pytest.mark.parametrize("backend", ["eager", "compiled"])
def test_parts_are_the_whole_to_the_bit(backend: str) -> None:
    w0 = starts(NOISY, 333)
    options: dict[str, Any] = {"backend": backend, "seed": 5, "device": "cpu"}
    whole = sd.simulate(NOISY, w0, 60, save_every=7, **options)
    for first, last in ((0, 1), (1, 200), (200, 333)):
        part = sd.simulate(NOISY, w0[first:last], 60, save_every=7, first_run=first, **options)
        assert (part.w.values == whole.w.values[first:last]).all()
        assert (part.run == whole.run[first:last]).all()
    half = sd.simulate(NOISY, w0, 23, **options)
    rest = sd.simulate(NOISY, half.w.values[:, -1], 37, v0=half.v.values, first_step=23, **options)
    assert (rest.w.values[:, -1] == whole.w.values[:, -1]).all()


def test_steps_between_looks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    options: dict[str, Any] = {"seed": 5, "backend": "compiled", "device": "cpu"}
    whole = sd.simulate(NOISY, starts(NOISY), 300, **options)
    monkeypatch.setattr(advance, "PORTION", 1)
    assert whole.identical(sd.simulate(NOISY, starts(NOISY), 300, **options))


@pytest.mark.parametrize("backend", ["eager", "compiled"])
@pytest.mark.parametrize("statistics", [None, ["mean", "covariance", "msd", "exit_times", "status"]])
def test_chunks_do_not_show(backend: str, statistics: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    w0 = starts(NOISY, 3 * block(2) + 17)
    options: dict[str, Any] = {"backend": backend, "box": [(0.5, 2.3), (-0.5, 0.5)], "save_every": 2, "device": "cpu"}
    one = sd.simulate(NOISY, w0, 5, statistics=statistics, **options)
    for numbers in (1, 4 * block(2)):  # chunks of one block, and of two
        monkeypatch.setitem(chunks.NUMBERS, (backend, "cpu"), numbers)
        assert one.identical(sd.simulate(NOISY, w0, 5, statistics=statistics, **options))


@pytest.mark.parametrize("statistics", [None, ["mean", "status"]])
@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory"),
    ],
)
def test_a_chunk_without_memory_is_halved(error: Exception, statistics: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    w0 = starts(NOISY, 5 * block(2))
    right = sd.simulate(NOISY, w0, 4, save_every=2, statistics=statistics, backend="eager", device="cpu")
    sizes, run = [], advance.Advance.run

    def limited(self: Any, state: Any, seed: int, begin: int, steps: int, show: Any) -> None:
        run(self, state, seed, begin, steps, show)
        sizes.append(len(state.runs))
        if len(state.runs) > 2 * block(2) and begin > 2:  # after something of the chunk was kept already
            raise error

    monkeypatch.setattr(advance.Advance, "run", limited)
    found = sd.simulate(NOISY, w0, 4, save_every=2, statistics=statistics, backend="eager", device="cpu")
    assert right.identical(found)
    assert max(sizes) == 5 * block(2)
    assert sizes[-1] == block(2)


def test_where_not_one_block_fits_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(advance.Advance, "run", full)
    with pytest.raises(torch.OutOfMemoryError):
        sd.simulate(NOISY, starts(NOISY), 4, backend="eager")


def test_statistics_are_those_of_the_trajectories() -> None:
    w0, box = starts(NOISY, 1000), [(0.5, 2.3), (-0.5, 0.5)]
    options: dict[str, Any] = {"save_every": 10, "box": box, "backend": "compiled", "device": "cpu"}
    runs = sd.simulate(NOISY, w0, 45, **options)
    names = ["mean", "covariance", "msd", "exit_times", "status", sd.Histogram({"y": [-1, -0.5, 0, 0.5, 1]})]
    found = sd.simulate(NOISY, w0, 45, statistics=names, **options)
    w = runs.w.values
    np.testing.assert_allclose(found["mean"], w.mean(0), rtol=1e-13)
    np.testing.assert_allclose(found["mean_error"], w.std(0, ddof=1) / 1000**0.5, rtol=1e-12)
    for k in range(len(runs.step)):
        np.testing.assert_allclose(found["covariance"][k], np.cov(w[:, k].T), rtol=1e-12, atol=1e-16)
        assert (found.histogram_y[k] == np.histogram(w[:, k, 1], [-1, -0.5, 0, 0.5, 1])[0]).all()
    np.testing.assert_allclose(found["msd"], ((w - w[:, :1]) ** 2).mean(0), rtol=1e-12)
    out = (runs.status == "left the box").values
    assert 0 < out.sum() < 1000
    assert (found.exited == [(out & (runs.end.values <= step)).sum() for step in runs.step.values]).all()
    assert float(found.exposure) == pytest.approx(runs.end.values.sum() * 1e-4, rel=1e-12)
    assert found.status_count.sel(status="left the box") == out.sum()
    assert found.step.equals(runs.step)
    assert found.time.equals(runs.time)
    assert "run" not in found.dims


# Which is taken.


def test_little_work_is_left_to_torch() -> None:
    runs = sd.simulate(NOISY, starts(NOISY), 10, device="cpu")
    assert runs.attrs["backend"] == "eager"
    assert "10 steps of 150 runs" in runs.attrs["backend_reason"]


def test_much_is_compiled() -> None:
    runs = sd.simulate(NOISY, starts(NOISY, 2), 20_000, device="cpu")  # half a minute of launching operations
    assert runs.attrs["backend"] == "compiled"
    assert "work for torch" in runs.attrs["backend_reason"]


def test_the_first_of_a_process_takes_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(advance, "prepared", lambda: False)
    assert sd.simulate(NOISY, starts(NOISY), 400, device="cpu").attrs["backend"] == "eager"
    assert sd.simulate(NOISY, starts(NOISY), 20_000, device="cpu").attrs["backend"] == "compiled"


def test_what_is_in_between_is_compiled_if_it_was_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMDYN_CACHE", str(tmp_path))
    monkeypatch.setattr(advance, "prepared", lambda: True)  # as after any other that was compiled
    first = sd.simulate(NOISY, starts(NOISY), 300, device="cpu")
    assert first.attrs["backend"] == "eager"
    assert "compiling takes up to" in first.attrs["backend_reason"]
    sd.simulate(NOISY, starts(NOISY), 1, backend="compiled", device="cpu")
    assert sd.simulate(NOISY, starts(NOISY), 300, device="cpu").attrs["backend"] == "compiled"


@pytest.mark.parametrize(("traced_before", "left_to_torch"), [(True, 1), (False, 3)])
def test_many_short_calls_are_compiled_in_the_end(
    traced_before: bool, left_to_torch: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Each takes torch 0.23 s. To compile takes 0.16 s, and to trace for the first time in a process 0.6 s.
    monkeypatch.setenv("SAMDYN_CACHE", str(tmp_path))
    monkeypatch.setattr(advance, "prepared", lambda: traced_before)
    found = [sd.simulate(NOISY, starts(NOISY), 300, device="cpu").attrs["backend"] for _ in range(left_to_torch + 2)]
    assert found == ["eager"] * left_to_torch + ["compiled"] * 2


@pytest.mark.parametrize("map_", [sd.Map(SADDLE, sd.GD(), lr=0.01), NOISY, sd.Map(SAMPLES, sd.SAM(0.1), lr=0.02)])
def test_operations_are_counted_before_anything_is_traced(map_: sd.Map) -> None:
    # Of one step of one run. They are about as many as the tracer finds below Python, which leaves out views of data.
    steps, w = advance.Steps(map_, None), torch.ones(2, 1, dtype=torch.float64)
    none, zero = torch.ones(1, dtype=torch.bool), torch.zeros(1, dtype=torch.int64)
    like = advance.Ensemble(map_.start(w), none, zero, zero)
    counted = backends.Operations.of(steps, *like.tensors, 0, 1)
    traced = advance.kernel_of(steps, like)
    assert 1 / 3 < counted.calls / traced.calls < 3
    assert 1 / 3 < counted.numbers / traced.operations < 3


def test_a_map_is_traced_once_but_a_function_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    traces: list[Any] = []
    original = advance.traced

    def counted(steps: Any, like: Any) -> Any:
        traces.append(steps)
        return original(steps, like)

    monkeypatch.setattr(advance, "traced", counted)

    def simulate(map_: sd.Map, **options: Any) -> int:
        before = len(traces)
        sd.simulate(map_, [(1.0, 0.5)], 2, backend="compiled", device="cpu", **options)
        return len(traces) - before

    map_ = sd.Map(SADDLE, sd.SAM(0.1), lr=0.01, noise=sd.noise.Gaussian(1.0))
    ways: list[dict[str, Any]] = [{}, {"dtype": "float32"}, {"box": [(-1, 2), (-1, 1)]}, {"box": [(-1, 3), (-1, 1)]}]
    assert [simulate(map_, **way) for way in ways] == [1] * 4
    assert [simulate(map_, **way) for way in ways] == [0] * 4
    identity = id(map_)
    del map_
    traces.clear()
    gc.collect()
    assert identity not in advance._kernels

    def gradient(w: Any, oracle: Any) -> Any:
        return oracle(w)

    function = sd.Map(SADDLE, cast("Any", gradient), lr=0.01)
    assert [simulate(function) for _ in range(2)] == [1, 1]


def test_one_kernel_serves_all_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMDYN_CACHE", str(tmp_path))
    for rho, lr, momentum, size in ((0.1, 0.01, 0.9, 16), (0.23, 0.03, 0.99, 7)):
        noise = sd.noise.Fisher((0, 0), batch_size=size)
        sd.simulate(sd.Map(SADDLE, sd.SAM(rho), lr, momentum, noise=noise), (1, 1), 1, backend="compiled", device="cpu")
    assert len(list(tmp_path.glob("*.so"))) == 1


def test_another_process_finds_it_compiled() -> None:
    sd.simulate(NOISY, starts(NOISY), 1, backend="compiled", device="cpu")
    script = """
import samdyn as sd, numpy as np
from samdyn.compiler.c import build
from samdyn.catalogues import is_published
build.compiler(), build._machine()  # they ask the compiler, and the process remembers their answers
build._call = None
noise = sd.noise.Gaussian(np.array([[0.02, 0.01], [0.01, 0.03]]))
map_ = sd.Map(sd.landscapes.beale(), sd.SAM(0.1), lr=1e-4, momentum=0.9, noise=noise)
print(sd.simulate(map_, (1, 1), 1, backend="compiled", device="cpu").attrs["backend"])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "compiled", done.stderr


# What goes wrong.


@pytest.mark.parametrize(("backend", "steps"), [("compiled", 3), ("auto", 20_000)])
def test_without_a_compiler_torch_takes_the_steps(backend: str, steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> list[str]:
        raise NotCompilable("no C compiler was found (cc)")

    monkeypatch.setattr(build, "compiler", none)
    build._machine.cache_clear()
    map_, w0 = sd.Map(SADDLE, sd.GD(), lr=0.01), [(1.0, 1e-9)]
    with pytest.warns(RuntimeWarning, match="no C compiler was found") as warned:
        runs = sd.simulate(map_, w0, steps, backend=backend, device="cpu")
    assert len(warned) == 1
    assert runs.attrs["backend"] == "eager"
    assert "no C compiler" in runs.attrs["backend_reason"]
    assert runs.end[0] == min(steps, runs.end[0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sd.simulate(map_, w0, steps, backend=backend, device="cpu")  # once is enough


def test_a_step_that_is_no_run_of_scalars_is_torchs() -> None:
    @dataclass(frozen=True)
    class Looking(Method):
        """GD, which looks at the numbers."""

        def __call__(self, w: Any, grad: Any) -> Any:
            return grad(w) if bool((w == w).all()) else w

    try:
        map_ = sd.Map(BEALE, Looking(), lr=1e-4)
        with pytest.warns(RuntimeWarning, match="not among the operations"):
            runs = sd.simulate(map_, (1, 1), 3, backend="compiled", device="cpu")
        assert (runs.w == sd.simulate(sd.Map(BEALE, sd.GD(), lr=1e-4), (1, 1), 3).w).all()
        # Nobody asked for a compiler: no warning, which pytest makes an error.
        assert sd.simulate(map_, starts(map_, 2), 3000).attrs["backend"] == "eager"
    finally:
        del Looking
        gc.collect()  # the catalogue of methods knows subclasses


def test_compiled_code_that_is_wrong_is_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    right = sd.simulate(NOISY, starts(NOISY), 5, backend="eager", device="cpu")
    run = Kernel.run

    def off(self: Any, per_run: Any, *rest: Any) -> None:
        run(self, per_run, *rest)
        per_run[0].add_(1e-4)

    monkeypatch.setattr(Kernel, "run", off)
    found = sd.simulate(NOISY, starts(NOISY), 5, backend="compiled", device="cpu")
    assert found.attrs["backend"] == "eager"
    assert "does not do what torch does" in found.attrs["backend_reason"]
    assert (found.w.values == right.w.values).all()


@pytest.mark.parametrize("statistics", [None, ["mean"]])
def test_code_that_fails_on_the_way_loses_nothing(statistics: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(chunks.NUMBERS, ("compiled", "cpu"), 1)
    w0 = starts(NOISY, 2 * block(2))
    right = sd.simulate(NOISY, w0, 4, save_every=2, statistics=statistics, backend="eager", device="cpu")
    run, calls = advance.Advance.run, []

    def fails(self: Any, *rest: Any) -> None:
        run(self, *rest)
        calls.append(1)
        if len(calls) == 4:  # in the second chunk, with some of it kept
            raise NotCompilable("the code is gone")

    monkeypatch.setattr(advance.Advance, "run", fails)
    found = sd.simulate(NOISY, w0, 4, save_every=2, statistics=statistics, backend="compiled", device="cpu")
    assert found.attrs["backend_reason"] == "not compiled: the code is gone"
    for name in right.data_vars:
        if right[name].dtype.kind == "f":
            np.testing.assert_allclose(found[name], right[name], rtol=1e-9)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"backend": "compile"}, r"backend = 'compile': no backend has this name. Did you mean 'compiled'\?"),
        ({"backend": "jax"}, "Known: auto, compiled, eager"),
        ({"device": "tpu"}, "no such device"),
        ({"dtype": "int64"}, "computed in float64 or float32"),
        ({"dtype": torch.float16}, "computed in float64 or float32"),
        ({"statistics": ["median"]}, "no statistic has this name"),
        ({"statistics": ["histogram"]}, r"a histogram needs the edges of its bins. Use Histogram\("),
        ({"statistics": []}, "names no statistic"),
    ],
)
def test_bad_input(options: dict[str, Any], said: str) -> None:
    with pytest.raises(sd.InputError, match=said):
        sd.simulate(NOISY, (1, 1), 10, **options)
