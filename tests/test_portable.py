"""What users make can be sent to other processes, and copied, and does there what it does here."""

import copy
import multiprocessing
import pickle
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import pytest
import torch

import samdyn as sd
from samdyn.catalogues import is_published
from samdyn.portable import Portable

SAMPLES = sd.SampleLandscape("(a*x - y)**2/2 + log(1 + exp(a))", "a", {"x": [1, 2], "y": [0, 1]})
SADDLE = sd.landscapes.saddle()
DIFFUSION = sd.Diffusion(SADDLE, sd.USAM(0.1), sd.noise.Gaussian(1.0), lr=0.1)
NOISY = sd.Map(SADDLE, sd.SAM(0.1), lr=0.1, momentum=0.9, noise=sd.noise.Gaussian(1.0))
FOLD = sd.Landscape("x**3/3 - a*x + y**2", "x y", parameters={"a": [0.5, 1, 2]})
VARIED = sd.Map(FOLD, sd.SAM(0.1), lr=0.1, noise=sd.noise.Gaussian(1.0))
ON_SAMPLES = sd.Map(SAMPLES, sd.SAM(0.1), lr=0.1, noise=sd.noise.FiniteSum(1))
METHODS = {
    name: cls() if name == "GD" else cls(0.1) for name, cls in sd.methods.catalogue().items() if is_published(cls)
}


def ways(thing: Any) -> list[Any]:
    return [pickle.loads(pickle.dumps(thing)), copy.deepcopy(thing), copy.copy(thing)]


@pytest.mark.parametrize("make", sd.landscapes.catalogue().values(), ids=sd.landscapes.catalogue())
def test_landscapes(make: Callable[[], sd.Landscape]) -> None:
    landscape = make()
    w = torch.full((landscape.dim, 2), 0.3, dtype=torch.float64)
    told = [landscape.value(w), landscape.grad(w), landscape.hessian(w)]  # what is cached now is not sent
    for other in ways(landscape):
        assert (other.symbols, other.box, other.name, other.expr) == (
            landscape.symbols,
            landscape.box,
            landscape.name,
            landscape.expr,
        )
        for here, there in zip(told, (other.value(w), other.grad(w), other.hessian(w)), strict=True):
            assert torch.equal(here, there)


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_methods_maps_and_flows(method: sd.Method) -> None:
    w = torch.tensor([[0.3], [0.2]], dtype=torch.float64)
    if not sd.methods.is_stateless(method):
        assert all(other == method for other in ways(method))
        return
    for make in (lambda: sd.Map(SADDLE, method, lr=0.1), lambda: sd.Flow(SADDLE, method)):
        system = make()
        told = system.jacobian_at(w)
        for other in ways(system):
            assert other.method == method
            assert torch.equal(other.jacobian_at(w), told)


@pytest.mark.parametrize(
    "system",
    [NOISY, ON_SAMPLES, VARIED, sd.EulerMaruyama(DIFFUSION), sd.Milstein(DIFFUSION), sd.Platen(DIFFUSION)],
    ids=lambda system: type(system).__name__,
)
def test_noise_and_schemes(system: Any) -> None:
    w0 = np.full((3, system.landscape.dim), 0.2)
    told = sd.simulate(system, w0, 4).w
    for other in ways(system):
        assert (sd.simulate(other, w0, 4).w == told).all()


def network() -> sd.networks.Network:
    model = torch.nn.Sequential(torch.nn.Linear(1, 2), torch.nn.Tanh(), torch.nn.Linear(2, 1))
    return sd.networks.Network(model, torch.nn.MSELoss(), torch.ones(4, 1), torch.zeros(4, 1))


@pytest.mark.parametrize(
    ("make", "shown"),
    [
        (lambda: sd.stability(sd.Flow(SADDLE, sd.USAM(0.1)), (0, 0)), str),
        (lambda: sd.stability(sd.Map(SADDLE, sd.SAM(0.1), lr=0.1, momentum=0.5), (0, 0)), str),
        (lambda: sd.critical_points(sd.landscapes.double_well()), repr),
        (lambda: sd.analysis.exact_critical_points(SADDLE), repr),
        (lambda: sd.analysis.linear_step(sd.Map(SADDLE, sd.USAM(0.1), lr=0.1, noise=sd.noise.Gaussian(1.0))), repr),
        (lambda: DIFFUSION, repr),
        (lambda: sd.noise.LabelNoise(2, label="y", std=0.5), repr),
        (lambda: sd.ASAM(0.1, shift=0.01, weights=[True, False]), repr),
    ],
)
def test_results(make: Callable[[], Any], shown: Callable[[Any], str]) -> None:
    thing = make()
    for other in ways(thing):
        assert shown(other) == shown(thing)


def test_networks_with_models_that_can_be_sent() -> None:
    net = network()
    w = torch.linspace(-1, 1, net.dim)[:, None]
    told = net.grad(w)
    for other in ways(net):
        assert torch.equal(other.grad(w), told)


def test_what_is_cached_stays_here_and_nothing_else() -> None:
    class Thing(Portable):
        given = 3

        @cached_property
        def made(self) -> Any:
            return lambda: self

    class Special(Thing):
        pass

    thing = Special()
    thing.made, thing.given = thing.made, 4
    assert thing.__getstate__() == {"given": 4}
    assert copy.copy(thing).given == 4


def forked(work: list[tuple[Any, ...]]) -> list[Any]:
    """In a process that begins with a copy of this one's memory."""
    with multiprocessing.get_context("fork").Pool(1) as pool:
        return pool.starmap(sd.simulate, work)


def by_joblib(work: list[tuple[Any, ...]]) -> list[Any]:
    """In joblib's own workers, which import everything anew, as processes do everywhere on macOS and Windows."""
    loky = pytest.importorskip("joblib.externals.loky")
    with loky.get_reusable_executor(max_workers=1) as workers:
        return list(workers.map(sd.simulate, *zip(*work, strict=True)))


@pytest.mark.slow
@pytest.mark.parametrize("workers", [forked, by_joblib])
def test_other_processes_do_what_this_one_does(workers: Callable[[list[tuple[Any, ...]]], list[Any]]) -> None:
    systems = [
        NOISY,
        ON_SAMPLES,
        replace(VARIED, landscape=FOLD.with_parameters(a=2)),
        sd.Map(sd.landscapes.beale(), sd.SAM(0.1), lr=1e-4),
    ]
    work = [(system, np.full((2, system.landscape.dim), 0.2), 3) for system in systems]
    here = [sd.simulate(*each) for each in work]
    assert all(h.identical(t) for h, t in zip(here, workers(work), strict=True))
