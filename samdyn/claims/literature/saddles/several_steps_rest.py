"""Where normalised SAM with several ascent steps comes to rest: beside the saddle."""

import numpy as np

import samdyn as sd
from samdyn.claims import Claim, Estimate, grid

STEPS, LAST = 800, 100


def farthest_rest(lam: float, rho: float, ascent_steps: int, lr: float) -> Estimate:
    """Return the largest distance from the saddle at which runs from within ρ end, with the size of the bounce."""
    map_ = sd.Map(sd.landscapes.quadratic([lam]), sd.SAM(rho, ascent_steps=ascent_steps), lr=lr)
    starts = rho * np.linspace(0.03, 0.97, 9)[:, None]
    ends = sd.simulate(map_, starts, STEPS, progress=False).w[:, -1].values
    late = np.abs(sd.simulate(map_, ends, LAST, save_every=1, progress=False).w[..., 0].values)
    farthest = late[np.argmax(late.mean(axis=1))]
    return Estimate.bracket(farthest.min(), farthest.max())


several_steps_rest = Claim(
    id="several-steps-rest-beside-saddle",
    statement="A saddle holds normalised SAM with n > 1 ascent steps of ρ/n beside it: along the escape direction runs "
    "from within ρ rest as far as (n − 1)ρ/n away.",
    formula=r"|w| = (n - 1)\rho/n",
    source="derived",
    process="map of SAM with n ascent steps, small steps",
    cases=grid(lam=-1.5, rho=(0.1, 0.3), ascent_steps=(2, 3, 4), lr=0.004),
    predict=lambda rho, ascent_steps: (ascent_steps - 1) * rho / ascent_steps,
    rival=lambda rho: 0 * rho,
    mistake="rest at the saddle, as with one ascent step",
    measure=farthest_rest,
    tolerance=2e-3,
    reason="the bounce about the rest need not be symmetric",
)
