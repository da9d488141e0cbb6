"""Stiff flows: implicit steps where explicit ones would be too many."""

import importlib

import numpy as np
import pytest
import torch

import samdyn as sd

# The package's name ``simulate`` is the function's.
rodas = importlib.import_module("samdyn.simulation.flows.rodas")


def test_order_four() -> None:
    flow, start, time = sd.Flow(sd.landscapes.beale(), sd.USAM(0.01)), (1.0, 0.3), 0.4
    exact = sd.integrate(flow, start, time, rtol=1e-12, atol=1e-14).w.values[0, -1]
    counts, errors = np.array([20, 40, 80, 160]), []
    for count in counts:
        w = torch.tensor(start, dtype=torch.float64)[:, None]
        for _ in range(count):
            w, _ = rodas.step(flow, w, flow(w), torch.tensor([time / count], dtype=torch.float64))
        errors.append(np.abs(w[:, 0].numpy() - exact).max())
    slope = -np.polyfit(np.log(counts), np.log(errors), 1)[0]
    assert min(errors) > 1e-12
    # The largest steps are not yet in the regime of the slope: it comes down from above, to 4.0 at the smallest.
    assert 3.85 < slope < 5
    assert np.log2(errors[-2] / errors[-1]) == pytest.approx(4, abs=0.5)


def test_a_valley_is_followed() -> None:
    """λ = 1 and 10⁷: explicit steps would be more than 3·10⁷."""
    flow = sd.Flow(sd.landscapes.quadratic([1.0, 1e7]), sd.GD())
    starts, times = np.array([[1.0, 1.0], [-2.0, 3.0]]), np.array([0.1, 1.0, 2.5, 10.0])
    runs = sd.integrate(flow, starts, times, rtol=1e-8, atol=1e-10, max_steps=2000)
    assert (runs.status == "undecided").all()
    assert (runs.end == 10).all()
    expected = starts[:, None] * np.exp(-times[None, :, None] * [1, 1e7])
    # A hundred steps, each with an error of the tolerance.
    np.testing.assert_allclose(runs.w.values, expected, atol=1e-6)


@pytest.mark.parametrize("rho", [0.05, 0.3])
def test_sam_follows_beales_valley_to_the_minimum(rho: float) -> None:
    """Across the valley's floor the field turns within a width of λ₂/λ₁ times the distance, thinner and thinner.

    In the end it jumps. Around the minimum SAM does not come in on circles, but does on ellipses (ρ = 0.3).
    """
    flow = sd.Flow(sd.landscapes.beale(), sd.SAM(rho))
    runs = sd.integrate(flow, [[3.3, 0.3], [2.0, 0.1], [1.0, -0.5]], 20, rtol=1e-7, atol=1e-9, max_steps=3000)
    assert (runs.status == "settled").all()
    assert runs.slid.all()
    np.testing.assert_allclose(runs.w.values[:, -1], [[3, 0.5]] * 3, atol=1e-12)


def test_the_valley_is_followed_as_by_the_iterates() -> None:
    """On the way SAM's flow is where its iterates are, to the order of η."""
    beale, end, lr = sd.landscapes.beale(), 1.0, 2e-5
    flow = sd.integrate(sd.Flow(beale, sd.SAM(0.3)), [[3.3, 0.3]] * 2, end, rtol=1e-8, atol=1e-10, max_steps=3000)
    map_ = sd.simulate(sd.Map(beale, sd.SAM(0.3), lr=lr), [[3.3, 0.3]], round(end / lr))
    # Iterates go to and fro across the valley's floor by ηρλ = 2e-5 · 0.3 · 49, in a layer 2e-4 wide.
    np.testing.assert_allclose(flow.w.values[0, -1], map_.w.values[0, -1], atol=2e-3)
    assert np.linalg.norm(flow.w.values[0, -1] - [3, 0.5]) > 0.02  # it is still on its way


def test_few_runs_down_a_curved_valley_take_few_steps() -> None:
    """On the floor y = x² the field is that of a constraint, for which one-step methods lose order: 11,000 steps."""
    stiffness = 1e9
    flow = sd.Flow(sd.Landscape(f"{stiffness}*(y-x**2)**2/2+(x-1)**2/2", "x y"), sd.GD())
    starts = np.array([(-1.0, 1.0), (0.5, 0.2), (1.5, 1.0), (-0.5, 2.0)])
    runs = sd.integrate(flow, starts, [1.0, 2.0], max_steps=3000)
    assert (runs.end == 2).all()
    w = runs.w.values
    # ẋ (1 + 4x²) = 1 − x on the floor: t = F(x), up to 1/stiffness.
    primitive = lambda x: -5 * np.log(np.abs(1 - x)) - 2 * (x + 1) ** 2 + 2  # noqa: E731
    np.testing.assert_allclose(w[..., 1], w[..., 0] ** 2, atol=10 / stiffness)
    passed = primitive(w[:, 1, 0]) - primitive(w[:, 0, 0])
    np.testing.assert_allclose(passed, 1, atol=1e-6)  # a hundred errors of rtol
