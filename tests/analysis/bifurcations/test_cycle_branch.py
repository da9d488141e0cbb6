"""Hopf points, and the branches of cycles that leave them."""

import numpy as np
import pytest

import samdyn as sd
from samdyn.analysis import branch, cycle, cycle_branch

from ..orbits.fields import FLAT, HUMP, Bautin, Hopf, VanDerPol


def hopf_of(flow: sd.Flow, start: tuple[float, float], name: str, limits: tuple[float, float], at: float | None = None):
    """Return the Hopf point of a branch of equilibria."""
    (found,) = [b for b in branch(flow, start, name, limits, at=at).bifurcations if b.kind == "Hopf"]
    return found


def test_a_hopf_point_and_its_cycles() -> None:
    """μ = 0 with the frequency 1; then the radius √μ, the period 2π and the multiplier exp(−4πμ)."""
    flow = sd.Flow(FLAT, Hopf(0.25))
    hopf = hopf_of(flow, (0, 0), "mu", (-1, 1))
    assert hopf.parameter == pytest.approx(0, abs=1e-9)
    assert abs(hopf.multiplier.imag) == pytest.approx(1, rel=1e-9)
    found = cycle_branch(flow, hopf, "mu", (-1, 1))
    assert (found.name, found.end, found.folds) == ("mu", "reached the limit", ())
    assert found.parameter[0] < 1e-3
    assert found.parameter[-1] == 1
    assert found.period == pytest.approx(2 * np.pi, rel=1e-8)
    for mu, one in zip(found.parameter, found.cycles, strict=True):
        assert np.hypot(*one.w.T) == pytest.approx(mu**0.5, abs=1e-6)
    assert np.abs(found.multipliers).min(1) == pytest.approx(np.exp(-4 * np.pi * found.parameter), abs=1e-7)
    assert found.stable.all()


def test_both_ways_from_a_cycle() -> None:
    flow = sd.Flow(FLAT, Hopf(0.25))
    found = cycle_branch(flow, cycle(flow, (0.3, 0)), "mu", (-1, 0.5))
    assert (np.diff(found.parameter) > 0).all()
    assert found.parameter[0] == pytest.approx(0, abs=1e-5)
    assert "shrinks to an equilibrium at" in found.end
    assert found.end.endswith("reached the limit")


def test_a_fold_of_cycles_is_passed() -> None:
    """r² = ½ ± √(¼ + μ): the stable and the unstable cycle meet at μ = −¼."""
    flow = sd.Flow(FLAT, Bautin(0.2))
    found = cycle_branch(flow, cycle(flow, (1.2, 0)), "mu", (-0.5, 0.5), at=0.2)
    assert found.folds == (pytest.approx(-0.25, abs=1e-4),)
    for mu, one, stable in zip(found.parameter, found.cycles, found.stable, strict=True):
        r2 = np.hypot(*one.w.T) ** 2
        root = max(0.25 + mu, 0) ** 0.5
        assert np.abs(np.stack([r2 - 0.5 - root, r2 - 0.5 + root])).min(0).max() < 1e-6
        assert root < 0.01 or stable == (r2.mean() > 0.5)
    assert found.parameter.min() == pytest.approx(-0.25, abs=2e-3)
    assert "partly stable, fold at -0.25" in str(found)
    assert "fold" in found._repr_html_()
    assert abs(found.parameter[0]) < 1e-3  # the unstable cycle ends in the Hopf point at 0


def test_the_period_of_van_der_pol() -> None:
    flow = sd.Flow(FLAT, VanDerPol(1.0))
    found = cycle_branch(flow, cycle(flow, (1, 0)), "mu", (0.2, 4.0))
    assert found.end == "reached the limits"
    for mu in (0.2, 4.0):
        known = cycle(sd.Flow(FLAT, VanDerPol(mu)), (1.0, 0), longest=40.0).period
        assert found.period[found.parameter == mu] == pytest.approx([known], rel=1e-6)


def test_usam_has_cycles_from_a_hopf_point_to_a_homoclinic_orbit() -> None:
    flow = sd.Flow(sd.Landscape(HUMP, "x y"), sd.USAM(0.1825))
    hopf = hopf_of(flow, (2.17, -1.0867), "rho", (0.17, 0.19), at=0.1825)
    assert hopf.parameter == pytest.approx(0.182136, abs=1e-6)
    found = cycle_branch(flow, hopf, "rho", (0.17, 0.2))
    assert found.period[0] == pytest.approx(2 * np.pi / abs(hopf.multiplier.imag), rel=0.05)
    assert found.stable[0]
    assert found.parameter[-1] == pytest.approx(0.183192, abs=2e-6)  # where the period grows without bound
    assert found.period[-1] > 2.5 * found.period[0]


def test_bad_input() -> None:
    flow = sd.Flow(FLAT, Hopf(0.25))
    one = cycle(flow, (0.3, 0))
    with pytest.raises(sd.InputError, match=r"has no parameter of this name\. It has: mu"):
        cycle_branch(flow, one, "nu", (0, 1))
    with pytest.raises(sd.InputError, match="the lower first"):
        cycle_branch(flow, one, "mu", (1, 0))
    with pytest.raises(sd.InputError, match=r"at = 0.25: lies outside the limits \(0.5, 1.0\)"):
        cycle_branch(flow, one, "mu", (0.5, 1))
    with pytest.raises(sd.InputError, match=r"is no cycle at mu = -0\.5"):
        cycle_branch(flow, one, "mu", (-1, 1), at=-0.5)
    map_ = sd.Map(sd.Landscape("x**2/2", "x"), sd.GD(), lr=0.1)
    (flip,) = branch(map_, (0,), "lr", (0.1, 3)).bifurcations
    with pytest.raises(sd.InputError, match="no cycle of a flow emerges there"):
        cycle_branch(flow, flip, "mu", (0, 1))
    with pytest.raises(sd.InputError, match="must be a Cycle or a Bifurcation"):
        cycle_branch(flow, (0.5, 0), "mu", (0, 1))  # type: ignore[arg-type]


def test_parameters_of_a_users_method() -> None:
    flow = sd.Flow(FLAT, Hopf(0.25))
    assert sd.analysis.parameters(flow) == ["mu"]
    assert sd.analysis.with_parameters(flow, {"mu": -2.0}).method == Hopf(-2.0)
    assert sd.analysis.parameters(sd.Map(FLAT, sd.SAM(0.1), lr=0.1)) == ["rho", "ascent_steps", "lr", "momentum"]
