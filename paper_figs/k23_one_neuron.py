"""A network of one neuron: the larger the radius, the larger SAM's mean final loss, since saddles hold more runs.

The network is f(x) = w₂(w₁x)², its loss the mean squared error of four samples of x², and its 200 starts are standard
normal. Where w₁ = 0 the network is constant: for w₂ > 0 these points are saddles, with λ = −1.38 w₂, and for w₂ < 0
they are the bottom of a valley, in which GD ends too. Left: the mean final loss. Middle: the final loss of every
network with SAM. It has two levels, that of a perfect fit and that of w₁ = 0. Right: the share of the runs that end at
a saddle (within 5 % of its loss, w₂ > 0), and of those that diverge. Bars are 95 % intervals; η = 0.01, 10,000 steps.

Source: [K23], the two-layer network of one neuron with the activation x², final loss over ρ and seeds. The samples, η
and the numbers of steps and seeds are ours.

Agrees: SAM's mean loss grows with ρ. The mean hides how: a network is either fitted or held at w₁ = 0, and a larger ρ
moves networks from one group to the other. USAM, of which Theorem 1 speaks, differs: it is held only where
ρ > 1/(1.38 w₂), so that few saddles hold it even at ρ = 1. Instead, a growing share of its runs diverges; its mean loss
is that of the others.
"""

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

import samdyn as sd
from samdyn import lab, plot, statistics
from samdyn.output.terminal import Console

RADII = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0)
SEEDS, LR, STEPS = 200, 0.01, 10_000
METHODS = {"SAM": sd.SAM, "USAM": sd.USAM}


def draw() -> Figure:
    """Return the figure."""
    data = sd.sweep(ends, {"iterates": [*METHODS], "rho": RADII})
    mean, half = statistics.mean_interval(data.loss, "run")
    shown = xr.Dataset({"loss": mean, "loss_low": mean - half, "loss_high": mean + half})
    for name in ("at_saddle", "diverged"):
        low, high = xr.apply_ufunc(
            statistics.wilson, data[name].sum("run").astype(int), SEEDS, vectorize=True, output_core_dims=[[], []]
        )
        shown = shown.assign({name: data[name].mean("run"), f"{name}_low": low, f"{name}_high": high})
    columns: dict[str, lab.Column] = {"": "{iterates}", "ρ": "{rho:g}", "mean loss": lab.interval("loss", ".3f")}
    columns |= {name: lab.interval(name, ".3f") for name in ("at_saddle", "diverged")}
    Console().print(lab.table(shown, columns, ("iterates", "rho")))

    figure, (means, each, shares) = plt.subplots(1, 3, figsize=(13, 4))
    styles = [plot.line(name) for name in METHODS]
    plot.intervals(shown, "loss", means, x="rho", hue="iterates", styles=styles)
    means.set(title="The mean final loss of SAM grows with ρ", ylabel="mean final loss", ylim=(0, None))
    means.legend()
    shift = np.random.default_rng(0).uniform(-0.017, 0.017, data.loss.shape[1:])  # side by side
    each.plot(
        data.rho.values[:, None] + shift, data.loss.sel(iterates="SAM"), ".", color=styles[0]["color"], ms=3, alpha=0.4
    )
    each.set(title="SAM: networks are fitted or held at $w_1 = 0$", ylabel="final loss of each network")
    plot.intervals(shown, "at_saddle", shares, x="rho", hue="iterates", styles=styles, label="{} at a saddle")
    lost = {"color": styles[1]["color"], "marker": "x", "ls": ":"}
    plot.intervals(shown.sel(iterates="USAM"), "diverged", shares, x="rho", **lost)
    shares.containers[-1].set_label("USAM diverged")
    shares.set(title="Saddles hold SAM, few hold USAM", ylabel="share of runs", ylim=(-0.02, 1))
    shares.legend()
    for ax in figure.axes:
        ax.set_xlabel(r"radius $\rho$")
    return figure


def ends(iterates: str, rho: float) -> xr.Dataset:
    """Return the final loss of every network, nan if it diverged, and whether it is at a saddle."""
    landscape, starts = sd.landscapes.one_neuron(), np.random.default_rng(0).standard_normal((SEEDS, 2))
    map_ = sd.Map(landscape, METHODS[iterates](rho), lr=LR)
    runs = sd.simulate(map_, starts, STEPS, backend="compiled").isel(step=-1)
    diverged = runs.status == "diverged"
    loss, flat = runs.loss.where(~diverged), float(landscape.value([0.0, 1.0]))
    at_saddle = (abs(loss / flat - 1) < 0.05) & (runs.w.isel(coord=1) > 0)
    return xr.Dataset({"loss": loss, "at_saddle": at_saddle, "diverged": diverged}).drop_vars(["step", "time"])


if __name__ == "__main__":
    lab.draw_figure(draw)
