"""Formulas, automatic differentiation, the search for equilibria and runs say the same of every method."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
import torch

import samdyn as sd
from samdyn import analysis
from samdyn.analysis.points.equilibria import equilibrium_at
from samdyn.methods import Ascent
from samdyn.ops import norm, unit
from samdyn.oracle import Oracle


@dataclass(frozen=True)
class Saturated(Ascent):
    """A perturbation of length ρ far away, and of ρ‖g‖ nearby."""

    def direction(self, w: sd.ops.Point, g: sd.ops.Point, grad: Oracle) -> sd.ops.Point:
        return g / (1 + norm(g))


@dataclass(frozen=True)
class Rooted(Ascent):
    """The same, of another form."""

    def direction(self, w: sd.ops.Point, g: sd.ops.Point, grad: Oracle) -> sd.ops.Point:
        return g / (1 + (g * g).sum(0)) ** 0.5


@dataclass(frozen=True)
class Clipped(Ascent):
    """The gradient where it is shorter than 1; of length 1 elsewhere."""

    def direction(self, w: sd.ops.Point, g: sd.ops.Point, grad: Oracle) -> sd.ops.Point:
        length = norm(g)
        return 2 * g / (1 + length + abs(1 - length))


@dataclass(frozen=True)
class Restored(Ascent):
    """The gradient, made of its direction and its length."""

    def direction(self, w: sd.ops.Point, g: sd.ops.Point, grad: Oracle) -> sd.ops.Point:
        return norm(g) * unit(g)


@dataclass(frozen=True)
class ByHand(Ascent):
    """``Saturated`` with a root that has no derivative at 0."""

    def direction(self, w: sd.ops.Point, g: sd.ops.Point, grad: Oracle) -> sd.ops.Point:
        return g / (1 + (g * g).sum(0) ** 0.5)


@dataclass(frozen=True)
class Directed(Ascent):
    """A perturbation that does not shrink with the gradient."""

    def direction(self, w: sd.ops.Point, g: sd.ops.Point, grad: Oracle) -> sd.ops.Point:
        return unit(g) + g


OWN = [Saturated, Rooted, Clipped, Restored, ByHand, Directed]
PUBLISHED = [sd.GD, sd.USAM, sd.SAM, sd.DNSAM, sd.ASAM, sd.UASAM, sd.ExactSAM]
SCENES = {  # λ = −1 and 1, and off the origin, where coordinates scale ASAM's perturbation
    "well": sd.landscapes.double_well(),
    "tilted": sd.Landscape("((x - 3)**2 - 1)**2/4 + (y - 2 + (x - 3)/2)**2/2", "x y", box=((1, 5), (0, 4))),
}


UNKNOWN_TO_AUTOGRAD = (Restored, ByHand)  # products and roots of what has no derivative at 0
LR = 1e-3


@cache
def points(scene: str) -> analysis.CriticalPoints:
    return sd.critical_points(SCENES[scene])


@pytest.mark.parametrize(
    ("scene", "cls"),
    [("well", cls) for cls in (*PUBLISHED, *OWN)] + [("tilted", cls) for cls in (sd.ASAM, sd.UASAM, Saturated)],
)
def test_all_say_the_same(scene: str, cls: type[sd.Method]) -> None:
    landscape = SCENES[scene]
    extent = np.array([high - low for low, high in landscape.box])
    minimum, _, saddle = points(scene)
    for point, rho in ((minimum, 0.2), (saddle, 1.5)):
        method = cls(rho) if issubclass(cls, Ascent) else cls()
        flow, map_ = sd.Flow(landscape, method), sd.Map(landscape, method, lr=LR)
        formula, found = sd.stability(flow, point), equilibrium_at(flow, point.w, extent, point)
        assert (found.kind == "no Jacobian") == (not formula.differentiable)
        if not formula.differentiable:
            continue
        rates = np.sort(formula.eigenvalues)
        assert (found.kind, found.attracts) == (formula.kind, formula.kind == "attractor")
        # Differences are taken at 5e-6 of the point, where a norm's slope has changed by as much, times ρ and λ.
        np.testing.assert_allclose(np.sort(found.rates.real), rates, rtol=1e-4)
        if cls not in UNKNOWN_TO_AUTOGRAD:
            exact = torch.tensor([[float(c) for c in formula.point]], dtype=torch.float64).T
            by_autograd = np.linalg.eigvals(flow.jacobian_at(exact)[..., 0].numpy())
            np.testing.assert_allclose(np.sort(by_autograd.real), rates, rtol=1e-9)
        # Over half a unit of time slower directions are not forgotten to more than a percent.
        assert analysis.growth_rate(map_, point) == pytest.approx(np.log1p(LR * rates[-1]) / LR, rel=1e-2)


def test_a_saddle_holds_runs_of_a_method_with_a_norm_above_its_threshold() -> None:
    """On the double well λ = −1: 1/|λ| is the threshold of every method that perturbs by ρg near the saddle."""
    for rho, captured in ((0.9, False), (1.1, True)):
        flow = sd.Flow(SCENES["well"], Saturated(rho))
        assert bool(sd.stability(flow, (0, 0)).condition.contains(rho)) == captured
        (at_saddle,) = (p for p in analysis.equilibria(flow) if np.abs(p.w).max() < 1e-9)
        assert (at_saddle.kind, at_saddle.attracts) == ("attractor" if captured else "saddle", captured)
        run = sd.integrate(flow, [(0.02, 0.01)], [100.0])
        assert (np.abs(run.w.values[0, -1]).max() < 1e-3) == captured
