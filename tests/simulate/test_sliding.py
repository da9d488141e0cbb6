"""Flows on surfaces across which their field jumps, against Filippov's solutions written out by hand."""

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

import samdyn as sd

KINK = sd.Landscape("abs(x) + y**2/2", "x y")
FURTHER = [0.3, 1.2]  # a second start: several runs go through the batched solver, one through SciPy's

ONE_AND_MANY = pytest.mark.parametrize("many", [False, True], ids=["one", "many"])


def run(flow: sd.Flow, start: list[float], times: list[float], many: bool):  # type: ignore[no-untyped-def]
    return sd.integrate(flow, [start, FURTHER] if many else [start], times, device="cpu", progress=False).isel(run=0)


@ONE_AND_MANY
def test_a_valley_with_a_kink(many: bool) -> None:
    """x = 1 − t until it meets the kink at t = 1, then 0; y = e^{−t} all along."""
    times = [0.5, 1.0, 1.5, 3.0]
    runs = run(sd.Flow(KINK, sd.GD()), [1.0, 1.0], times, many)
    assert runs.w.values[:, 0] == pytest.approx([0.5, 0, 0, 0], abs=1e-6)
    assert runs.w.values[:, 1] == pytest.approx(np.exp(-np.array(times)), rel=1e-6)
    assert bool(runs.slid)
    assert runs.status.item() == "undecided"  # still on its way to the minimum
    assert runs.end.item() == 3.0


@ONE_AND_MANY
def test_rest_at_the_minimum_on_a_kink(many: bool) -> None:
    runs = run(sd.Flow(KINK, sd.GD()), [1.0, 1.0], [60.0], many)
    assert runs.status.item() == "settled"
    assert runs.w.values[-1] == pytest.approx([0, 0], abs=1e-6)


@ONE_AND_MANY
def test_a_jump_that_is_crossed(many: bool) -> None:
    """2x + |x|: down at speed 3 to x = 0 at t = 1, and on at speed 1."""
    runs = run(sd.Flow(sd.Landscape("2*x + abs(x) + y**2/2", "x y"), sd.GD()), [3.0, 1.0], [0.5, 1.0, 2.0], many)
    assert runs.w.values[:, 0] == pytest.approx([1.5, 0, -1], abs=1e-6)
    assert runs.w.values[:, 1] == pytest.approx(np.exp([-0.5, -1, -2]), rel=1e-6)
    assert not bool(runs.slid)


@ONE_AND_MANY
def test_sam_reaches_the_saddle_in_finite_time(many: bool) -> None:
    """Along x, ẋ = −2(x + ρ): x = (1 + ρ)e^{−2t} − ρ until ½ ln((1 + ρ)/ρ) ≈ 0.549, then the saddle holds it."""
    runs = run(sd.Flow(sd.landscapes.saddle(), sd.SAM(0.5)), [1.0, 0.0], [0.3, 0.5, 0.6, 5.0], many)
    expected = np.maximum(1.5 * np.exp(-2 * np.array([0.3, 0.5, 0.6, 5.0])) - 0.5, 0)
    assert runs.w.values[:, 0] == pytest.approx(expected, abs=1e-6)
    assert runs.status.item() == "settled"


@ONE_AND_MANY
def test_sam_leaves_from_outside_its_trap(many: bool) -> None:
    runs = run(sd.Flow(sd.landscapes.saddle(), sd.SAM(0.5)), [1.0, 0.9], [3.0], many)
    assert runs.status.item() == "undecided"
    assert abs(runs.w.values[-1, 1]) > 10


@ONE_AND_MANY
def test_sam_slides_along_the_minima_of_a_product(many: bool) -> None:
    """|xy − 1|: on xy = 1 the convex combination of both sides gives d(x² − y²)/dt = −2ρ(x² − y²)/‖w‖.

    The gradient alone would rest anywhere on the curve; SAM goes to where it is least sharp.
    """
    rho, times = 0.1, [1.0, 4.0, 10.0]
    runs = run(sd.Flow(sd.Landscape("abs(x*y - 1)", "x y"), sd.SAM(rho)), [2.5, 0.6], times, many)
    assert bool(runs.slid)
    x, y = runs.w.values.T
    assert x * y == pytest.approx(1, abs=1e-5)
    d = x**2 - y**2
    exact = solve_ivp(lambda _, u: -2 * rho * u / (u**2 + 4) ** 0.25, (1, 10), d[:1], t_eval=times[1:], rtol=1e-10)
    assert d[1:] == pytest.approx(exact.y[0], rel=1e-4)


def test_gradients_rest_where_they_meet_the_curve() -> None:
    flow = sd.Flow(sd.Landscape("abs(x*y - 1)", "x y"), sd.GD())
    starts = torch.tensor([[2.5, 0.6], [0.5, 1.0], [1.3, 1.2]], dtype=torch.float64)
    runs = sd.integrate(flow, starts, 30.0, device="cpu", progress=False)
    assert set(runs.status.values) == {"settled"}
    x, y = runs.w.values[:, -1].T
    assert x * y == pytest.approx(1, abs=1e-5)
    # Off the curve x² − y² is conserved: it says where on the curve each run arrives.
    assert x**2 - y**2 == pytest.approx((starts[:, 0] ** 2 - starts[:, 1] ** 2).numpy(), abs=1e-5)


@ONE_AND_MANY
def test_smooth_fields_do_not_slide(many: bool) -> None:
    for landscape in (sd.landscapes.beale(), sd.landscapes.saddle(), sd.landscapes.rosenbrock()):
        runs = run(sd.Flow(landscape, sd.GD()), [1.0, 1e-9], [2.0], many)
        assert not bool(runs.slid)
        assert runs.end.item() == 2.0
