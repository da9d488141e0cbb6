"""Cycles of several periods that coexist, and motions without a period, told apart by their exponents."""

import numpy as np
import pytest

import samdyn as sd
from samdyn.analysis import Exponent
from samdyn.analysis.limit_sets.search.recurrence.wandering import kind_of, recurrence

from ..orbits.fields import FLAT, HUMP, Bautin, Hopf, VanDerPol


def cycle_of_half_period(p: int, curvature: float, gamma: float, lr: float, rho: float) -> np.ndarray:
    """Return w along SAM's heavy-ball cycle of period 2p: z = −(I + Aᵖ)⁻¹ Σ Aⁱ q in (w, ηv)  [theory 3]."""
    a = np.array([[1 - lr * curvature, -gamma], [lr * curvature, gamma]])
    q = lr * rho * curvature * np.array([-1.0, 1.0])
    powers = [np.linalg.matrix_power(a, i) for i in range(p + 1)]
    z = -np.linalg.solve(np.eye(2) + powers[p], sum(powers[:p]) @ q)
    half = []
    for _ in range(p):
        half.append(z[0])
        z = a @ z + np.sign(z[0]) * q
    return np.array([*half, *(-np.array(half))])


def test_coexisting_cycles_of_heavy_ball_are_named() -> None:
    """SAM, γ = 0.9: five cycles of half-periods 2 to 6 share the line, those of 5 and 6 longer than eight steps."""
    map_ = sd.Map(sd.Landscape("x**2/2", "x"), sd.SAM(0.5), lr=0.02, momentum=0.9)
    found = sd.attractors(map_, [(-1, 1)], starts=200, steps=20_000)
    assert {a.kind for a in found} == {"cycle"}
    assert {2 * p for p in (2, 3, 4, 5, 6)} <= {a.period for a in found}
    assert sum(a.share for a in found) == pytest.approx(1)
    for a in found:
        known = cycle_of_half_period(a.period // 2, 1.0, 0.9, 0.02, 0.5)
        assert np.sort(a.w[:, 0]) == pytest.approx(np.sort(known), abs=1e-9)
        # Between sign changes the step is linear: the multipliers of p steps are those of A, to the power p.
        assert a.multipliers is not None
        assert np.abs(a.multipliers) == pytest.approx(0.9 ** (a.period / 2), abs=1e-6)


def test_cycles_of_odd_period() -> None:
    map_ = sd.Map(sd.Landscape("x**2/2", "x"), sd.SAM(0.5), lr=2.2, momentum=0.9)
    found = sd.attractors(map_, [(-1, 1)], starts=100, steps=4000)
    assert {2, 3} <= {a.period for a in found}
    assert len([a for a in found if a.period == 3]) == 2  # each the mirror image of the other


def test_a_long_cycle_is_wandering_only_to_who_looks_for_shorter_ones() -> None:
    map_ = sd.Map(sd.Landscape("x**2/2", "x"), sd.SAM(0.5), lr=0.02, momentum=0.9)
    short = sd.attractors(map_, [(0.3, 1)], starts=8, steps=4000, period=8)
    long = [a for a in short if a.kind == "wandering"]
    assert long
    assert all(a.exponent is not None and a.exponent.high < 0 for a in long)
    assert {a.kind for a in sd.attractors(map_, [(0.3, 1)], starts=8, steps=4000)} == {"cycle"}


def test_a_circle_is_quasi_periodic() -> None:
    """Euler's map of the normal form: |1 + h(μ − r² + i)| = 1 on a circle, which turns by an irrational angle."""
    lr, mu = 0.1, 0.3
    (found,) = sd.attractors(sd.Map(FLAT, Hopf(mu), lr=lr), starts=25, steps=4000)
    assert (found.kind, found.period, found.multipliers) == ("quasi-periodic", 0, None)
    assert found.exponent is not None
    assert found.exponent.low <= 1e-9  # all growth is by rounding
    assert found.exponent.high >= -1e-9
    assert found.exponent.high - found.exponent.low < 0.01
    radius = (mu + (1 - (1 - lr**2) ** 0.5) / lr) ** 0.5
    assert np.hypot(*found.w.T) == pytest.approx(radius, abs=1e-6)
    assert "quasi-periodic at" in str(found)


def test_chaos_has_a_positive_exponent() -> None:
    """GD on the double well at η = 1.35, and the logistic map, whose exponent is ln 2."""
    logistic = sd.Landscape("4*x**3/3 - 3*x**2/2", "x", box=[(0, 1)])
    (found,) = sd.attractors(sd.Map(logistic, sd.GD(), lr=1.0), [(0.05, 0.95)], starts=16, steps=4096)
    assert found.kind == "chaotic"
    assert found.exponent is not None
    assert found.exponent.low < np.log(2) < found.exponent.high
    assert "exponent 0.69" in str(found)
    assert "0.69" in found._repr_html_()


@pytest.mark.parametrize(
    ("value", "half", "kind"),
    [
        (0.1, 0.01, "chaotic"),
        (0.01, 0.02, "wandering"),  # the interval contains 0
        (1e-4, 5e-5, "wandering"),  # it does not, but distances grew less than tenfold
        (1e-4, 2e-4, "quasi-periodic"),
        (0.0, 0.02, "wandering"),  # it is too wide
        (-0.1, 0.01, "wandering"),
        (-0.001, 0.002, "wandering"),  # distances shrank by sixteen e-folds
    ],
)
def test_kinds_need_evidence(value: float, half: float, kind: str) -> None:
    assert kind_of(Exponent(value, value - half, value + half)) == kind


def test_recurrence() -> None:
    k = np.arange(128)
    paths = np.stack([np.cos(2 * np.pi * k / 11), np.cos(k), 1e-3 * k, 0 * k + 5], 1)[:, None]
    assert recurrence(paths, 2, 64).tolist() == [11, 0, 0, 2]


# Flows.


def test_runs_end_on_the_limit_cycle_of_a_flow() -> None:
    """r′ = r(μ − r²): all starts but the origin itself."""
    found = sd.attractors(sd.Flow(FLAT, Hopf(0.5)), starts=25)
    (cycle,) = found
    assert (cycle.kind, cycle.runs, cycle.of) == ("cycle", 24, 25)
    assert cycle.period == pytest.approx(2 * np.pi, rel=1e-9)
    assert np.hypot(*cycle.w.T) == pytest.approx(0.5**0.5, abs=1e-6)
    assert cycle.multipliers == pytest.approx([1, np.exp(-2 * np.pi)], abs=1e-8)
    assert cycle.cycle is not None
    assert "cycle of period 6.2832 about (0, 0)" in str(found)
    assert "6.283" in found._repr_html_()


def test_a_cycle_beside_minima_has_a_basin_of_its_own() -> None:
    """USAM's flow on a sum of quartics: a small cycle past a Hopf point, and a minimum."""
    beside = sd.Landscape(HUMP, "x y", box=[(1.8, 2.5), (-1.5, -0.8)])
    found = sd.attractors(sd.Flow(beside, sd.USAM(0.1825)), starts=64)
    assert {a.kind for a in found} == {"fixed point", "cycle"}
    (cycle,) = [a for a in found if a.kind == "cycle"]
    assert np.ptp(cycle.w, axis=0) == pytest.approx([0.0758, 0.2070], abs=2e-4)
    assert sum(a.runs for a in found) == 64
    assert 0 < cycle.runs < 10


@pytest.mark.parametrize("mu", [0.0, -0.1])
def test_a_focus_is_no_cycle(mu: float) -> None:
    """At μ = 0 runs spiral in as 1/√t, slower than any exponential."""
    bowl = sd.Landscape("x**2 + y**2", "x y", box=[(-2, 2)] * 2)
    assert [a for a in sd.attractors(sd.Flow(bowl, Hopf(mu)), starts=4) if a.kind == "cycle"] == []


def test_an_unstable_cycle_is_the_boundary_of_two_basins() -> None:
    """r′ = r(μ + r² − r⁴) at μ = −0.2: starts within r² = ½ − √0.05 end at 0, the others on r² = ½ + √0.05."""
    bowl = sd.Landscape("x**2 + y**2", "x y", box=[(-1.2, 1.2)] * 2)
    basins = sd.basins(sd.Flow(bowl, Bautin(-0.2)), resolution=8)
    kinds = np.array([a.kind for a in basins.attractors])[basins.label]
    r2 = basins.x**2 + basins.y[:, None] ** 2
    assert (kinds == np.where(r2 < 0.5 - 0.05**0.5, "fixed point", "cycle")).all()


def test_basins_with_a_cycle() -> None:
    basins = sd.basins(sd.Flow(FLAT, VanDerPol(1.0)), resolution=6)
    assert basins.fraction(0) == 1
    assert basins.attractors[0].period == pytest.approx(6.6632868593, rel=1e-9)
