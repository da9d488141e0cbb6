"""integrate: flows against closed forms and against an independent solver, for one start (LSODA) and for many."""

from typing import Any

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import samdyn as sd
from samdyn import landscapes
from samdyn.methods import Method

SADDLE = sd.Landscape("x**2 - y**2", "x y")
DESCENT = sd.Flow(SADDLE, sd.GD())
TIMES = np.linspace(0, 2, 9)
STARTS = np.array([[1.0, 0.1], [-2.0, 0.5], [0.3, -1.0]])
BEALE = landscapes.beale()

# One start goes to LSODA, two or more to the batched solver.
SOLVERS = pytest.mark.parametrize("many", [False, True], ids=["one", "many"])


def integrate(flow: sd.Flow, starts: Any, times: Any, many: bool, **options: Any) -> list[Any]:
    """Integrate all starts at once or one by one; return a dataset of one run for each."""
    if many:
        runs = sd.integrate(flow, np.vstack([starts, starts[:1]]), times, **options)  # never a batch of one
        return [runs.isel(run=[i]) for i in range(len(starts))]
    return [sd.integrate(flow, start, times, **options) for start in starts]


def paths(flow: sd.Flow, starts: Any, times: Any, many: bool, **options: Any) -> np.ndarray:
    """Return the states (run, time, coord)."""
    return np.concatenate([runs.w.values for runs in integrate(flow, starts, times, many, **options)])


# Against closed forms.


@SOLVERS
@pytest.mark.parametrize(("method", "rho"), [(sd.GD(), 0.0), (sd.USAM(0.2), 0.2), (sd.USAM(0.8), 0.8)], ids=str)
def test_quadratic(method: Method, rho: float, many: bool) -> None:
    spectrum = np.array([2.0, -1.5])
    flow = sd.Flow(landscapes.quadratic(spectrum), method)
    effective = spectrum * (1 + rho * spectrum)
    exact = STARTS[:, None] * np.exp(-TIMES[:, None] * effective)
    # Each of the ≲ 100 steps may err by rtol·|w| + atol, carried on by the flow: at worst by its growth, which is the
    # solution's own.
    tolerance = 100 * (1e-8 * np.abs(exact).max(axis=1, keepdims=True) + 1e-10)
    assert (np.abs(paths(flow, STARTS, TIMES, many) - exact) < tolerance).all()


@SOLVERS
def test_order_two_on_a_quadratic(many: bool) -> None:
    # ẇ = −λw − (η/2)λ²w
    spectrum, lr = np.array([2.0, -1.5]), 0.2
    flow = sd.Flow(landscapes.quadratic(spectrum), sd.GD(), order=2, lr=lr)
    exact = STARTS[:, None] * np.exp(-TIMES[:, None] * (spectrum + lr / 2 * spectrum**2))
    # As above; without the second term the states would be off by 20 %.
    tolerance = 100 * (1e-8 * np.abs(exact).max(axis=1, keepdims=True) + 1e-10)
    assert (np.abs(paths(flow, STARTS, TIMES, many) - exact) < tolerance).all()


# Against another solver, another implementation of the field.


def beale_gradient(w: np.ndarray) -> np.ndarray:
    """Return Beale's gradient, written by hand."""
    x, y = w
    parts = [c - x + x * y**p for p, c in ((1, 1.5), (2, 2.25), (3, 2.625))]
    return np.array(
        [
            sum(2 * r * (y**p - 1) for p, r in enumerate(parts, 1)),
            sum(2 * r * p * x * y ** (p - 1) for p, r in enumerate(parts, 1)),
        ]
    )


@SOLVERS
def test_usam_on_beale(many: bool) -> None:
    rho, starts = 0.002, np.array([[1.0, 2.0], [2.0, -0.5], [0.1, 1.05], [3.5, 1.0]])
    times = np.array([0.001, 0.01, 0.1, 0.5])

    def field(_: float, w: np.ndarray) -> np.ndarray:
        return -beale_gradient(w + rho * beale_gradient(w))

    with np.errstate(over="ignore", invalid="ignore"):  # in trial steps, which DOP853 then rejects
        exact = np.stack([solve_ivp(field, (0, 0.5), w, "DOP853", times, rtol=1e-12, atol=1e-13).y.T for w in starts])
    found = paths(sd.Flow(BEALE, sd.USAM(rho)), starts, times, many)
    # λ = −28 (USAM: −26) at the saddle near which two of the runs pass: an error may grow until it leaves, by the same
    # factor as the run's distance, at most 1/0.05. Times 100 steps of 1e-8.
    np.testing.assert_allclose(found, exact, rtol=0, atol=20 * 100 * 1e-8)


@pytest.mark.parametrize("rtol", [1e-5, 1e-7, 1e-9])
def test_both_solvers_agree(rtol: float) -> None:
    flow = sd.Flow(landscapes.himmelblau(), sd.SAM(0.1))
    starts = np.array([[1.0, 1.0], [-1.0, 2.0], [2.0, -1.0]])
    one, many = (paths(flow, starts, [0.01, 0.03], m, rtol=rtol, atol=rtol) for m in (False, True))
    # Two sums of ≲ 100 local errors, each rtol·‖w‖, ‖w‖ ≤ 5.
    np.testing.assert_allclose(one, many, rtol=0, atol=2 * 100 * 5 * rtol)


@SOLVERS
def test_a_step_that_turns_out_too_large_is_taken_back(many: bool) -> None:
    # ẋ = 1 + a/(1 + (x/s)²): far from 0 nothing happens and steps grow; then the run is thrown ahead, and what is
    # missed there stays missing. It is at x after t = x − x₀ − as/√(1 + a) · [atan(x/(s√(1 + a)))] from x₀ to x.
    a, s, start = 5, 0.01, -3.0
    scene = sd.Landscape(f"-x - {a * s}*atan(x/{s})", "x")
    times = np.array([1.0, 2.0, 4.0])
    x = paths(sd.Flow(scene, sd.GD()), [[start]], times, many)[0, :, 0]
    root = np.sqrt(1 + a)
    exact = x - start - a * s / root * (np.arctan(x / (s * root)) - np.arctan(start / (s * root)))
    # A hundred steps, each wrong by rtol·|x| at most; a bump that is stepped over costs 0.06.
    np.testing.assert_allclose(exact, times, rtol=0, atol=100 * 3e-8)


# Accuracy follows the tolerance.


def test_error_is_proportional_to_rtol() -> None:
    tolerances = np.logspace(-4, -10, 13)
    exact = STARTS * np.exp(-2 * np.array([2.0, -2.0]))
    errors = []
    for rtol in tolerances:
        w = sd.integrate(DESCENT, STARTS, 2.0, rtol=rtol, atol=1e-2 * rtol).w.values[:, -1]
        errors.append((np.abs(w - exact) / np.abs(exact)).max())
    slope, offset = np.polyfit(np.log(tolerances), np.log(errors), 1)
    # The estimate is h⁵ and the method's own error h⁶ a step, h⁵ over all steps: slope 1. Were the solution of order 4
    # carried on, or errors controlled per unit step, it would be 4/5 or 5/4; the band lies half-way to those.
    assert 0.9 < slope < 1.12
    # And the error is of rtol's size, not a thousand times it.
    assert -np.log(100) < offset + (slope - 1) * np.log(1e-7) < np.log(100)


def test_dense_output() -> None:
    times = np.linspace(0, 2, 777)
    runs = sd.integrate(DESCENT, STARTS, times)
    exact = STARTS[:, None] * np.exp(-times[:, None] * np.array([2.0, -2.0]))
    tolerance = 100 * (1e-8 * np.abs(exact).max(axis=1, keepdims=True) + 1e-10)  # as at the ends of steps
    assert (np.abs(runs.w.values - exact) < tolerance).all()
    np.testing.assert_array_equal(runs.w.values[:, 0], STARTS)
    np.testing.assert_array_equal(runs.time.values, times)


@SOLVERS
def test_saving_more_changes_nothing(many: bool) -> None:
    # Steps end where error control wants them, not where states are saved: bit-equal.
    few = paths(DESCENT, STARTS, [2.0], many)
    often = paths(DESCENT, STARTS, np.linspace(0.01, 2, 100), many)
    np.testing.assert_array_equal(few[:, -1], often[:, -1])


def test_loss_is_that_of_the_states() -> None:
    runs = sd.integrate(DESCENT, STARTS, TIMES)
    x, y = np.moveaxis(runs.w.values, -1, 0)
    np.testing.assert_allclose(runs.loss.values, x**2 - y**2, rtol=1e-14, atol=1e-14)  # rounding


def test_runs_do_not_influence_each_other() -> None:
    flow = sd.Flow(landscapes.double_well(), sd.USAM(0.1))
    starts = np.random.default_rng(0).uniform(-1.5, 1.5, (200, 2))
    starts[7] = [1e6, 1e6]  # one that needs tiny steps, and for long
    together = sd.integrate(flow, starts, [0.5, 3.0])
    for i in (0, 3, 8, 199):
        pair = sd.integrate(flow, starts[[i, 1]], [0.5, 3.0])
        # The same steps, up to the rounding of vectorised arithmetic; e³ the growth of an error in three units of time.
        np.testing.assert_allclose(pair.w.values[0], together.w.values[i], rtol=1e-13, atol=1e-13)
        assert pair.status.values[0] == together.status.values[i]


# What becomes of a run.


@SOLVERS
def test_leaves_the_box(many: bool) -> None:
    times = [0.1, 0.3, 0.5, 1.0]
    (runs,) = integrate(DESCENT, [[0.1, 0.5]], times, many, box=[(-1, 1), (-1, 1)])
    assert runs.status.item() == "left the box"
    end = runs.end.item()
    assert np.log(2) / 2 < end < 0.5  # y = 0.5 e²ᵗ is 1 at 0.35; the step that crosses ends soon after
    # It is held where it was at ``end``, first outside; rtol times a hundred steps.
    np.testing.assert_allclose(runs.w.values[0, -1], [0.1 * np.exp(-2 * end), 0.5 * np.exp(2 * end)], rtol=1e-6)
    np.testing.assert_array_equal(runs.w.values[0, 2], runs.w.values[0, 3])
    np.testing.assert_allclose(runs.w.values[0, :2, 1], 0.5 * np.exp([0.2, 0.6]), rtol=1e-6)


@SOLVERS
def test_a_start_outside_the_box_stays_where_it_is(many: bool) -> None:
    (runs,) = integrate(DESCENT, [[0.1, 5.0]], [1.0], many, box=[(-1, 1), (-1, 1)])  # as in simulate
    assert runs.status.item() == "left the box"
    assert runs.end.item() == 0
    np.testing.assert_array_equal(runs.w.values[0, -1], [0.1, 5.0])

    # Even where it would rest.
    (runs,) = integrate(sd.Flow(SADDLE, sd.USAM(0.8)), [[0.0, 0.0]], [1.0], many, box=[(-1, 1), (0.5, 1)])
    assert runs.status.item() == "left the box"


@SOLVERS
@pytest.mark.parametrize("power", [4, 6, 10])
def test_blow_up_in_finite_time(power: int, many: bool) -> None:
    # ẋ = p xᵖ⁻¹ from 1 reaches infinity at t = 1/(p(p − 2)).
    blow_up = 1 / (power * (power - 2))
    (runs,) = integrate(sd.Flow(sd.Landscape(f"-x**{power}", "x"), sd.GD()), [[1.0]], [1.0], many)
    assert runs.status.item() == "diverged"
    # An error of rtol in x shifts the time by (p − 2)·rtol relative to it; a hundred of them. LSODA crosses the pole in
    # a step that meets rtol but is no longer small, which costs another factor of ten.
    assert abs(runs.end.item() - blow_up) < 1000 * (power - 2) * 1e-8 * blow_up
    assert np.isfinite(runs.w.values).all()


@SOLVERS
def test_leaving_the_floating_point_range(many: bool) -> None:
    (runs,) = integrate(DESCENT, [[1.0, 1.0]], [100.0, 1000.0], many)
    assert runs.status.item() == "diverged"
    assert 100 < runs.end.item() < 360  # e²ᵗ is 1e308 at 354.6; states are given up somewhere before
    assert np.isfinite(runs.w.values).all()


@SOLVERS
def test_far_starts_that_leave_the_range_diverge_too(many: bool) -> None:
    (runs,) = integrate(DESCENT, [[1e150, 1e150]], [1000.0], many)
    assert runs.status.item() == "diverged"


@SOLVERS
def test_leaving_the_domain_leaves_no_nan(many: bool) -> None:
    # √x ends at x = 0, where the flow −1/(2√x) arrives at t = 4/3 with infinite speed.
    flow = sd.Flow(sd.Landscape("sqrt(x) + y**2", "x y"), sd.GD())
    (runs,) = integrate(flow, [[1.0, 0.1]], [1.0, 5.0], many, max_steps=2000)
    assert runs.status.item() in ("undecided", "diverged")
    assert abs(runs.end.item() - 4 / 3) < 1e-5
    assert np.isfinite(runs.w.values).all()


@SOLVERS
def test_settled_at_a_minimum_and_not_before(many: bool) -> None:
    flow = sd.Flow(landscapes.double_well(), sd.GD())
    for end, expected in ((1.0, "undecided"), (50.0, "settled")):
        for runs in integrate(flow, [[0.5, 0.5], [-0.1, 0.2]], [end], many):
            assert runs.status.item() == expected
            assert runs.end.item() == end
    # rtol times 10 is what the certificate is good for.
    np.testing.assert_allclose(np.abs(runs.w.values[0, -1]), [1, 0], atol=1e-7)


@SOLVERS
@pytest.mark.parametrize("y", [1e-3, 1e-6, 1e-12, 1e-100, 0.0])
def test_slow_passage_is_not_capture(y: float, many: bool) -> None:
    for end in (1.0, 5.0, 20.0):
        (runs,) = integrate(DESCENT, [[1.0, y]], [end], many)
        assert runs.status.item() == "undecided"


@SOLVERS
def test_sam_settles_on_its_discontinuity(many: bool) -> None:
    # From (1, 0.1) SAM's flow is at the saddle at t ≈ 0.6, where the field jumps and no step is small enough.
    (runs,) = integrate(sd.Flow(SADDLE, sd.SAM(0.5)), [[1.0, 0.1]], [0.1, 20.0], many, max_steps=1000)
    assert runs.status.item() == "settled"
    assert runs.end.item() == 20.0
    assert np.abs(runs.w.values[0, -1]).max() < 1e-6
    assert np.abs(runs.w.values[0, 0]).min() > 1e-2


def test_both_solvers_give_the_same_labels() -> None:
    one, many = (integrate(DESCENT, [[1.0, 0.1]], TIMES, m)[0] for m in (False, True))
    assert one.w.dims == many.w.dims == ("run", "time", "coord")
    assert one.sizes == many.sizes == {"run": 1, "time": 9, "coord": 2}
    own = {"backend", "backend_reason"}
    assert {k: v for k, v in one.attrs.items() if k not in own} == {k: v for k, v in many.attrs.items() if k not in own}
    assert one.attrs.keys() == many.attrs.keys() >= own
    assert (one.attrs["method"], one.attrs["order"], one.attrs["rtol"]) == ("GD()", 1, 1e-8)


def test_a_number_saves_the_end_alone() -> None:
    runs = sd.integrate(DESCENT, STARTS, 2)
    assert runs.time.values.tolist() == [2.0]
    assert runs.end.values.tolist() == [2.0] * 3


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    # LSODA's messages come from compiled code, past sys.stdout; the last run makes it complain.
    sd.integrate(DESCENT, [1.0, 0.1], 2.0)
    sd.integrate(DESCENT, STARTS, 2.0)
    sd.integrate(sd.Flow(SADDLE, sd.SAM(0.5)), [1.0, 0.1], 20.0, max_steps=300)
    sd.integrate(sd.Flow(sd.Landscape("-x**4", "x"), sd.GD()), [1.0], 1.0)
    assert capfd.readouterr() == ("", "")


# What is refused, before the field is evaluated.

REFUSED: list[tuple[str, dict[str, Any], list[str]]] = [
    ("descending", {"times": [2.0, 1.0]}, ["times = [2.0, 1.0]", "ascending", "Give"]),
    ("twice the same", {"times": [1.0, 1.0]}, ["times = [1.0, 1.0]", "ascending", "Give"]),
    ("negative", {"times": [-1.0, 1.0]}, ["times = [-1.0, 1.0]", "not negative", "Give"]),
    ("zero", {"times": 0.0}, ["times = 0.0", "Give one time > 0"]),
    ("nan", {"times": [1.0, float("nan")]}, ["times", "nan", "finite", "Give"]),
    ("inf", {"times": float("inf")}, ["times = inf", "finite", "Give"]),
    ("none", {"times": []}, ["times = []", "Give"]),
    ("None", {"times": None}, ["times = None", "Give"]),
    ("text", {"times": "soon"}, ["times = 'soon'", "Give"]),
    ("complex", {"times": 1j}, ["times = 1j", "Give"]),
    ("ragged", {"times": [[1.0], [2.0, 3.0]]}, ["times", "Give"]),
    ("two axes", {"times": [[1.0, 2.0]]}, ["times = [[1.0, 2.0]]", "Give"]),
    ("rtol 0", {"rtol": 0}, ["rtol = 0", "> 0", "Use"]),
    ("rtol negative", {"rtol": -1e-8}, ["rtol = -1e-08", "> 0", "Use"]),
    ("rtol nan", {"rtol": float("nan")}, ["rtol = nan", "finite", "Use"]),
    ("rtol text", {"rtol": "1e-8"}, ["rtol = '1e-8'", "number", "Use"]),
    ("atol 0", {"atol": 0}, ["atol = 0", "> 0", "Use"]),
    ("atol inf", {"atol": float("inf")}, ["atol = inf", "finite", "Use"]),
    ("max_steps 0", {"max_steps": 0}, ["max_steps = 0", ">= 1", "Use"]),
    ("max_steps float", {"max_steps": 10.5}, ["max_steps = 10.5", "integer", "Use"]),
    ("starts", {"w0": [[1.0, float("nan")]]}, ["w0 = [1.0, nan]", "not finite", "Remove"]),
    ("dimension", {"w0": [1.0, 2.0, 3.0]}, ["w0 = (3,)", "2 coordinates", "(runs, 2)"]),
    ("box", {"box": [(1, 0), (0, 1)]}, ["box = [(1, 0)", "low < high", "2 pair(s)"]),
    ("device", {"device": "tpu"}, ["device = 'tpu'", "no such device", '"cpu"']),
]


@pytest.mark.parametrize(("arguments", "said"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED])
def test_refuses(arguments: dict[str, Any], said: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def field(*_: Any) -> None:
        raise AssertionError("the field was evaluated")

    monkeypatch.setattr(sd.Flow, "__call__", field)
    with pytest.raises(sd.InputError) as error:
        sd.integrate(DESCENT, **{"w0": [1.0, 0.1], "times": 1.0, **arguments})
    for part in said:
        assert part in str(error.value)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"order": 2}, ["lr = None", "> 0", "Use"]),
        ({"order": 2, "lr": 0}, ["lr = 0", "> 0", "Use"]),
        ({"order": 2, "lr": float("nan")}, ["lr = nan", "finite", "Use"]),
        ({"order": 1, "lr": 0.1}, ["lr = 0.1", "does not depend", "order=2"]),
        ({"order": 3, "lr": 0.1}, ["order = 3", "1 and 2", "Use"]),
        ({"order": "1"}, ["order = '1'", "1 and 2", "Use"]),
    ],
)
def test_a_flow_refuses(arguments: dict[str, Any], said: list[str]) -> None:
    with pytest.raises(sd.InputError) as error:
        sd.Flow(SADDLE, sd.GD(), **arguments)
    for part in said:
        assert part in str(error.value)


def test_a_tolerance_below_rounding_does_not_warn() -> None:
    # Asked for more than float64 gives, SciPy warns and takes 2e-14; one start must do as many do: give its best.
    for start in (STARTS[0], STARTS):
        w = np.atleast_2d(sd.integrate(DESCENT, start, 1.0, rtol=1e-15, atol=1e-15).w.values[:, -1])
        exact = np.atleast_2d(start) * np.exp([-2.0, 2.0])
        np.testing.assert_allclose(w, exact, rtol=1e-10)  # some thousand steps of 2e-14


# Plateaus: what takes exponentially long is not lost, and what enters a well late has not blown up.


@SOLVERS
@pytest.mark.parametrize(("k", "start", "end"), [(5, (1.125, 2.625), 1e20), (20, (2.0, 1.5), 1e60)])
def test_from_a_plateau_into_a_well(k: float, start: tuple[float, float], end: float, many: bool) -> None:
    # L = 1 − exp(−k r²): the radius falls, from r₀ to r in the time ∫ e^{ks²}/(2ks) ds, about e^{kr₀²}/(2kr₀)².
    flow = sd.Flow(sd.Landscape(f"1-exp(-{k}*(x**2+y**2))", "x y"), sd.GD())
    square = start[0] ** 2 + start[1] ** 2
    reaches = np.exp(k * square) / (4 * k**2 * square)
    for run in integrate(flow, [start], [reaches / 2, end], many):
        assert run.status.item() == "settled"
        early, late = run.w.values[0]
        np.testing.assert_allclose(late, 0, atol=1e-8)
        assert 0.9 < np.hypot(*early) / np.hypot(*start) < 1


@SOLVERS
def test_speed_alone_is_no_blow_up(many: bool) -> None:
    # ẋ = 1e-12 on the plateau, then 1: a cliff that ends in a bowl; a run is there after 1e12.
    scene = sd.Landscape("-1e-12*x - log(1+exp(40*(x-1)))/40 + Max(x-2,0)**2*3", "x")
    for run in integrate(sd.Flow(scene, sd.GD()), [[-1.0]], [3e12], many):
        assert run.status.item() == "settled"
        assert run.w.item() == pytest.approx(2 + 1 / 6, abs=1e-9)


@SOLVERS
@pytest.mark.parametrize("end", [1e-300, 1e-12])
def test_the_shortest_times(end: float, many: bool) -> None:
    (run,) = integrate(DESCENT, [[1.0, 0.1]], [end], many, max_steps=100)
    assert run.end.item() == end
    np.testing.assert_allclose(run.w.values[0, -1], [1 - 2 * end, 0.1 + 0.2 * end], rtol=1e-15)


# Units.


def well(s: float) -> sd.Landscape:
    """Return a tilted double well of lengths s; its Hessians do not depend on s."""
    formula = f"(((x/{s})**2-1)**2/4+(y/{s})**2/2+x*y/{s}**2/5)*{s}**2"
    return sd.Landscape(formula, "x y", box=[(-2 * s, 2 * s)] * 2)


@SOLVERS
@pytest.mark.parametrize("method", [lambda s: sd.USAM(0.1), lambda s: sd.SAM(0.3 * s)], ids=["USAM", "SAM"])
def test_micrometres_behave_as_metres(method: Any, many: bool) -> None:
    starts, times = np.array([[0.5, 0.5], [-0.1, 0.2]]), [0.5, 1.0, 20.0]
    metres = integrate(sd.Flow(well(1.0), method(1.0)), starts, times, many)
    for s, some in ((1e-9, [0, 1]), (1e-6, [0]), (1e3, [1]), (1e9, [0, 1])):
        small = integrate(sd.Flow(well(s), method(s)), s * starts[some], times, many)
        for a, b in zip([metres[i] for i in some], small, strict=True):
            assert a.status.item() == b.status.item() == "settled"
            assert a.slid.item() == b.slid.item()
            np.testing.assert_allclose(b.w.values / s, a.w.values, rtol=0, atol=100 * 1e-8)  # 100 steps, rtol each


@pytest.mark.parametrize("s", [1e-9, 1e-6, 1e9])
def test_iterates_settle_in_any_unit(s: float) -> None:
    starts = np.array([[0.5, 0.5], [-0.1, 0.2], [1e-3, 0.0]])
    for steps, status in ((10, "undecided"), (400, "settled")):
        for unit in (1.0, s):
            map_ = sd.Map(well(unit), sd.GD(), lr=0.1, momentum=0.3)
            assert (sd.simulate(map_, unit * starts, steps).status == status).all()
