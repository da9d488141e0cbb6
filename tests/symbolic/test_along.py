"""Trap edges, passage times and ends at minima, derived from methods, against closed forms and measurements."""

import math
from dataclasses import dataclass
from typing import Any

import pytest

import samdyn as sd
from samdyn import analysis, methods, symbolic
from samdyn.symbolic import at_minimum, holding_radius, passage_time, predicted_boundary, trap_edge

SADDLE = sd.landscapes.saddle()
LR = 0.05


def map_of(method: sd.Method, **setting: Any) -> sd.Map:
    return sd.Map(SADDLE, method, **{"lr": LR, **setting})


@pytest.mark.parametrize(
    ("method", "edge"),
    [
        (sd.GD(), 0.0),
        (sd.SAM(0.1), 0.1),
        (sd.SAM(0.1, ascent_steps=2), 0.1),  # runs rest beside the saddle
        (sd.SAM(0.1, ascent_steps=2, average=True), 0.075),
        (methods.WSAM(0.1), 0.9),
        (methods.GSAM(0.1), 0.1),
        (methods.StableSAM(0.1), 0.1),  # the field jumps there
        (sd.ASAM(0.5, shift=0.2), 0.2),  # ρ(x + shift) = x
        (sd.UASAM(0.1), 0.0),  # its rest at 1/√(2ρ) is another point
        (methods.PolyakSAM(0.1), math.inf),
    ],
)
def test_where_the_field_turns(method: sd.Method, edge: float) -> None:
    assert trap_edge(map_of(method), -2.0) == pytest.approx(edge, rel=1e-9)


@pytest.mark.parametrize("method", [methods.WSAM(0.1), methods.GSAM(0.1), methods.FisherSAM(0.1)])
def test_the_boundary_has_methods_with_roots_and_decimals(method: sd.Method) -> None:
    boundary = predicted_boundary(map_of(method), [-2.0, 2.0])
    assert boundary is not None
    assert boundary.quantity == "width"
    assert boundary.low == pytest.approx(trap_edge(map_of(method), -2.0), rel=1e-9)
    # A bounce along a sharper direction frees runs where |λ₋| < ηλ₁²/(2 − ηλ₁).
    freed = predicted_boundary(map_of(method), [-0.2, 4.0])
    assert freed is not None
    assert freed.low == 0
    assert predicted_boundary(map_of(method, lr=3.0), [-2.0, 0.1]) is None  # a step is longer than the trap


@pytest.mark.parametrize(
    ("method", "radius"),
    [
        (sd.USAM(0.1), 0.5),
        (sd.USAM(0.1, ascent_steps=3), 1.5),
        (sd.ASAM(0.1), 1.0),
        (sd.SAM(0.1), 0.0),
        (sd.ExactSAM(0.1), math.inf),
        (sd.GD(), math.inf),
    ],
)
def test_the_least_radius(method: sd.Method, radius: float) -> None:
    assert holding_radius(map_of(method), -2.0, 4.0) == pytest.approx(radius, rel=1e-4)


@pytest.mark.parametrize("method", [sd.GD(), sd.USAM(0.1), sd.SAM(0.1), methods.FisherSAM(0.1), sd.UASAM(0.1)])
def test_passage_times(method: sd.Method) -> None:
    (origin,) = sd.critical_points(SADDLE)
    time = passage_time(map_of(method), -2.0, 1.0, 2.0)
    assert time == pytest.approx(analysis.passage_time(map_of(method), origin, 1.0, 2.0, 200), rel=0.01)
    flow = passage_time(map_of(method, lr=1e-9), -2.0, 1.0, 2.0)
    assert flow is not None
    assert abs(flow / time - 1) > 0.01  # the step counts
    if type(method) is sd.SAM:
        assert flow == pytest.approx(math.log(1.9 / 0.9) / 2, rel=1e-7)


def test_no_passage_through_a_trap() -> None:
    assert passage_time(map_of(sd.SAM(0.5)), -2.0, 0.3, 1.0) == math.inf


@pytest.mark.parametrize(
    ("method", "distance", "bounces"),
    [
        (sd.SAM(0.1), 0.1 * 0.1 / 1.9, True),
        (methods.WSAM(0.1), 0.9 * 0.1 / 1.9, True),
        (methods.LinfSAM(0.1), 0.1 * 0.1 / 1.9, True),
        (sd.USAM(0.1), 0.0, False),
        (methods.StableSAM(0.1), 0.0, False),
        (methods.PolyakSAM(0.1), 0.1, False),
        (sd.ASAM(0.1, shift=0.1), 0.05 * 2 * 0.01 / (2 - 0.05 * 2 * 1.1), True),
    ],
)
def test_where_runs_end(method: sd.Method, distance: float, bounces: bool) -> None:
    end = at_minimum(map_of(method), 2.0)
    assert end is not None
    assert (end.distance, end.bounces) == (pytest.approx(distance, rel=1e-9), bounces)
    valley = sd.Map(sd.landscapes.ravine("2 + 0.02*z"), method, lr=LR)
    motion = analysis.late_motion(valley, [(0.07, 0.0)], 400, 100)
    assert motion.reach[0, 0] == pytest.approx(distance, rel=5e-3, abs=1e-6)
    assert motion.drift[0, 1] / 0.02 == pytest.approx(end.drift, rel=5e-3, abs=1e-8)


@dataclass(frozen=True)
class Users(sd.Method):
    """A method that no formula knows: SAM with the radius that grows with the distance."""

    rho: float

    def __call__(self, w: Any, grad: Any) -> Any:
        g = grad(w)
        return grad(w + self.rho * (1 + 0.5 * sd.ops.norm(w)) * sd.ops.unit(g))


def test_a_users_method_is_derived_the_moment_it_is_written() -> None:
    edge = trap_edge(map_of(Users(0.1)), -2.0)  # x = ρ(1 + x/2)
    assert edge == pytest.approx(0.1 / 0.95, rel=1e-9)


def test_what_has_no_formula_or_no_sense() -> None:
    heavy = map_of(sd.SAM(0.1), momentum=0.9)
    assert trap_edge(heavy, -2.0) is None
    assert at_minimum(heavy, 2.0) is None
    assert passage_time(heavy, -2.0, 1.0, 2.0) is None
    assert holding_radius(heavy, -2.0, 4.0) is None
    assert at_minimum(map_of(sd.USAM(0.1), lr=5.0), 2.0) is None  # no end is stable
    with pytest.raises(sd.InputError, match=r"lam = -2.0: must be"):
        at_minimum(map_of(sd.SAM(0.1)), -2.0)
    with pytest.raises(sd.InputError, match=r"high = 1.0: must be a finite number above low = 2"):
        passage_time(map_of(sd.SAM(0.1)), -2.0, 2.0, 1.0)
    with pytest.raises(sd.InputError):
        symbolic.trap_edge(map_of(methods.LookSAM(0.1)), -2.0)
