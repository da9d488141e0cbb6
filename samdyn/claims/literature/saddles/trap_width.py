"""The widths of the traps of normalised SAM and of its relatives along one escape direction."""

from dataclasses import dataclass
from typing import Any

import numpy as np

import samdyn as sd
from samdyn.claims import Claim, Estimate, grid
from samdyn.ops import Point, unit
from samdyn.oracle import Oracle


@dataclass(frozen=True)
class BothGradients(sd.Method):
    """SAM as the script of [K23] has it, whose two backward passes add up: F(w) = ∇L(w) + ∇L(w + ρ g/‖g‖)."""

    rho: float

    def __call__(self, w: Point, grad: Oracle) -> Point:
        g = grad(w)
        return g + grad(w + self.rho * unit(g))


def half_width(method: type[sd.Method], lam: float, rho: float, lr: float) -> Estimate:
    """Return the distance along the escape from which runs near the saddle of curvatures (1, λ) leave."""
    map_ = sd.Map(sd.landscapes.quadratic([1.0, lam]), method(rho), lr=lr)
    starts = np.linspace(0.2, 2, 901) * rho  # the bounce has about ηρ|λ|
    runs = sd.simulate(map_, np.column_stack([0 * starts, starts]), 200, box=[(-9, 9), (-9, 9)], progress=False)
    leaves = np.abs(runs.w[:, -1, 1].values) > starts
    first = int(np.argmax(leaves))
    return Estimate.bracket(starts[first - 1], starts[first])


def claim(method: type[sd.Method], **texts: Any) -> Claim:
    """Return the claim on the trap of a method."""
    return Claim(
        cases=grid(lam=(-1.0, -3.0), rho=(0.1, 0.5), lr=0.01),
        measure=lambda lam, rho, lr: half_width(method, lam, rho, lr),
        tolerance=1e-3,
        reason="starts are 0.2 % of ρ apart",
        **texts,
    )


sam_trap_width = claim(
    sd.SAM,
    id="sam-trap-width",
    statement="On a quadratic with one escape direction, a saddle holds SAM's runs that come within ρ of it along this "
    "direction, at every ρ and every λ.",
    formula=r"|w| < \rho",
    source="derived; [C23]",
    process="map of SAM, small steps",
    predict=lambda rho: sd.theory.trap_half_width(rho=rho),
    rival=lambda rho, lam: abs(lam) * rho,
    mistake="a bound on the gradient in place of one on the distance",
)

script_trap_width = claim(
    BothGradients,
    id="script-trap-width",
    statement="If the two gradients of a step add up, as in the authors' script, the saddle's trap is half as wide.",
    formula=r"|w| < \rho/2",
    source="derived; the method is that of the script of [K23]",
    process="map of the sum of both gradients, small steps",
    predict=lambda rho: rho / 2,
    rival=lambda rho: rho,
    mistake="the trap of SAM",
)
