"""Limit cycles of flows whose cycles are known."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

import samdyn as sd
from samdyn.analysis import cycle
from samdyn.analysis.orbits.collocation import gauss

from .fields import FLAT, HUMP, Bautin, Hopf, Rotation, VanDerPol


@dataclass(frozen=True)
class Tilted(sd.Method):
    """The Hopf normal form in the plane of (x, y) with a third coordinate that decays, mixed by a matrix."""

    mu: float
    decay: float

    def __call__(self, w: Any, grad: Any) -> Any:
        x, y, z = w[0] - 0.5 * w[2], w[1] + 0.2 * w[2], w[2]
        growth = self.mu - x * x - y * y
        u, v, s = x * growth - y, x + y * growth, -self.decay * z
        return -torch.stack([u + 0.5 * s, v - 0.2 * s, s])


@pytest.mark.parametrize("mu", [1e-3, 0.25, 1.0])
def test_the_hopf_normal_form(mu: float) -> None:
    """Period 2π, radius √μ, multipliers 1 and exp(−4πμ)."""
    found = cycle(sd.Flow(FLAT, Hopf(mu)), (0.3, 0.1))
    assert found.period == pytest.approx(2 * np.pi, rel=1e-10)
    assert np.hypot(*found.w.T) == pytest.approx(mu**0.5, rel=1e-8)
    assert np.sort(found.multipliers.real) == pytest.approx(np.sort([1, np.exp(-4 * np.pi * mu)]), abs=1e-9)
    assert found.stable
    assert found.centre.tolist() == [0, 0]
    angle = np.unwrap(np.arctan2(*found.w.T[::-1]))
    assert angle - angle[0] == pytest.approx(found.time, abs=1e-7)  # θ′ = 1


def test_an_unstable_cycle_is_found_from_beside_it() -> None:
    """At μ = −0.2 r² = ½ ± √0.05, the smaller one repels: its multiplier is exp(2π·(2r² − 4r⁴))."""
    flow = sd.Flow(FLAT, Bautin(-0.2))
    small, large = (0.5 - 0.05**0.5) ** 0.5, (0.5 + 0.05**0.5) ** 0.5
    inner, outer = cycle(flow, (small + 1e-3, 0)), cycle(flow, (1.2, 0))
    for found, r in ((inner, small), (outer, large)):
        assert np.hypot(*found.w.T) == pytest.approx(r, abs=1e-8)
        assert found.others.real == pytest.approx([np.exp(2 * np.pi * (2 * r**2 - 4 * r**4))], rel=1e-7)
    assert (inner.stable, outer.stable) == (False, True)
    assert str(inner).startswith("unstable cycle of period 6.2832")


@dataclass(frozen=True)
class Oscillator(sd.Method):
    """x″ = −x − x³, whose cycles fill the plane."""

    def __call__(self, w: Any, grad: Any) -> Any:
        x, y = w
        return torch.stack([-y, x + x**3])


@pytest.mark.parametrize("guess", [(0.5, 0.0), (1.0, 0.3)])
def test_a_cycle_of_a_family_is_neutral(guess: tuple[float, float]) -> None:
    found = cycle(sd.Flow(FLAT, Oscillator()), guess)
    assert (found.kind, found.stable) == ("neutral cycle", False)


@pytest.mark.parametrize("mu", [0.1, 1.0, 5.0])
def test_van_der_pol(mu: float) -> None:
    """Beside SciPy's solver; the multipliers' product is the exponential of the divergence's integral."""
    flow = sd.Flow(FLAT, VanDerPol(mu))
    found = cycle(flow, (0.1, 0.0), longest=50.0)
    start = found.w[0]
    field = lambda t, w: [w[1], mu * (1 - w[0] ** 2) * w[1] - w[0]]  # noqa: E731
    run = solve_ivp(field, (0, found.period), start, method="DOP853", rtol=1e-12, atol=1e-13, dense_output=True)
    assert run.y[:, -1] == pytest.approx(start, abs=1e-7)
    assert found.w == pytest.approx(run.sol(found.time).T, abs=1e-6)
    divergence = np.sum(
        found.period * found.loop.lengths[:, None] * gauss()[1] * mu * (1 - found.loop.stages()[:, :, 0] ** 2)
    )
    assert np.prod(found.multipliers).real == pytest.approx(np.exp(divergence), rel=1e-6, abs=1e-12)
    if mu == 1.0:
        assert found.period == pytest.approx(6.6632868593231, rel=1e-10)


def test_more_coordinates() -> None:
    space = sd.Landscape("0*x + 0*y + 0*z", "x y z")
    found = cycle(sd.Flow(space, Tilted(0.3, 0.1)), (0.5, 0.1, 0.2))
    assert found.period == pytest.approx(2 * np.pi, rel=1e-9)
    truth = [1, np.exp(-0.2 * np.pi), np.exp(-1.2 * np.pi)]
    assert found.multipliers.real == pytest.approx(truth, abs=1e-8)
    exponents = sd.lyapunov(sd.Flow(space, Tilted(0.3, 0.1)), found.w[0], time=400)
    assert exponents.per_time.values[0] == pytest.approx(np.log(truth) / found.period, abs=2e-3)


def test_a_method_of_the_library_has_one() -> None:
    found = cycle(sd.Flow(sd.Landscape(HUMP, "x y"), sd.USAM(0.1825)), (2.2, -1.08))
    assert found.stable
    assert np.ptp(found.w, axis=0) == pytest.approx([0.0758, 0.2070], abs=2e-4)


@pytest.mark.parametrize(
    ("flow", "guess", "message"),
    [
        (
            sd.Flow(FLAT, Hopf(-0.1)),
            (0.3, 0.1),
            r"(comes to rest at|spirals into an equilibrium at) \(0, 0\): no cycle",
        ),
        (sd.Flow(sd.landscapes.double_well(), sd.GD()), (0.3, 0.1), r"comes to rest at \(1, 0\): no cycle closes"),
        (sd.Flow(sd.landscapes.saddle(), sd.GD()), (0.3, 0.1), "goes far away: no cycle closes"),
        (sd.Flow(sd.Landscape("x**2", "x"), sd.GD()), (0.3,), "a flow on a line has no cycles"),
        (sd.Flow(FLAT, Hopf(0.5)), (0.3,), "must be 2 finite coordinates"),
        (sd.Flow(FLAT, Hopf(0.5)), (0.3, np.inf), "must be 2 finite coordinates"),
    ],
)
def test_where_there_is_none(flow: sd.Flow, guess: tuple[float, ...], message: str) -> None:
    with pytest.raises(sd.InputError, match=message):
        cycle(flow, guess)


def test_a_bound_on_the_period_that_is_too_small() -> None:
    for bound in (1.0, 6.0):
        with pytest.raises(sd.InputError, match=rf"within longest = {bound:g}: no cycle closes. Use a larger longest"):
            cycle(sd.Flow(FLAT, Hopf(0.5)), (0.3, 0.1), longest=bound)
    assert cycle(sd.Flow(FLAT, Hopf(0.5)), (0.3, 0.1), longest=6.5).period == pytest.approx(2 * np.pi)
    for bound in (0.0, -1.0, np.inf):
        with pytest.raises(sd.InputError, match="longest"):
            cycle(sd.Flow(FLAT, Hopf(0.5)), (0.3, 0.1), longest=bound)


def test_a_family_of_closed_orbits_is_no_limit_cycle_that_attracts() -> None:
    """A pure rotation: every orbit is closed, both multipliers are 1."""
    found = cycle(sd.Flow(FLAT, Rotation(2.0)), (1, 0))
    assert found.period == pytest.approx(np.pi, rel=1e-9)
    assert found.multipliers == pytest.approx([1, 1], abs=1e-9)
