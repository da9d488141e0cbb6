"""What interval arithmetic proves about equilibria of flows."""

from importlib import import_module

import numpy as np
import pytest
import torch

import samdyn as sd
from samdyn.analysis import equilibria
from samdyn.analysis.points.proof.flow import FlowField, Jump, Trace
from samdyn.methods import Method

module = import_module("samdyn.analysis.points.equilibria")

METHODS = [
    sd.GD(),
    sd.USAM(0.3),
    sd.SAM(0.3),
    sd.DNSAM(0.3),
    sd.ASAM(0.3),
    sd.UASAM(0.2),
    sd.ExactSAM(0.1),
    sd.SAM(0.3, ascent_steps=3),
    sd.USAM(0.3, ascent_steps=2, average=True),
    sd.ExactSAM(0.1, ascent_steps=2),
]


@pytest.mark.parametrize("method", METHODS, ids=repr)
def test_the_intervals_hold_the_field_and_its_jacobian(method: Method) -> None:
    """Against the field of the engine, and automatic differentiation, at points and at ends of small boxes."""
    flow = sd.Flow(sd.Landscape("(x**2 - 1)**2/4 + y**2/2 + x*y/4 + exp(-x*y)", "x y"), method)
    w = np.random.default_rng(0).uniform(-1, 1, (2, 100))
    field = FlowField(Trace(flow))
    for half in (0.0, 1e-6):
        bounds = field.slopes(w - half, w + half)
        for sign in (-1, 0, 1):
            here = torch.as_tensor(w + sign * half)
            # The engine rounds: its values are of the order 100, computed in some hundred operations.
            for ours, theirs in (
                ((bounds.low, bounds.high), -flow(here).numpy()),
                ((bounds.slopes_low, bounds.slopes_high), -flow.jacobian_at(here).numpy()),
            ):
                within = (ours[0] <= theirs + 1e-10 * (1 + abs(theirs))) & (
                    theirs - 1e-10 * (1 + abs(theirs)) <= ours[1]
                )
                assert within.all()
        if not half:
            np.testing.assert_allclose(bounds.low, -flow(torch.as_tensor(w)).numpy(), rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("name", ["double_well", "saddle", "himmelblau"])
@pytest.mark.parametrize("method", [sd.GD(), sd.USAM(0.3), sd.SAM(0.5), sd.DNSAM(0.3)], ids=repr)
def test_equilibria_are_complete(name: str, method: Method) -> None:
    found = equilibria(sd.Flow(sd.landscapes.named(name), method))
    assert found.complete
    assert found.missing == ()
    assert found.remarks == ["proved by interval arithmetic: there is no other in the box"]


def test_the_proof_finds_equilibria_that_the_search_missed() -> None:
    """USAM on Himmelblau's function rests at 69 points of the box; 1024 starts lead to 67 of them."""
    flow = sd.Flow(sd.landscapes.himmelblau(), sd.USAM(0.3))
    found = equilibria(flow)
    assert found.complete
    assert len(found) == 69
    field = torch.stack([flow(torch.as_tensor(p.w)) for p in found])
    assert float(field.abs().max()) < 1e-8  # curvatures to 1e6 times rounding of w
    assert len({tuple(p.w.round(7)) for p in found}) == 69


@pytest.mark.parametrize("seed", range(2))
def test_a_blind_search_loses_nothing(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """With and without Newton's search the proof lists the same equilibria of random quartics under SAM."""
    a = np.random.default_rng(seed).uniform(-1, 1, 5).round(2)
    formula = f"x**4/4 + y**4/4 + ({a[0]})*x**2 + ({a[1]})*y**2 + ({a[2]})*x*y + ({a[3]})*x + ({a[4]})*y"
    flow = sd.Flow(sd.Landscape(formula, "x y", box=[(-2.5, 2.5)] * 2), sd.SAM(0.4))
    known = equilibria(flow)
    monkeypatch.setattr(module, "_newton", lambda flow, starts, extent: np.empty((0, 2)))
    found = equilibria(flow)
    assert known.complete
    assert found.complete
    assert len(found) == len(known)
    for p in known:
        assert min(np.abs(p.w - q.w).max() for q in found) < 1e-9


def test_a_jump_is_alone_only_if_no_other_equilibrium_is_near() -> None:
    """SAM's field on x² − y² has the trap's edges at (0, ±ρ), and no other zero beside the saddle."""
    jump = Jump(Trace(sd.Flow(sd.landscapes.saddle(), sd.SAM(0.5))))
    assert jump.excludes_zero(np.array([-0.3, -0.3]), np.array([0.3, 0.3]))
    assert not jump.excludes_zero(np.array([-0.6, -0.6]), np.array([0.6, 0.6]))
    for angle in np.random.default_rng(0).uniform(0, 2 * np.pi, 40):  # without the direction of the gradient at w
        w = 0.5 * np.array([np.cos(angle), np.sin(angle)])
        assert not jump.excludes_zero(w - 1e-4, w + 1e-4)


@pytest.mark.parametrize("steps", [2, 3])
def test_rests_at_the_jumps_of_later_ascents(steps: int) -> None:
    """On x² − y² runs come to rest at |y| = ρ(n − 1 − 2j)/n, where the last ascent starts at the saddle."""
    found = equilibria(sd.Flow(sd.landscapes.saddle(), sd.SAM(0.3, ascent_steps=steps)))
    known = sorted(0.3 * (steps - 1 - 2 * j) / steps for j in range(steps))
    attract = sorted((p for p in found if p.attracts), key=lambda p: float(p.w[1]))
    assert [p.w[1] for p in attract] == pytest.approx(known, abs=1e-9)
    assert all(p.kind == "no Jacobian" and abs(p.w[0]) < 1e-9 for p in attract)
    for p in attract:  # no part around these rests is unproved, but around the saddle itself
        assert p.critical is not None or not any(part.touches(p.w, 1e-6) for part in found.unproved)


def test_a_later_jump_is_alone_only_if_no_other_equilibrium_is_near() -> None:
    """Two ascent steps on x² − y²: the jump at (0, ρ/2) is 0.15 from the saddle and from the trap's edge."""
    jump = Jump(Trace(sd.Flow(sd.landscapes.saddle(), sd.SAM(0.3, ascent_steps=2))), 1)
    w = np.array([0.0, 0.15])
    assert jump.excludes_zero(w - 0.02, w + 0.02)
    assert not jump.excludes_zero(w - 0.16, w + 0.16)


def test_what_is_not_proved_is_said() -> None:
    several = equilibria(sd.Flow(sd.landscapes.saddle(), sd.SAM(0.3, ascent_steps=2)))
    assert not several.complete  # along y the field tends to 0 at the saddle, although it jumps there along x
    assert any(part.touches(np.array([0.0, 0.0]), 1e-6) for part in several.unproved)
    second = equilibria(sd.Flow(sd.landscapes.saddle(), sd.GD(), order=2, lr=0.1))
    assert "not proved complete: the flow is of order 2" in second.remarks
    line = equilibria(sd.Flow(sd.Landscape("x**2", "x y"), sd.SAM(0.3)))
    assert not line.complete
