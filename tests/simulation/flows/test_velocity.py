"""The compiled velocity of a flow is torch's, and takes its place once torch worked for as long as compiling takes."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import torch

import samdyn as sd
from samdyn.compiler import LANES
from samdyn.ops import jacobian
from samdyn.oracle import Oracle
from samdyn.simulation import backends
from samdyn.simulation.flows import velocity
from samdyn.simulation.flows.velocity import CompiledFlow

FLOW = sd.Flow(sd.landscapes.beale(), sd.SAM(0.3, ascent_steps=2))


@pytest.fixture(autouse=True)
def forgetful() -> Iterator[None]:
    """Forget what was warned of and compiled."""
    for forget in (backends.warn_once.cache_clear, velocity._codes.clear):
        forget()
    yield
    backends.warn_once.cache_clear()


def points(*shape: int) -> torch.Tensor:
    return torch.randn(2, *shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def strided(u: torch.Tensor) -> torch.Tensor:
    """Return the same points with their coordinates side by side in memory."""
    return u.movedim(0, -1).contiguous().movedim(-1, 0)


@pytest.mark.parametrize("shape", [(), (1,), (3,), (LANES,), (3, 5), (7000,)], ids=str)
@pytest.mark.parametrize("unit", [1.0, 8.0])
def test_compiled_velocities_are_torchs(shape: tuple[int, ...], unit: float) -> None:
    flow, u = CompiledFlow(FLOW, unit, "compiled"), points(*shape)
    before = u.clone()
    first, second = flow(u), flow(u)  # the first call compiles
    assert flow._code.kernel is not None
    assert (first == flow.eager(u)).all()
    torch.testing.assert_close(second, first, rtol=1e-12, atol=1e-12)
    assert (u == before).all()
    assert (flow(strided(u)) == second).all()


@pytest.mark.parametrize("n", [3, 40_000])  # in this thread, in others
def test_repeated_velocities_are_those_of_single_calls(n: int) -> None:
    flow, u = CompiledFlow(FLOW, 1.0, "compiled"), points(n)
    repeated = flow.repeated(n)
    torch.testing.assert_close(repeated(u), flow.eager(u), rtol=0, atol=0)  # not compiled yet
    for point in (u, 2 * u, strided(u)):
        assert (repeated(point) == flow(point)).all()


def test_what_differentiates_the_velocity_gets_torchs() -> None:
    flow, u = CompiledFlow(FLOW, 1.0, "compiled"), points(3)
    flow(u)
    assert flow._code.kernel is not None
    torch.testing.assert_close(jacobian(flow, u), FLOW.jacobian_at(u))


def test_it_is_compiled_once_torch_worked_as_long_as_that_takes() -> None:
    auto, u = CompiledFlow(FLOW, 1.0, "auto"), points(1)
    auto(u)
    assert auto._code.kernel is None
    work = auto._code.work
    auto(u)
    assert auto._code.work == 2 * work
    auto._code.work = 100.0  # seconds
    auto(u)
    assert auto._code.kernel is not None
    assert CompiledFlow(FLOW, 1.0, "auto")._code is auto._code  # further integrations have it
    eager = CompiledFlow(FLOW, 1.0, "eager")
    assert (eager(u) == FLOW(u)).all()


def test_what_cannot_be_compiled_stays_in_torch() -> None:
    @dataclass(frozen=True)
    class Needy(sd.Method):
        """It needs the numbers, which a trace does not have."""

        def __call__(self, w: torch.Tensor, grad: Oracle) -> torch.Tensor:
            return grad(w) if float(w.sum()) > 0 else 2 * grad(w)

    flow, u = sd.Flow(sd.landscapes.double_well(), Needy()), points(2)
    compiled = CompiledFlow(flow, 1.0, "compiled")
    with pytest.warns(RuntimeWarning, match="eager torch"):
        assert (compiled(u) == flow(u)).all()
    assert (compiled(u) == flow(u)).all()
    velocity._codes.clear()
    auto = CompiledFlow(flow, 1.0, "auto")
    auto._code.work = 100.0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (auto(u) == flow(u)).all()
    assert auto._code.over
