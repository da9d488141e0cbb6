"""The width of the trap of normalised SAM along one escape direction."""

from collections.abc import Callable

import numpy as np

import samdyn as sd
from samdyn.claims import Claim, Estimate, grid

CASES = grid(lam=(-1.0, -3.0), rho=(0.1, 0.5), lr=0.01)


def half_width(method: Callable[[float], sd.Method], lam: float, rho: float, lr: float) -> Estimate:
    """Return the distance along the escape from which runs near the saddle of curvatures (1, λ) leave."""
    map_ = sd.Map(sd.landscapes.quadratic([1.0, lam]), method(rho), lr=lr)
    starts = np.linspace(0.2, 2, 901) * rho  # the bounce has about ηρ|λ|
    beside = np.full_like(starts, 0.01 * rho)  # along λ₁, so that the runs bounce there too
    runs = sd.simulate(map_, np.column_stack([beside, starts]), 200, box=[(-9, 9), (-9, 9)], progress=False)
    leaves = np.abs(runs.w[:, -1, 1].values) > starts
    first = int(np.argmax(leaves))
    return Estimate.bracket(starts[first - 1], starts[first])


sam_trap_width = Claim(
    id="sam-trap-width",
    statement="On a quadratic with one escape direction, and for small steps, a saddle holds those runs of SAM that "
    "come within ρ of it along this direction, at every ρ and every λ.",
    formula=r"|w| < \rho",
    source="derived; [C23]",
    process="map of SAM, small steps",
    predict=sd.theory.trap_half_width,
    rival=lambda rho, lam: abs(lam) * rho,
    mistake="a bound on the gradient in place of one on the distance",
    cases=CASES,
    measure=lambda lam, rho, lr: half_width(sd.SAM, lam, rho, lr),
    tolerance=1e-3,
    reason="starts are 0.2 % of ρ apart",
)
