"""The trap of the method that the script of [K23] runs, which adds the two gradients of a step."""

from dataclasses import dataclass

import samdyn as sd
from samdyn.claims import Claim
from samdyn.ops import Point, unit
from samdyn.oracle import Oracle

from .trap_width import CASES, half_width


@dataclass(frozen=True)
class BothGradients(sd.Method):
    """SAM as the script of [K23] has it, whose two backward passes add up: F(w) = ∇L(w) + ∇L(w + ρ g/‖g‖)."""

    rho: float

    def __call__(self, w: Point, grad: Oracle) -> Point:
        g = grad(w)
        return g + grad(w + self.rho * unit(g))


script_trap_width = Claim(
    id="script-trap-width",
    statement="If a step follows the sum of its two gradients, as in the script of [K23], the trap of the saddle is "
    "half as wide.",
    formula=r"|w| < \rho/2",
    source="derived; the method is that of the script of [K23]",
    process="map of the sum of both gradients, small steps",
    predict=lambda rho: rho / 2,
    rival=lambda rho: rho,
    mistake="the trap of SAM",
    cases=CASES,
    measure=lambda lam, rho, lr: half_width(BothGradients, lam, rho, lr),
    tolerance=1e-3,
    reason="starts are 0.2 % of ρ apart",
)
