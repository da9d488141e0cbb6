"""Stability charts: whole grids of settings at once, against one at a time and against the closed forms."""

import numpy as np
import pytest
import torch
from matplotlib import pyplot as plt

import samdyn as sd
from samdyn import analysis, theory
from samdyn.analysis import CriticalPoint, growth_rate, stability_chart


def test_a_grid_gives_what_single_maps_give(saddle: sd.Landscape, origin: CriticalPoint) -> None:
    x, y = np.array([0.1, 0.4, 0.6]), np.array([0.0, 0.5, 0.9])
    chart = stability_chart(sd.Map(saddle, sd.USAM(0.0), lr=0.01), origin, ("rho", x), ("momentum", y))
    for i, gamma in enumerate(y):
        for j, rho in enumerate(x):
            alone = growth_rate(sd.Map(saddle, sd.USAM(rho), lr=0.01, momentum=gamma), origin)
            assert chart.rate[i, j] == pytest.approx(alone, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_the_closed_form_divides_the_chart(saddle: sd.Landscape, origin: CriticalPoint, momentum: float) -> None:
    """USAM holds the saddle where ρ > 1/|λ| and ηλₑ < 2(1+γ) for the other eigenvalue, and nowhere else."""
    rho, lr = np.linspace(0.02, 1.0, 50), np.linspace(0.011, 2.0, 60)
    chart = stability_chart(sd.Map(saddle, sd.USAM(0.0), lr=1, momentum=momentum), origin, ("rho", rho), ("lr", lr))
    escaping, other = (theory.effective_curvature(lam, rho) for lam in origin.eigenvalues)
    edge = 2 * (1 + momentum) / np.maximum(other, escaping)
    holds = (escaping > 0) & (lr[:, None] < edge)
    clear = (np.abs(escaping) > 0.01) & (np.abs(lr[:, None] / edge - 1) > 0.02)  # rates near 0 are not resolved
    assert clear.mean() > 0.9
    assert ((chart.rate < 0) == holds)[clear].all()
    assert 0.05 < holds.mean() < 0.95


def test_the_trap_of_sam_ends_at_rho(saddle: sd.Landscape, origin: CriticalPoint) -> None:
    rho, distance = np.linspace(0.1, 1, 19), np.linspace(0.07, 1.3, 30)
    chart = stability_chart(sd.Map(saddle, sd.SAM(1.0), lr=0.01), origin, ("rho", rho), ("distance", distance))
    inside = distance[:, None] < rho
    clear = np.abs(distance[:, None] - rho) > 0.02
    assert ((chart.rate < 0) == inside)[clear].all()


def test_a_run_that_only_overshoots_is_held(saddle: sd.Landscape, origin: CriticalPoint) -> None:
    """Nearer than its own step, ηρ|λ| = 0.01, a run of SAM goes to and fro about the saddle, farther out."""
    axes = ("distance", np.array([1e-5, 1e-3])), ("rho", np.array([0.5, 1.0]))
    assert (stability_chart(sd.Map(saddle, sd.SAM(1.0), lr=0.01), origin, *axes).rate < 0).all()


def test_gd_holds_nothing(saddle: sd.Landscape, origin: CriticalPoint) -> None:
    axes = ("distance", np.array([1e-6, 1e-3, 0.1])), ("lr", np.array([1e-3, 0.01, 0.1]))
    chart = stability_chart(sd.Map(saddle, sd.GD(), lr=1), origin, *axes)
    assert (chart.rate > 0).all()


def test_over_a_parameter_of_the_landscape() -> None:
    """Steps from the saddle of (x² − ay²)/2 grow by 1 − ηλ(1 + ρλ), λ = −a or 1."""
    landscape = sd.Landscape("(x**2 - a*y**2)/2", "x y", parameters={"a": 1})
    (point,) = sd.critical_points(landscape)
    rho, a = np.linspace(0.3, 1.3, 11), np.linspace(0.9, 2.1, 7)
    chart = stability_chart(sd.Map(landscape, sd.USAM(0.1), lr=0.01), point, ("rho", rho), ("a", a))
    assert (chart.x_name, chart.y_name) == ("rho", "a")
    escaping, other = (np.log(1 - 0.01 * lam * (1 + rho * lam)) / 0.01 for lam in (-a[:, None], 1.0))
    np.testing.assert_allclose(chart.rate, np.maximum(escaping, other), atol=1e-6)
    figure, ax = plt.subplots()
    assert sd.plot.stability_chart(chart, ax).get_ylabel() == "$a$"
    plt.close(figure)
    moving = sd.Landscape("x**3/3 - a*x", "x", parameters={"a": 1}, box=[(-2, 2)])
    minimum = next(p for p in sd.critical_points(moving) if p.kind == "minimum")
    with pytest.raises(sd.InputError, match="up to 1: the critical point moves with it"):
        stability_chart(sd.Map(moving, sd.USAM(0.1), lr=0.01), minimum, ("rho", rho), ("a", [1.0, 2.0]))


BAD = [
    ({"x": ("batch_size", np.array([1.0, 2]))}, "no chart is drawn over it"),
    ({"x": ("lr", np.array([0.1, 0.2]))}, "both axes are the same"),
    ({"x": ("rho", np.array([0.2, 0.1]))}, "ascending"),
    ({"x": ("rho", np.array([-0.2, 0.1]))}, "radius must be a finite number >= 0"),
    ({"x": ("momentum", np.array([0.5, 1.0]))}, r"must lie in \[0, 1\)"),
    ({"x": ("distance", np.array([0.0, 1.0]))}, "distances are > 0"),
    ({"method": sd.GD()}, "Map of GD has no parameter|map of GD has no parameter"),
    ({"steps": 0}, "steps"),
]


@pytest.mark.parametrize(("change", "message"), BAD)
def test_bad_input(saddle: sd.Landscape, origin: CriticalPoint, change: dict, message: str) -> None:
    arguments = {"x": ("rho", np.array([0.1, 0.2])), "method": sd.USAM(0.1), "steps": 10, **change}
    map_ = sd.Map(saddle, arguments["method"], lr=0.01)
    with pytest.raises(sd.InputError, match=message):
        stability_chart(map_, origin, arguments["x"], ("lr", np.array([0.1, 0.2])), steps=arguments["steps"])


def test_one_value_per_run(saddle: sd.Landscape) -> None:
    """A map with tensors for parameters does to every point what the map with that number does."""
    rho, lr, gamma = torch.tensor([[0.1, 0.7], [0.01, 0.2], [0.0, 0.9]], dtype=torch.float64)
    many = analysis.with_parameters(sd.Map(saddle, sd.SAM(1), lr=1), {"rho": rho, "lr": lr, "momentum": gamma})
    w = torch.tensor([[1.0, 2.0], [0.5, -1.0]], dtype=torch.float64)
    state = many.start(w)
    for _ in range(3):
        state = many.step(state)
    for i in range(2):
        one = sd.Map(saddle, sd.SAM(float(rho[i])), lr=float(lr[i]), momentum=float(gamma[i]))
        alone = one.start(w[:, i])
        for _ in range(3):
            alone = one.step(alone)
        assert torch.allclose(state[0][:, i], alone[0], rtol=1e-14)
    runs = sd.simulate(many, w.T, 3)
    np.testing.assert_allclose(runs.w[:, -1], state[0].T, rtol=1e-14)


def test_differences_off_the_line() -> None:
    """A line that is a cell away explains the differences beside it; a hole in the middle of a side it does not."""
    x = np.arange(6.0)
    rate = np.where(np.arange(6) < 3, -1.0, 1.0) * np.ones((5, 1))
    chart = analysis.StabilityChart("rho", "lr", x, x[:5], rate)
    moved = analysis.StabilityChart("rho", "lr", x, x[:5], np.roll(rate, 1, axis=1))
    moved.rate[:, 0] = -1
    assert chart.differences(moved) == (5, 0)
    hole = analysis.StabilityChart("rho", "lr", x, x[:5], rate.copy())
    hole.rate[2, 0] = 1
    assert hole.differences(chart) == (1, 1)
    with pytest.raises(sd.InputError, match="this chart has the grid"):
        chart.differences(analysis.StabilityChart("rho", "lr", x, x[:2], rate[:2]))
