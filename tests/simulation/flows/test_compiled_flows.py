"""integrate: compiled trial steps against the same steps in torch, and which of them is chosen."""

import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

import samdyn as sd
from samdyn import landscapes
from samdyn.catalogues import is_published
from samdyn.compiler import LANES, Kernel, NotCompilable
from samdyn.compiler.c import build, kernel
from samdyn.methods import Method
from samdyn.simulation import backends
from samdyn.simulation.discontinuities import filippov
from samdyn.simulation.flows import chooser, dopri, velocity
from samdyn.simulation.flows.runs import OUT_OF_STEPS, Limits, Runs
from samdyn.simulation.flows.trial import Batch, Trial

BEALE, WELL = landscapes.beale(), landscapes.double_well()
RTOL, ATOL = 1e-8, 1e-10


@pytest.fixture(autouse=True)
def forgetful() -> Iterator[None]:
    """Forget what was warned of and traced."""
    backends.warn_once.cache_clear()
    chooser._traced.clear()
    velocity._codes.clear()
    yield
    backends.warn_once.cache_clear()


def starts(landscape: sd.Landscape, runs: int = 150) -> np.ndarray:
    low, high = np.array(landscape.box).T / 2
    return np.random.default_rng(0).uniform(low, high, (runs, landscape.dim))


def both(flow: sd.Flow, times: Any, w0: Any = None, **options: Any) -> tuple[Any, Any]:
    """Return the same runs, eager and compiled."""
    w0 = starts(flow.landscape) if w0 is None else w0
    options = {"rtol": RTOL, "atol": ATOL, "device": "cpu"} | options
    eager, compiled = (sd.integrate(flow, w0, times, backend=b, **options) for b in ("eager", "compiled"))
    assert (eager.attrs["backend"], compiled.attrs["backend"]) == ("eager", "compiled")
    return eager, compiled


def assert_same(eager: Any, compiled: Any, rtol: float = RTOL, atol: float = ATOL) -> None:
    """Check that runs agree: rounding moves steps, and so errors, by far less than the errors themselves."""
    for name in ("status", "slid"):
        assert (eager[name] == compiled[name]).all()
    np.testing.assert_allclose(compiled.w, eager.w, rtol=rtol, atol=atol)
    np.testing.assert_allclose(compiled.end, eager.end, rtol=1e-6)  # where a run leaves, a step's length may differ


@pytest.mark.parametrize(
    ("landscape", "method"),
    [(BEALE, sd.USAM(0.002)), (BEALE, sd.SAM(0.05)), (landscapes.himmelblau(), sd.GD()), (WELL, sd.SAM(0.05))],
    ids=str,
)
def test_both_take_the_same_steps(landscape: sd.Landscape, method: Method) -> None:
    assert_same(*both(sd.Flow(landscape, method), 0.3))


OF_EACH = [
    (BEALE, cls(0.002) if issubclass(cls, sd.methods.Ascent) else cls())
    for cls in sd.methods.catalogue().values()
    # Of the variants those alone that are not made of SAM's operations: maps compile all.
    if is_published(cls) and sd.methods.is_stateless(cls)
    if cls.__module__.count(".") == 2 or cls in (sd.methods.StableSAM, sd.methods.TiltedSAM)
]
CURVED = sd.Landscape("sin(x)*y + abs(y)/3 + x**2", "x y")
CASES = [*OF_EACH, (CURVED, sd.SAM(0.1, ascent_steps=2)), (CURVED, sd.ExactSAM(0.1, average=True))]


@pytest.mark.parametrize(("landscape", "method"), CASES, ids=str)
def test_steps_of_flows_of_order_two_are_torchs(landscape: sd.Landscape, method: Method) -> None:
    flow = sd.Flow(landscape, method, order=2, lr=1e-4)
    trial, w = Trial(flow, RTOL, ATOL, 1e-3), torch.from_numpy(starts(landscape, 2 * LANES).T.copy())
    zero, wide = torch.zeros(2 * LANES, dtype=torch.float64), torch.full((2, 1), 1e9, dtype=torch.float64)
    whole = torch.zeros(2 * LANES, dtype=torch.int64)
    batch = Batch.start(w, flow(w), zero, zero + 1e-4, whole - 9, zero[0] + 1, (-wide, wide), whole + 4)
    batch = batch.select(torch.arange(2 * LANES))
    kernel = chooser.kernel_of(trial, 2)
    kernel.build()
    expected = chooser.advance(backends.Eager(trial), replace(batch, k=batch.k.clone()), 1)
    found = chooser.advance(backends.Compiled(kernel), batch, 1)
    # A stage rounds w by 1e-16, and Beale's field has slopes up to 1e6 there; the steps h are 1e-4.
    torch.testing.assert_close(found.k, expected.k, rtol=1e-11, atol=1e-14)
    torch.testing.assert_close(found.w, expected.w, rtol=1e-12, atol=1e-14)
    assert (found.t > 0).double().mean() > 0.5  # most steps were within the tolerances, and taken


def test_flows_of_order_two_end_alike() -> None:
    eager, compiled = both(sd.Flow(WELL, sd.USAM(0.1), order=2, lr=0.1), [0.5, 30.0])
    assert_same(eager, compiled)
    assert "settled" in eager.status.values
    first = sd.integrate(sd.Flow(WELL, sd.USAM(0.1)), starts(WELL), [0.5, 30.0], device="cpu")
    assert abs(first.w - eager.w).max() > 0.01  # the correction matters


def test_to_rest_on_jumps() -> None:
    # SAM holds runs at the saddle of the double well, where its field jumps: stalls must be seen alike.
    eager, compiled = both(sd.Flow(WELL, sd.SAM(0.3)), 30.0)
    assert_same(eager, compiled)
    assert set(eager.status.values) == {"settled"}
    assert eager.slid.any()


def test_times_between_steps() -> None:
    eager, compiled = both(sd.Flow(WELL, sd.USAM(0.1)), np.linspace(0, 2, 41))
    assert eager.w.shape == (150, 41, 2)
    assert_same(eager, compiled)


def test_runs_that_leave_the_box_or_blow_up() -> None:
    saddle = sd.Flow(landscapes.saddle(), sd.GD())
    box = ((-1.0, 1.0), (-1.0, 1.0))
    eager, compiled = both(saddle, 3.0, starts(saddle.landscape) / 4, box=box)
    assert set(eager.status.values) == {"left the box", "undecided"}
    left = eager.isel(run=eager.status.values == "left the box")
    assert (left.end < 3).all()
    assert (abs(left.w) < 2).all()  # at e³ times its start it would be far out
    assert_same(eager, compiled)
    cubic = sd.Flow(sd.Landscape("-x**3/3 + y**2", "x y"), sd.GD())  # ẋ = x² ends at t = 1/x
    runs = sd.integrate(cubic, [[1.0, 0.0], [0.5, 0.0], [-1.0, 0.0]], 4.0, backend="compiled")
    assert list(runs.status.values[:2]) == ["diverged", "diverged"]
    np.testing.assert_allclose(runs.end[:2], [1.0, 2.0], rtol=1e-6)


def test_no_more_steps_than_allowed() -> None:
    # 20 is no multiple of the steps that are taken between looks. Steps grow from one to the next, so that one more or
    # less moves the ends by percents; rounding, through the error estimate, by some 1e-10 of the time.
    eager, compiled = both(sd.Flow(BEALE, sd.USAM(0.002)), 2.0, max_steps=20)
    assert (eager.status == "undecided").all()
    np.testing.assert_allclose(compiled.end, eager.end, rtol=1e-6)
    np.testing.assert_allclose(compiled.w, eager.w, atol=1e-6)


def test_where_runs_end_nothing_moves_on() -> None:
    flow, w0 = sd.Flow(BEALE, sd.USAM(0.002)), torch.from_numpy(starts(BEALE).T.copy())
    wide = torch.full((2, 1), 1e9, dtype=torch.float64)
    limits = Limits(RTOL, ATOL, -wide, wide, 20, lambda _: None)
    trial, everyone = Trial(flow, RTOL, ATOL, 1e-3), torch.arange(150)
    lengths = []
    for backend in ("eager", "compiled"):
        runs = Runs.start(w0, torch.tensor([2.0], dtype=torch.float64))
        chosen = chooser.Chooser(backend, trial)
        dopri.solve(lambda _: trial, runs, everyone, limits, torch.full((150,), 4), chosen)
        assert chosen.name == backend
        assert (runs.steps == 20).all()
        assert (runs.outcome == OUT_OF_STEPS).all()
        lengths.append(runs.h)
    # One step is some percent longer than another; rounding changes it, through the error estimate, by far less.
    torch.testing.assert_close(*lengths, rtol=1e-4, atol=0)


def test_smooth_fields_give_no_false_alarm(monkeypatch: pytest.MonkeyPatch) -> None:
    def alarm(*_: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(filippov, "meet", alarm)
    both(sd.Flow(BEALE, sd.USAM(0.002)), 100.0)


@pytest.mark.parametrize("runs", [2, 64, 65])
def test_runs_are_the_same_in_any_company(runs: int) -> None:
    flow, w0 = sd.Flow(BEALE, sd.SAM(0.05)), starts(BEALE)
    alone, among = (sd.integrate(flow, w, 0.3, backend="compiled") for w in (w0[:runs], w0))
    assert (alone.w.values == among.w.values[:runs]).all()


def test_another_number_compiles_nothing_anew(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMDYN_CACHE", str(tmp_path))
    for times, box, rtol, max_steps in ((0.5, None, 1e-6, 1000), (2.0, ((-3, 3), (-3, 3)), 1e-7, 2000)):
        flow = sd.Flow(WELL, sd.USAM(0.1))
        sd.integrate(flow, starts(WELL), times, box=box, rtol=rtol, max_steps=max_steps, backend="compiled")
        assert len(list(tmp_path.glob("*.so"))) == 2  # the steps, and the velocity that certificates need


def test_torch_has_its_threads_afterwards() -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(threads + 1)
    try:
        both(sd.Flow(WELL, sd.GD()), 1.0)
        assert torch.get_num_threads() == threads + 1
    finally:
        torch.set_num_threads(threads)


# Which is chosen.


def cost(monkeypatch: pytest.MonkeyPatch, **seconds: float) -> None:
    """Change what things cost."""
    monkeypatch.setitem(backends.COSTS, "cpu", replace(backends.COSTS["cpu"], **seconds))


def test_auto_compiles_where_it_pays(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMDYN_CACHE", str(tmp_path))
    flow = sd.Flow(WELL, sd.GD())
    few = sd.integrate(flow, starts(WELL, 10), 0.01)
    assert few.attrs["backend"] == "eager"
    assert "s of work" in few.attrs["backend_reason"]
    assert not list(tmp_path.iterdir())
    cost(monkeypatch, trace=0.0, compile=0.0, line=0.0)  # as if it took no time
    assert sd.integrate(flow, starts(WELL, 10), 2.0).attrs["backend"] == "compiled"


def test_auto_takes_what_is_there() -> None:
    flow, w0 = sd.Flow(BEALE, sd.USAM(0.002)), starts(BEALE)
    sd.integrate(flow, w0, 0.3, backend="compiled")
    assert sd.integrate(flow, w0, 0.3).attrs["backend"] == "compiled"


def test_long_runs_are_compiled_on_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chooser, "USUAL", 0)  # at the start nothing speaks for it
    flow, w0 = sd.Flow(BEALE, sd.USAM(0.002)), starts(BEALE)
    cost(monkeypatch, trace=0.0, compile=0.0, line=1e-9, load=1e-9)
    auto = sd.integrate(flow, w0, 2.0, rtol=RTOL, atol=ATOL)
    assert auto.attrs["backend"] == "compiled"
    assert_same(sd.integrate(flow, w0, 2.0, rtol=RTOL, atol=ATOL, backend="eager"), auto)


def test_one_start_is_lsodas() -> None:
    assert sd.integrate(sd.Flow(WELL, sd.GD()), (1, 1), 1.0, backend="compiled").attrs["backend"] == "eager"


def test_what_cannot_be_traced_is_torchs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "LIMIT", 10)
    cost(monkeypatch, trace=0.0)
    flow, w0 = sd.Flow(WELL, sd.GD()), starts(WELL, 5)
    runs = sd.integrate(flow, w0, 1.0)  # nobody asked for a compiler: no warning, which pytest makes an error
    assert runs.attrs["backend_reason"] == "not compiled: a step takes more than 10 operations on scalars"
    with pytest.warns(RuntimeWarning, match="more than 10 operations"):
        asked = sd.integrate(flow, w0, 1.0, backend="compiled")
    assert asked.attrs["backend"] == "eager"
    assert (asked.w == runs.w).all()


def test_without_a_compiler_there_is_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> list[str]:
        raise NotCompilable("no C compiler was found (cc)")

    monkeypatch.setattr(build, "compiler", none)
    build._machine.cache_clear()
    flow, w0 = sd.Flow(WELL, sd.GD()), starts(WELL, 5)
    with pytest.warns(RuntimeWarning, match="no C compiler was found") as warned:
        runs = sd.integrate(flow, w0, 1.0, backend="compiled")
    assert len(warned) == 1
    assert runs.attrs["backend"] == "eager"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sd.integrate(flow, w0, 1.0, backend="compiled")  # once is enough


def test_compiled_code_that_is_wrong_is_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Kernel.run

    def wrong(self: Kernel, per_run: list[torch.Tensor], *others: Any) -> None:
        right(self, per_run, *others)
        per_run[0] *= 1.001

    monkeypatch.setattr(Kernel, "run", wrong)
    flow, w0 = sd.Flow(WELL, sd.GD()), starts(WELL, 5)
    with pytest.warns(RuntimeWarning, match="does not do what torch does"):
        runs = sd.integrate(flow, w0, 1.0, backend="compiled")
    assert (runs.w == sd.integrate(flow, w0, 1.0, backend="eager").w).all()


@pytest.mark.parametrize("time", [1e-3, 30.0])
def test_runs_on_jumps_are_no_sign_of_wrong_code(time: float) -> None:
    # At the saddle, and on the axis along which SAM slides to it, rounding decides what the field is.
    flow = sd.Flow(landscapes.saddle(), sd.SAM(0.5))
    runs = sd.integrate(flow, [[0.0, 1e-9], [0.0, 0.0], [0.3, 1e-17]] * 5, time, backend="compiled")
    assert runs.attrs["backend"] == "compiled"


def test_other_backends_are_refused() -> None:
    with pytest.raises(sd.InputError, match="Did you mean 'eager'"):
        sd.integrate(sd.Flow(WELL, sd.GD()), starts(WELL, 5), 1.0, backend="eagre")
