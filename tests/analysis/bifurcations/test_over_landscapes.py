"""Branches and diagrams over a parameter of the landscape, against closed forms."""

from typing import Any

import numpy as np
import pytest
import torch

import samdyn as sd
from samdyn.analysis import bifurcation_diagram, branch, orbit_diagram, over_grid, parameters, with_parameters

FOLD = sd.Landscape("x**3/3 - a*x + y**2/2", "x y", parameters={"a": 1})
PITCHFORK = sd.Landscape("x**4/4 - a*x**2/2", "x", parameters={"a": 1}, box=[(-2, 2)])
LINE = sd.Landscape("c*x**2/2", "x", parameters={"c": 1})


def systems(landscape: sd.Landscape) -> list[sd.Map | sd.Flow]:
    return [sd.Flow(landscape, sd.GD()), sd.Flow(landscape, sd.USAM(0.1)), sd.Map(landscape, sd.USAM(0.1), lr=0.1)]


@pytest.mark.parametrize("system", [*systems(FOLD), sd.Map(FOLD, sd.GD(), lr=0.1, momentum=0.5)], ids=str)
def test_fold(system: Any) -> None:
    """The equilibria ±√a of x³/3 − ax meet at a = 0."""
    curve = branch(system, (1, 0), "a", (-1, 2), at=1)
    (fold,) = curve.bifurcations
    assert fold.kind == "fold"
    assert fold.parameter == pytest.approx(0, abs=1e-9)  # located to 1e-10 of the range
    assert np.abs(fold.w).max() < 1e-6
    assert curve.parameter[[0, -1]] == pytest.approx(2)  # in on one of them, and out on the other
    np.testing.assert_allclose(curve.w[:, 0, 0] ** 2, curve.parameter, atol=1e-9)
    assert (curve.stable == (curve.w[:, 0, 0] > 0)).all()
    if isinstance(system, sd.Flow):
        lam = 2 * curve.w[:, 0, 0]
        rho = system.method.radius
        expected = np.stack([-lam * (1 + rho * lam), np.full(len(lam), -1 - rho)])
        np.testing.assert_allclose(np.sort(curve.multipliers.real, 1), np.sort(expected.T, 1), atol=1e-9)


@pytest.mark.parametrize("system", systems(PITCHFORK)[::2], ids=str)
@pytest.mark.parametrize("limits", [(-1, 1), (-0.7, 2)])
def test_pitchfork(system: Any, limits: tuple[float, float]) -> None:
    """The equilibrium 0 of x⁴/4 − ax²/2 meets ±√a at a = 0, also if that is in the middle of the limits."""
    diagram = bifurcation_diagram(system, "a", limits)
    (b,) = diagram.bifurcations
    assert (b.kind, b.parameter) == ("branch point", pytest.approx(0, abs=1e-9))
    assert str(diagram) == "a = 0: branch point at (0), period 1"
    assert len(diagram.branches) == 3
    for one in diagram.branches:
        x, a = one.w[:, 0, 0], one.parameter
        np.testing.assert_allclose(x * (x**2 - a), 0, atol=1e-9)
        # Beside the branch point the two agree to rounding.
        assert (one.stable == ((x != 0) | (a < 0)))[np.abs(a) > 1e-6].all()


def test_diagram_of_a_fold_from_where_there_is_no_equilibrium() -> None:
    diagram = bifurcation_diagram(sd.Flow(FOLD, sd.USAM(0.1)), "a", (-1, 2))
    assert [(b.kind, round(b.parameter, 8) + 0.0) for b in diagram.bifurcations] == [("fold", 0)]
    (curve,) = diagram.branches
    assert curve.w[:, 0, 0].min() == pytest.approx(-(2**0.5))
    assert curve.w[:, 0, 0].max() == pytest.approx(2**0.5)


@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_flip(momentum: float) -> None:
    """GD's multiplier passes −1 at the curvature c = 2(1 + γ)/η."""
    (flip,) = branch(sd.Map(LINE, sd.GD(), lr=0.5, momentum=momentum), (0,), "c", (0.5, 9)).bifurcations
    assert (flip.kind, flip.parameter) == ("flip", pytest.approx(4 * (1 + momentum), rel=1e-9))


def test_the_limits_are_those_of_the_formula() -> None:
    """Parameters may be negative, and the formula has a value at both limits."""
    inverse = sd.Landscape("x**2/(2*a)", "x", parameters={"a": 1})
    assert branch(sd.Flow(inverse, sd.GD()), (0,), "a", (0.5, 2)).multipliers[0, 0] == pytest.approx(-2)
    assert branch(sd.Flow(inverse, sd.GD()), (0,), "a", (-2, -0.5)).multipliers[0, 0] == pytest.approx(0.5)
    with pytest.raises(sd.InputError, match="has no finite real value at these"):
        branch(sd.Flow(inverse, sd.GD()), (0,), "a", (0, 2), at=1)


def test_names_and_values() -> None:
    map_ = sd.Map(FOLD, sd.SAM(0.1), lr=0.1)
    assert parameters(map_) == ["rho", "ascent_steps", "lr", "momentum", "a"]
    other = with_parameters(map_, {"a": 3, "rho": 0.2, "lr": 0.05})
    assert (other.landscape.parameters, other.method.radius, other.lr) == ({"a": 3.0}, 0.2, 0.05)
    assert with_parameters(map_, {"a": torch.tensor([1.0, 2.0])}).landscape.parameters["a"].tolist() == [1, 2]
    with pytest.raises(sd.InputError, match=r"parameter = 'b': .*It has: rho, ascent_steps, lr, momentum, a"):
        with_parameters(map_, {"b": 1})
    with pytest.raises(sd.InputError, match=r"parameter = 'b': .*has no parameter of this name"):
        branch(map_, (1, 0), "b", (0, 1))
    with pytest.raises(sd.InputError, match="a = nan: must be a finite number"):
        with_parameters(map_, {"a": float("nan")})
    with pytest.raises(sd.InputError, match=r"must be finite, the lower first"):
        branch(sd.Flow(FOLD, sd.GD()), (1, 0), "a", (1, 0))
    with pytest.raises(sd.InputError, match="at none of which SAM has a Jacobian"):
        bifurcation_diagram(map_, "a", (0.5, 1))


def test_orbits_and_grids() -> None:
    map_ = sd.Map(PITCHFORK, sd.GD(), lr=0.1)
    for system in (map_, sd.Flow(PITCHFORK, sd.GD())):
        orbits = orbit_diagram(system, "a", [-1, 0.25, 1], [[0.3], [-0.2]], transient=400, keep=2, time=100)
        assert np.abs(orbits.w[0]).max() < 1e-9
        for slot, size in ((1, 0.5), (2, 1.0)):
            assert np.abs(orbits.w[slot]) == pytest.approx(size)
            assert np.sign(orbits.w[slot]).sum() == 0  # one start on each side

    def end(one: sd.Map) -> dict[str, float]:
        return {"x": float(sd.simulate(one, (0.3,), 400).w[0, -1, 0])}

    grid = over_grid(map_, {"a": [0.25, 1.0], "lr": [0.1, 0.2]}, end)
    np.testing.assert_allclose(grid.x, [[0.5, 0.5], [1, 1]], rtol=1e-6)


def test_drawing() -> None:
    from matplotlib import pyplot as plt

    landscape = sd.Landscape("x**4/4 - mu_1*x**2/2", "x", parameters={"mu_1": 1}, box=[(-2, 2)])
    figure, ax = plt.subplots()
    sd.plot.bifurcation(bifurcation_diagram(sd.Flow(landscape, sd.GD()), "mu_1", (-1, 1)), ax)
    assert ax.get_xlabel() == r"$\mu_{1}$"
    plt.close(figure)
