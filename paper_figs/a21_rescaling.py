"""Rescaling a network changes its sharpness, but neither its function nor its adaptive sharpness.

Left is the network of two weights f(x) = (1/a) w₁ relu(a w₂ x) with the loss |w₁ relu(w₂) − 1|; right are trained
networks, with the first layer times a and the weights of the second over a. The function is the same for every a.
Sharpness is L(wᵖ) − L(w) with SAM's ascent step, adaptive sharpness that with ASAM's, whose ball is scaled by |w|.
With p = w₁w₂ and s² = (w₁/a)² + (aw₂)² they are ρs + ρ²p/s² and p(√2 ρ + ρ²/2) in closed form for the two weights.

Source: [A21], the figure of (1/a) w₁ relu(a w₂ x), and its theorem that adaptive sharpness is invariant. The networks
and the closed form are ours.

Agrees: adaptive sharpness is constant to rounding. Adaptive sharpness with the T of the authors' code, which is
|w| + 0.01 for weights and 1 for biases, is not: the shift and the biases have a scale.
"""

from typing import Any

import numpy as np
import torch
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

import samdyn as sd
from samdyn import lab, networks, plot

FACTORS = np.geomspace(1 / 8, 8, 25)  # a
RHO, ADAPTIVE_RHO, WEIGHTS = 0.05, 0.5, (1.1, 1.2)
HIDDEN, SEEDS, STEPS = (16, 16), 12, 300
TASK = networks.Task(networks.digits(test=0.8), HIDDEN, SEEDS)
METHODS = {"sharpness": sd.SAM(RHO), "adaptive": sd.ASAM(ADAPTIVE_RHO)}
CODE = {"adaptive, T of the authors' code": sd.ASAM(ADAPTIVE_RHO, 0.01, networks.weights(TASK.network.model))}
LOOKS = [{**plot.line(name), "markersize": 6} for name in ("SAM", "ASAM", "USAM")]


def rises(landscape: Any, points: torch.Tensor, methods: dict[str, Any]) -> xr.Dataset:
    """Return the sharpness by each method's ascent step at the points, over its value at a = 1."""
    values = {name: networks.rise(landscape, points, method) for name, method in methods.items()}
    return xr.Dataset({name: ("a", value / value[len(FACTORS) // 2]) for name, value in values.items()}, {"a": FACTORS})


def trained_networks() -> xr.Dataset:
    """Return each kind of sharpness of networks trained on digits, over seeds and a."""
    map_ = sd.Map(TASK.network, sd.GD(), lr=0.2, noise=sd.noise.FiniteSum(32))
    (*_, (_, trained)) = networks.train(map_, TASK.starts, STEPS)
    scaled = ([networks.rescale(TASK.network.model, w, a) for a in FACTORS] for w in trained.double().T)
    return xr.concat([rises(TASK.network, torch.stack(points, 1), METHODS | CODE) for points in scaled], "seed")


def draw() -> Figure:
    """Draw the kinds of sharpness against a, of two weights and of trained networks."""
    first, second = WEIGHTS[0] / FACTORS, WEIGHTS[1] * FACTORS
    two = rises(sd.landscapes.relu_product(), torch.as_tensor(np.stack([first, second])), METHODS)
    s = np.hypot(first, second)
    exact = RHO * s + RHO**2 * first * second / s**2
    runs = trained_networks()
    medians = lab.medians(runs, "seed")
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.2, 4.4), sharey=True)
    for name, look in zip(runs, LOOKS, strict=True):
        print(f"{name}: changes by a factor of up to {float(runs[name].max()):.10g} in {SEEDS} networks")
        plot.band(medians, str(name), right, x="a", **{**look, "markevery": 3}, label=name)
        if name in two:
            print(f"    and of {float(two[name].max()):.10g} with two weights")
            left.plot(FACTORS, two[name], **{**look, "linestyle": "none"})
    left.plot(FACTORS, exact / exact[len(FACTORS) // 2], "k--", lw=1, zorder=0, label="closed form")
    left.axhline(1, color="black", ls="--", lw=1, zorder=0)
    left.set(
        title=r"Two weights: $f(x) = \frac{1}{a} w_1\,\mathrm{relu}(a\,w_2 x)$", ylabel="value at $a$ / value at 1"
    )
    right.set_title(f"{SEEDS} networks on digits: median, 95 % band")
    plot.log_axis(left, "y")
    for ax in (left, right):
        plot.log_axis(ax, "x")
        ax.set_xlabel("rescaling factor $a$")
    plot.frame(figure, "Rescaling changes sharpness, but neither the function nor adaptive sharpness")
    return figure


if __name__ == "__main__":
    lab.draw_figure(draw)
