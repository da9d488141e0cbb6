"""The largest curvature at which gradient descent is stable, without and with momentum."""

import math

import numpy as np
import torch
from scipy.optimize import brentq

import samdyn as sd
from samdyn.claims import Claim, Estimate, grid


def growth_of_a_step(lr: float) -> float:
    """Return the curvature at which a step of gradient descent keeps the distance from the minimum."""

    def growth(lam: float) -> float:
        (end,) = sd.Map(sd.landscapes.quadratic([lam]), sd.GD(), lr).step((torch.ones(1, 1, dtype=torch.float64),))
        return math.log(abs(float(end)))

    return float(brentq(growth, 0.1, 1000.0, rtol=1e-10))


def largest_stable(lr: float, momentum: float) -> Estimate:
    """Return the smallest curvature at which runs still grow after 50 steps, by bisection over 65 curvatures."""
    low, high = 0.1, 300.0
    for _ in range(4):
        lam = np.geomspace(low, high, 65)
        map_ = sd.Map(sd.landscapes.quadratic(lam), sd.GD(), lr, momentum)
        state, sizes = map_.start(torch.ones(65, 1, dtype=torch.float64)), []
        for _ in range(70):
            state = map_.step(state)
            sizes.append(abs(state[0][:, 0].numpy()))
        first = int(np.argmax(np.max(sizes[60:], axis=0) > np.max(sizes[50:60], axis=0)))
        low, high = float(lam[first - 1]), float(lam[first])
    return Estimate.bracket(low, high)


gd_edge = Claim(
    id="gd-edge",
    statement="Gradient descent on a quadratic is stable up to the curvature 2/η.",
    formula=r"\lambda^* = 2/\eta",
    source="derived",
    process="map of GD",
    cases=grid(lr=(0.02, 0.1)),
    predict=lambda lr: 2 / lr,
    rival=lambda lr: 1 / lr,
    mistake="the curvature 1/η, up to which the run comes to the minimum without changing sides",
    measure=growth_of_a_step,
    tolerance=1e-8,
    reason="the root of a smooth function, to a relative error of 1e-10",
)

heavy_ball_edge = Claim(
    id="heavy-ball-edge",
    statement="Gradient descent with heavy ball on a quadratic is stable up to the curvature 2(1 + γ)/η.",
    formula=r"\lambda^* = 2(1 + \gamma)/\eta",
    source="derived",
    process="map of GD with heavy ball",
    cases=grid(lr=(0.02, 0.1), momentum=(0.3, 0.6)),
    predict=lambda lr, momentum: 2 * (1 + momentum) / lr,
    rival=lambda lr, momentum: 2 * (1 - momentum) / lr,
    mistake="the edge of gradient descent with the effective step η/(1 − γ)",
    measure=largest_stable,
    tolerance=1e-5,
    reason="four rounds of 64 intervals; the second mode has shrunk by γ⁵⁰ < 1e-11",
)
