"""Parameters that differ from run to run: each run is what it is with its parameters alone."""

import gc
import pickle
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch

import samdyn as sd
from samdyn import landscapes, methods
from samdyn.analysis import with_parameters
from samdyn.catalogues import is_published
from samdyn.dynamics.settings import filled, per_run, select
from samdyn.methods import Ascent, Method
from samdyn.ops import Point
from samdyn.oracle import Oracle
from samdyn.simulation.iterates import chunks

BEALE = landscapes.beale()
SAMPLES = sd.SampleLandscape("(a*x + tanh(b) - y)**2/2", "a b", {"x": [1, 2, -1, 3], "y": [0.5, -1, 2, 1]})
STARTS = np.array([[1.0, 1.0], [0.5, -0.5], [2.5, 0.3], [3.2, 0.6]])
RHO, LR, MOMENTUM = [0.1, 0.3, 0.0, 0.2], [1e-4, 2e-4, 3e-4, 1e-4], [0.0, 0.9, 0.5, 0.0]


def agree(
    together: sd.Map, alone: list[sd.Map], w0: Any = STARTS, steps: int = 40, rtol: float = 0.0, **options: Any
) -> Any:
    """Check that every run of an ensemble is the one that has its parameters for all runs; return the ensemble."""
    options = {"device": "cpu", "save_every": 7, "seed": 3} | options
    runs = sd.simulate(together, w0, steps, **options)
    assert runs.attrs["backend"] == options["backend"], runs.attrs["backend_reason"]
    for i, map_ in enumerate(alone):
        one = sd.simulate(map_, np.atleast_2d(w0)[i % len(np.atleast_2d(w0))], steps, **options, first_run=i)
        assert one.attrs["backend"] == options["backend"], one.attrs["backend_reason"]
        assert runs.status[i] == one.status[0]
        assert runs.end[i] == one.end[0]
        for name in ("w", "loss", *(["v"] if "v" in one else [])):
            np.testing.assert_allclose(runs[name][i], one[name][0], rtol=rtol, atol=rtol, err_msg=name)
    return runs


BOTH = pytest.mark.parametrize("backend", ["eager", "compiled"])
NOISE = sd.noise.Gaussian(np.array([[0.02, 0.01], [0.01, 0.03]]))


@BOTH
@pytest.mark.parametrize("noise", [None, NOISE], ids=["exact", "noisy"])
@pytest.mark.parametrize("nesterov", [False, True])
def test_every_run_is_what_it_is_alone_to_the_bit(backend: str, noise: Any, nesterov: bool) -> None:
    # ρ, η and γ enter the same products, whether they are numbers or stand in tensors.
    together = sd.Map(BEALE, sd.SAM(rho=RHO), lr=LR, momentum=MOMENTUM, nesterov=nesterov, noise=noise)
    alone = [
        sd.Map(BEALE, sd.SAM(rho), lr=lr, momentum=gamma, nesterov=nesterov and gamma > 0, noise=noise)
        for rho, lr, gamma in zip(RHO, LR, MOMENTUM, strict=True)
    ]
    runs = agree(together, alone, backend=backend)
    assert runs.rho.values.tolist() == RHO
    assert runs.lr.values.tolist() == LR
    assert runs.momentum.values.tolist() == MOMENTUM
    assert runs.rho.attrs["long_name"] == "radius ρ"
    assert all("units" in runs[name].attrs for name in ("rho", "lr", "momentum"))
    assert "lr" not in runs.attrs
    assert "momentum" not in runs.attrs
    assert runs.attrs["method"] == "SAM(rho=one per run, ascent_steps=1, average=False)"
    assert runs.time.dims == ("run", "step")
    np.testing.assert_array_equal(runs.time, np.array(LR)[:, None] * runs.step.values)


# Of the variants one: they climb as SAM does.
ASCENTS = [
    name
    for name, kind in methods.catalogue().items()
    if issubclass(kind, Ascent) and is_published(kind) and (kind.__module__.count(".") == 2 or name == "GSAM")
]


# Eager runs show what a method makes of one ρ per run, compiled ones that its numbers reach the kernel: as a field, as
# the base class's, and of a step that draws random numbers.
@pytest.mark.parametrize(
    ("backend", "name"),
    [*(("eager", name) for name in ASCENTS), *(("compiled", name) for name in ("SAM", "ASAM", "SometimesSAM"))],
)
def test_every_method(backend: str, name: str) -> None:
    kind: Any = methods.named(name)
    together = sd.Map(BEALE, kind(RHO, ascent_steps=3), lr=1e-4, momentum=0.9)
    agree(together, [replace(together, method=kind(rho, ascent_steps=3)) for rho in RHO], backend=backend)


@BOTH
def test_float32(backend: str) -> None:
    # ρ/3 is rounded to float32 once alone and twice in a tensor: 6e-8, which 40 steps of gradients up to 1e2 stretch.
    together = sd.Map(BEALE, sd.SAM(rho=RHO, ascent_steps=3), lr=LR, momentum=MOMENTUM)
    alone = [
        sd.Map(BEALE, sd.SAM(rho, ascent_steps=3), lr=lr, momentum=gamma)
        for rho, lr, gamma in zip(RHO, LR, MOMENTUM, strict=True)
    ]
    runs = agree(together, alone, backend=backend, dtype="float32", rtol=1e-5)
    assert runs.w.dtype == np.float32


@pytest.mark.parametrize(
    ("backend", "coupling", "replacement"),
    [
        ("eager", "shared", True),
        ("eager", "shared", False),
        ("eager", "independent", True),
        ("eager", "clean", False),
        ("compiled", "independent", True),
        ("compiled", "clean", False),
    ],
)
def test_batch_sizes(backend: str, coupling: str, replacement: bool) -> None:
    sizes = [1, 3, 4, 3]

    def with_(size: Any) -> sd.Map:
        noise = sd.noise.FiniteSum(size, coupling=coupling, replacement=replacement)
        return sd.Map(SAMPLES, sd.ExactSAM(0.1), lr=0.02, noise=noise)

    runs = agree(with_(sizes), [with_(size) for size in sizes], backend=backend, rtol=1e-14)
    assert runs.batch_size.values.tolist() == sizes
    assert runs.time.dims == ("step",)


@BOTH
def test_noise_of_other_sizes(backend: str) -> None:
    # The root of a covariance that is divided by B, and the root divided by that of B: rounding, in 40 noisy steps.
    saddle = landscapes.saddle()
    for values, noise in (
        ([1, 4, 9, 100], lambda size: sd.noise.Fisher((0, 0), size)),
        ([0.0, 0.1, 1.0, 2.0], lambda c: sd.noise.Gaussian(c)),
    ):
        together = sd.Map(saddle, sd.SAM(0.1), lr=0.01, noise=noise(values))
        agree(together, [replace(together, noise=noise(value)) for value in values], backend=backend, rtol=1e-13)
    stds = [0.0, 0.1, 1.0, 2.0]

    def labels(std: Any) -> sd.Map:
        noise = sd.noise.LabelNoise(2, label="y", std=std)
        return sd.Map(SAMPLES, sd.SAM(0.1), lr=0.02, noise=noise)

    agree(labels(stds), [labels(std) for std in stds], backend=backend, rtol=1e-13)


@BOTH
def test_chunks_do_not_show(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    number = 3 * chunks.block(2) + 17
    map_ = sd.Map(BEALE, sd.SAM(rng.uniform(0, 0.5, number)), lr=rng.uniform(1e-5, 1e-4, number), momentum=0.5)
    w0 = rng.uniform([1, -1], [3, 1], (number, 2))
    one = sd.simulate(map_, w0, 5, backend=backend, device="cpu")
    for name in ("eager", "compiled"):
        monkeypatch.setitem(chunks.NUMBERS, (name, "cpu"), 1)
    assert one.identical(sd.simulate(map_, w0, 5, backend=backend, device="cpu"))
    # At the minimum every step stays; η = 3 would leave it from anywhere beside.
    lr = np.where(np.arange(number) < chunks.block(2), 3.0, 0.1)
    still = sd.simulate(sd.Map(landscapes.quadratic([1.0, 2.0]), sd.GD(), lr=lr), np.zeros((number, 2)), 2)
    assert (still.status.values == np.where(lr == 3.0, "undecided", "settled")).all()
    last = sd.simulate(select(map_, slice(-1, None)), w0[-1:], 5, backend=backend, device="cpu", first_run=number - 1)
    assert (last.w.values[0] == one.w.values[-1]).all()


def test_what_becomes_of_runs() -> None:
    # From one start: at rest, without and with momentum; thrown out; on its way. Each as alone.
    bowl = landscapes.quadratic([1.0, 2.0])
    lr, momentum = [0.5, 0.1, 3.0, 1e-6, 0.5], [0.0, 0.5, 0.0, 0.0, 0.9]
    alone = [sd.Map(bowl, sd.GD(), lr=a, momentum=b) for a, b in zip(lr, momentum, strict=True)]
    runs = agree(sd.Map(bowl, sd.GD(), lr=lr, momentum=momentum), alone, [1.0, 1.0], 2000, backend="eager")
    assert runs.status.values.tolist() == ["settled", "settled", "diverged", "undecided", "settled"]
    high = landscapes.quadratic(np.linspace(1, 2, 12))  # where Jacobians are bounded by probes first
    alone = [replace(map_, landscape=high) for map_ in alone]
    agree(sd.Map(high, sd.GD(), lr=lr, momentum=momentum), alone, np.ones(12), 2000, backend="eager")


@pytest.mark.parametrize("momentum", [0.0, [0.0, 0.0]])
def test_without_any_momentum_there_is_no_velocity(momentum: Any) -> None:
    runs = sd.simulate(sd.Map(BEALE, sd.SAM([0.1, 0.2]), lr=1e-4, momentum=momentum), (1, 1), 3)
    assert "v" not in runs
    assert runs.attrs["lr"] == 1e-4


def test_runs_that_draw_the_same_noise() -> None:
    map_ = sd.Map(BEALE, sd.SAM([0.1, 0.2, 0.1, 0.1]), lr=1e-4, noise=NOISE)
    runs = sd.simulate(map_, (1, 1), 20, runs=[7, 7, 7, 2**32 - 1])
    assert runs.noise_run.values.tolist() == [7, 7, 7, 2**32 - 1]
    assert runs.run.values.tolist() == [0, 1, 2, 3]
    assert (runs.w[0] == runs.w[2]).all()
    assert (runs.w[0] != runs.w[1]).any()
    assert (runs.w[0] != runs.w[3]).any()
    alone = sd.simulate(replace(map_, method=sd.SAM(0.2)), (1, 1), 20, first_run=7)
    assert (runs.w[1] == alone.w[0]).all()
    assert "noise_run" not in alone
    ten = sd.simulate(sd.Map(BEALE, sd.SAM(0.1), lr=1e-4, noise=NOISE), (1, 1), 20, runs=range(7, 17))
    assert ten.sizes["run"] == 10
    assert (ten.w[0] == runs.w[0]).all()
    with pytest.raises(sd.InputError, match=r"runs = \[1, 2\]: must be 4 integers"):
        sd.simulate(map_, STARTS, 3, runs=[1, 2])


def test_resumed() -> None:
    map_ = sd.Map(BEALE, sd.SAM(RHO), lr=LR, momentum=MOMENTUM, noise=NOISE)
    whole = sd.simulate(map_, (1, 1), 30)
    half = sd.simulate(map_, (1, 1), 13)
    rest = sd.simulate(map_, half.w.values[:, -1], 17, v0=half.v.values, first_step=13)
    assert (rest.w.values == whole.w.values).all()
    assert rest.time.equals(whole.time)
    pushed = sd.simulate(map_, (1, 1), 30, v0=(0, 0))  # one velocity for one start
    assert (pushed.w.values == whole.w.values).all()


def test_one_kernel_serves_all_values(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMDYN_CACHE", str(tmp_path))
    for rho, lr in ((RHO, LR), (LR, [0.1, 0.2, 0.3, 0.4])):
        sd.simulate(sd.Map(BEALE, sd.SAM(rho), lr=lr), STARTS, 1, backend="compiled", device="cpu")
    assert len(list(tmp_path.glob("*.so"))) == 1


@BOTH
def test_a_users_own_method(backend: str) -> None:
    @dataclass(frozen=True)
    class Tilted(Method):
        """A method with a number, and a constant that is a tensor."""

        size: Any
        axis: torch.Tensor

        def __call__(self, w: Point, grad: Oracle) -> Point:
            return grad(w) + self.size * self.axis.to(w)[:, None]

    @dataclass(frozen=True)
    class Twice(Method):
        """A method made of another."""

        inner: Method

        def __call__(self, w: Point, grad: Oracle) -> Point:
            return self.inner(w, grad) + self.inner(w, grad)

    try:
        sizes, axis = [0.0, 0.5, 1.0, 2.0], torch.tensor([0.3, -1.0], dtype=torch.float64)
        together = sd.Map(BEALE, Twice(Tilted(torch.tensor(sizes, dtype=torch.float64), axis)), lr=1e-4)
        assert list(per_run(together)) == [("method", "inner", "size")]
        alone = [replace(together, method=Twice(Tilted(size, axis))) for size in sizes]
        runs = agree(together, alone, backend=backend)
        assert runs["size"].values.tolist() == sizes
        assert runs["size"].attrs == {"long_name": "size", "units": "as in its definition"}
    finally:
        del Tilted, Twice
        gc.collect()  # the catalogue of methods knows subclasses


@pytest.mark.parametrize("kind", [list, tuple, np.array, torch.tensor])
def test_what_may_hold_the_values(kind: Any) -> None:
    map_ = sd.Map(BEALE, sd.SAM(kind([1, 2])), lr=kind([1e-4, 2e-4]), momentum=kind([0.0, 0.5]))
    assert per_run(map_)["method", "rho"].tolist() == [1, 2]
    assert sd.simulate(pickle.loads(pickle.dumps(map_)), (1, 1), 3).identical(sd.simulate(map_, (1, 1), 3))


def test_filled_keeps_nothing_of_what_was_there() -> None:
    noise = sd.noise.FiniteSum([1, 4])
    map_ = sd.Map(SAMPLES, sd.SAM([0.1, 0.2]), lr=0.02, noise=noise)
    _ = map_._source
    other = filled(map_, {("method", "rho"): torch.ones(2), ("noise", "batch_size"): torch.tensor([4, 1])})
    assert other._source is not None
    assert other._source.per_run["batch_size"].tolist() == [4, 1]
    assert map_._source is not None
    assert map_._source.per_run["batch_size"].tolist() == [1, 4]
    assert map_.method.rho.tolist() == [0.1, 0.2]  # type: ignore[attr-defined]
    assert with_parameters(map_, {"batch_size": [2, 3]})._source.per_run["batch_size"].tolist() == [2, 3]  # type: ignore[union-attr]


GD = sd.GD()


@pytest.mark.parametrize(
    ("make", "options", "said"),
    [
        (lambda: sd.Map(BEALE, sd.SAM([0.1, 0.2]), lr=1e-4), {"w0": STARTS}, r"rho = \[0.1, 0.2\]: .*2 run.*w0 for 4"),
        (lambda: sd.Map(BEALE, sd.SAM([0.1]), lr=1e-4), {"w0": STARTS}, r"rho = \[0.1\]: is for 1 run\(s\), w0 for 4"),
        (lambda: sd.Map(BEALE, sd.SAM([0.1, 0.2]), lr=[1e-4] * 3), {}, r"lr = .*is for 3 run\(s\), rho for 2"),
        (lambda: sd.Map(BEALE, sd.SAM([0.1, 0.2]), lr=1e-4), {"runs": [1, 2, 3]}, r"runs = .*3 run\(s\), rho for 2"),
        (lambda: sd.Map(BEALE, sd.SAM([[0.1, 0.2]]), lr=1e-4), {}, r"rho = .* has the shape \(1, 2\)"),
        (lambda: sd.Map(BEALE, sd.SAM([0.1, -0.2]), lr=1e-4), {}, r"rho = \[0.1, -0.2\]: the radius must be"),
        (lambda: sd.Map(BEALE, sd.SAM([]), lr=1e-4), {}, r"rho = \[\]"),
        (lambda: sd.Map(BEALE, sd.SAM(["0.1"]), lr=1e-4), {}, r"rho = \['0.1'\]"),
        (lambda: sd.Map(BEALE, sd.SAM([[0.1], [0.2, 0.3]]), lr=1e-4), {}, r"rho = "),
        (lambda: sd.Map(BEALE, sd.SAM([True, False]), lr=1e-4), {}, r"rho = \[True, False\]"),
        (lambda: sd.Map(BEALE, GD, lr=[1e-4, 0.0]), {}, r"lr = \[0.0001, 0.0\]: must be a finite number > 0"),
        (lambda: sd.Map(BEALE, GD, lr=1e-4, momentum=[0.5, 1.0]), {}, r"momentum = \[0.5, 1.0\]: must lie in"),
        (lambda: sd.Map(BEALE, GD, lr=1e-4, momentum=[0, 0], nesterov=True), {}, "Nesterov"),
        (lambda: sd.Map(BEALE, sd.SAM(sd.symbolic.RHO), lr=1e-4), {}, "rho = rho: a simulation needs a number, or"),
        (lambda: sd.Map(BEALE, sd.ASAM(0.1, shift=[0.1, -1.0]), lr=1e-4), {}, "shift = "),
        (lambda: sd.noise.Gaussian([0.1, -1.0]), {}, r"covariance = \[0.1, -1.0\]"),
        (lambda: sd.noise.FiniteSum([2, 0]), {}, r"batch_size = \[2, 0\]: must be an integer >= 1"),
        (lambda: sd.noise.FiniteSum([2.0, 1.0]), {}, r"batch_size = \[2.0, 1.0\]"),
        (lambda: sd.noise.FiniteSum([2, 4], micro_batch=2), {}, "micro_batch = 2: batches of several sizes"),
        (
            lambda: sd.Map(SAMPLES, GD, lr=0.1, noise=sd.noise.FiniteSum([2, 5], replacement=False)),
            {},
            r"batch_size = .*is more than the 4 samples",
        ),
        (
            lambda: sd.Map(BEALE, sd.SAM([0.1, 0.2]), lr=1e-4),
            {"statistics": "mean"},
            r"rho = \[0.1, 0.2\]: runs of different settings have no statistic in common",
        ),
    ],
)
def test_bad_input(make: Any, options: dict[str, Any], said: str) -> None:
    with pytest.raises(sd.InputError, match=said):
        sd.simulate(make(), **({"w0": (1, 1), "steps": 3} | options))


@pytest.mark.parametrize("analyse", [sd.attractors, lambda m: sd.analysis.linear_step(m)])
def test_what_asks_for_numbers_says_so(analyse: Any) -> None:
    with pytest.raises(sd.InputError, match=r"rho = .*a simulation needs a number"):
        analyse(sd.Map(landscapes.saddle(), sd.SAM([0.1, 0.2]), lr=0.01))
