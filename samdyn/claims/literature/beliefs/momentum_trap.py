"""Heavy ball changes which saddles hold SAM, but not as a larger learning rate would."""

import numpy as np
import torch

import samdyn as sd
from samdyn.claims import Claim, fails

SETTLING = 300  # steps; a run forgets its start by √γ a step
STEPS = 120  # a multiple of the periods 2, 4, … 12 of the bounce
SIZES = np.geomspace(1e-2, 0.9, 150)  # negative curvatures over the largest one; 3 % apart
TINY = 1e-100  # distance along the negative curvatures, to which every step scales it back


def threshold(top: float, lr: float, momentum: float, start: float) -> float:
    """Return the size of the negative curvature above which a tiny distance along it shrinks while the run bounces."""
    map_ = sd.Map(sd.landscapes.quadratic([top, *-top * SIZES]), sd.SAM(0.1), lr=lr, momentum=momentum)
    state = map_.start(torch.tensor([start, *TINY + 0 * SIZES], dtype=torch.float64)[:, None])
    growth = np.zeros(len(SIZES))
    for step in range(SETTLING + STEPS):
        state = map_.step(state)
        ratio = (state[0][1:] / TINY).abs()
        for part in state:
            part[1:] /= ratio
        growth += ratio.log()[:, 0].numpy() * (step >= SETTLING)
    first = int(np.argmax(growth < 0))
    between = slice(first - 1, first + 1)
    return float(top * np.exp(np.interp(0.0, -growth[between], np.log(SIZES[between]))))


momentum_trap = Claim(
    id="momentum-trap",
    statement="With heavy ball, where SAM bounces on its 2-cycle, a saddle holds it only if every negative curvature "
    "is larger in size than ηλ₁²/(2(1+γ) − ηλ₁).",
    formula=r"|\lambda_-| > \eta\lambda_1^2\,/\,(2(1+\gamma) - \eta\lambda_1)",
    source="derived",
    process="map of SAM with heavy ball on a quadratic, on its 2-cycle",
    cases=[
        {"top": 4.0, "lr": 0.3, "momentum": 0.5, "start": 1.0},
        {"top": 3.0, "lr": 0.3, "momentum": 0.3, "start": 1.0},
    ],
    predict=lambda top, lr, momentum: lr * top**2 / (2 * (1 + momentum) - lr * top),
    rival=lambda top, lr: lr * top**2 / (2 - lr * top),
    mistake="momentum plays no part",
    measure=threshold,
    tolerance=1e-3,
    reason="interpolation between curvatures that are 3 % apart",
)

momentum_as_larger_step = Claim(
    id="momentum-as-larger-step",
    statement="Heavy ball changes which saddles hold normalised SAM as the learning rate η/(1 − γ) would.",
    formula=r"|\lambda_-| > \eta_e\lambda_1^2/(2 - \eta_e\lambda_1),\quad \eta_e = \eta/(1-\gamma)",
    source="derived from the rule of thumb that momentum acts as a learning rate of η/(1 − γ)",
    process="map of SAM with heavy ball on a quadratic",
    cases=[{"top": 4.0, "lr": 0.01, "momentum": 0.9, "start": start} for start in (0.5, 1.0)],
    predict=lambda top, lr, momentum: lr / (1 - momentum) * top**2 / (2 - lr / (1 - momentum) * top),
    rival=lambda top, lr, momentum: lr * top**2 / (2 * (1 + momentum) - lr * top),
    mistake="the threshold of the 2-cycle, though runs end on longer cycles",
    measure=threshold,
    tolerance=1e-3,
    reason="interpolation between curvatures that are 3 % apart",
    record=fails(0.0855),  # the cycle on which a run ends, and so the start, decides: there is no one threshold
    instead="momentum-trap",
)
