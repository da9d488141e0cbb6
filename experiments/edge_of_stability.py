"""Does the largest curvature of a network in training settle at the edge that is predicted for GD, USAM and SAM?

The script trains with the full batch on a squared loss. Runs with momentum γ use η(1+γ), at which GD's edge 2(1+γ)/η is
the same. SAM's edge moves with the gradient norm. At the end the script changes ρ at once, to see which of the two
follows the other.

The defaults were fixed before any network was trained. docs/networks.md has the numbers of --seeds 30.
"""

from dataclasses import replace
from functools import partial
from typing import Annotated, Any

import numpy as np
import torch
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

import samdyn as sd
from samdyn import checks, lab, networks, plot, symbolic

WIDTHS = (40, 32, 32, 10)
FACTORS = (0.25, 4.0)  # factors by which ρ changes at the end
FOLLOWED, EVERY = 100, 5  # steps after the change, and steps between two measurements
SHOWN = [0, 5, 25, 100]  # steps after the change that the table has
RUNS = {"": "{setting}", "ρ": "{rho:g}", "from k": "{first:.0f} ({count:.0f})", "λ/edge": lab.interval("ratio", ".3f")}
RUNS |= {"sd": "{deviation:.3f}", "above": "{above:.0%}", "λ/GD's edge": lab.interval("of_gd", ".2f")}
RUNS |= {"v₁": "{first_share:.2f}", "top 5": "{top_share:.2f}", "loss": "{loss:.2g}"}
ABOUT_RUNS = """\
Medians over networks with 95 % bootstrap intervals, over the last third of training. from k: the
step at which λ first reached its edge, and how many networks did. sd: of λ/edge along a run. above:
share of measurements with λ > edge. v₁, top 5: shares of ‖∇L‖² along the first eigenvectors."""
CHANGE = {"ρ ×": "{setting}", "step": "{step:.0f}", "λ/edge": lab.interval("ratio", ".3f")}
CHANGE |= {"λ": lab.interval("lam", ".3f"), "edge": lab.interval("edge", ".3f"), "‖∇L‖": lab.interval("norm", ".3f")}
ABOUT_CHANGE = "\nAfter a change of SAM's ρ: medians and 95 % intervals of λ, edge and ‖∇L‖ over those at step 0."


def main(
    lr: Annotated[lab.LearningRate, "Learning rate η without momentum."] = 0.2,
    rho: Annotated[lab.Positive, "SAM's radius ρ > 0."] = 0.05,
    usam_rho: Annotated[lab.Positive, "USAM's radius ρ > 0."] = 0.1,
    momentum: Annotated[lab.Momentum, "Momentum γ of the runs that have one.", lab.inside(0, 1)] = 0.9,
    samples: Annotated[lab.Samples, lab.at_most(4000, "MNIST-1D has no more to train on")] = 200,
    steps: lab.Steps = 2000,
    # Iterates at the edge alternate between two sides, and an even interval would show one side only.
    look_every: Annotated[lab.Count, "Steps between looks; odd.", lab.where(lambda k: k % 2, "must be odd")] = 101,
    seeds: lab.Seeds = 3,
    seed: lab.Seed = 0,
    processes: lab.Processes = 2,
    device: lab.Device = "auto",
    *,
    report: lab.Report,
) -> None:
    """Does the largest curvature of a network in training settle at the edge predicted for GD, USAM and SAM?"""
    if steps < 6 * look_every:
        checks.reject("--steps", steps, f"is less than 6 looks of {look_every} steps", "Use a smaller --look-every")
    checks.word("--seed", seed + seeds, "Use e.g. --seed 0")  # every network has its own
    report.print(f"tanh MLP {'-'.join(map(str, WIDTHS))}, {samples} samples of MNIST-1D, squared loss, full batch")
    data, model = networks.mnist1d(), networks.models.mlp(WIDTHS, activation="tanh")
    targets = torch.nn.functional.one_hot(data.train_targets[:samples], data.classes).float()
    net = networks.Network(model, squared, data.train_inputs[:samples], targets)
    maps = {
        "GD": sd.Map(net, sd.GD(), lr=lr),
        f"GD, γ = {momentum:g}": sd.Map(net, sd.GD(), lr=lr * (1 + momentum), momentum=momentum),
        "USAM": sd.Map(net, sd.USAM(usam_rho), lr=lr),
        "SAM": sd.Map(net, sd.SAM(rho), lr=lr),
        f"SAM, γ = {momentum:g}": sd.Map(net, sd.SAM(rho), lr=lr * (1 + momentum), momentum=momentum),
    }
    inits = range(seed, seed + seeds)
    w = net.vector(networks.models.mlp(WIDTHS, activation="tanh", seed=init) for init in inits)
    starts = xr.DataArray(w, dims=("init", "coord"), coords={"init": inits})
    how: dict[str, Any] = {"processes": processes, "batch": "init"}
    grid = {"setting": [*maps], "init": inits, "steps": steps, "every": look_every, "device": device}
    runs = sd.sweep(partial(train, maps=maps, starts=starts), grid, **how)
    for name, map_ in maps.items():
        if not runs.loss.sel(setting=name).isel(step=-1).notnull().any():
            checks.reject("--lr", map_.lr, f"{name} diverged", "Use a smaller one, or a smaller radius")
    runs["gd_edge"] = "setting", [symbolic.edge_of_stability(replace(map_, method=sd.GD())) for map_ in maps.values()]
    runs["rho"] = "setting", [map_.method.radius for map_ in maps.values()]
    late = networks.against_edge(runs).assign(of_gd=lambda late: late.lam / runs.gd_edge)
    first = {"first": late.first.median("init"), "count": late.first.count("init"), "rho": runs.rho}
    late = lab.medians(late, "init").assign(first)
    report.print(lab.table(late, RUNS, "setting", title="\nλ_max and its edge in training"), ABOUT_RUNS)
    others = {f"{factor:g}": sd.analysis.with_parameters(maps["SAM"], {"rho": factor * rho}) for factor in FACTORS}
    grid |= {"setting": [*others], "steps": FOLLOWED, "every": EVERY}
    switched = sd.sweep(partial(train, maps=others, starts=runs.w.sel(setting="SAM")), grid, **how)
    lam = switched.eigenvalue.sel(order=1, drop=True)
    changed = xr.Dataset({"lam": lam, "edge": switched.edge, "norm": switched.gradient_norm})
    ratios = {"ratio": lam / switched.edge, "edge_over_lam": switched.edge / lam.isel(step=0)}
    changed = lab.medians((changed / changed.isel(step=0)).assign(ratios), "init")
    report.print(ABOUT_CHANGE, lab.table(changed.sel(step=SHOWN), CHANGE, ("setting", "step"), keys=2))
    text = f"In the last third of training SAM's λ_max is {lab.interval('ratio', '.3f')} times its edge (median, 95 %)."
    report.print(lab.text(text, late.sel(setting="SAM")))
    text = f"{{step:.0f}} steps after ρ × {{setting}} λ_max is {lab.interval('lam', '.3f')} times what it was, and its "
    report.print(lab.text(f"{text}edge {lab.interval('edge', '.3f')} times.", changed.sel(step=EVERY).isel(setting=0)))
    report.data(runs, "runs")
    report.data(switched, "switched")
    report.figure(draw_runs(runs, maps), "edge_of_stability")
    report.figure(draw_change(changed, seeds), "switched")


def squared(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return the mean of ½‖output − target‖²."""
    return ((outputs - targets) ** 2).sum(-1).mean() / 2


def train(setting: str, init: np.ndarray, maps: dict[str, sd.Map], starts: xr.DataArray, **how: Any) -> xr.Dataset:
    """Train networks, and measure λ_max and its edge at the gradient norm of the time."""
    map_ = maps[setting]
    runs = networks.track_curvature(map_, starts.sel(init=init).values, **how)
    return runs.assign(edge=(runs.gradient_norm.dims, symbolic.edge_at_gradient(map_, runs.gradient_norm.values)))


def draw_runs(runs: xr.Dataset, maps: dict[str, sd.Map]) -> Figure:
    """Draw λ_max with its edge along training, and the loss below: the first network, the others behind."""
    figure, axes = plt.subplots(2, len(maps), figsize=(12, 5.2), sharex=True, sharey="row", height_ratios=(3, 2))
    for (name, map_), (top, bottom) in zip(maps.items(), axes.T, strict=True):
        data, style = runs.sel(setting=name), {"color": plot.line(map_.method)["color"], "x": "step", "over": "init"}
        plot.runs(data.eigenvalue.sel(order=1), top, label=r"$\lambda_{\max}$, pale: other weights", **style)
        plot.runs(data.loss, bottom, **style)
        top.plot(data.step, data.edge[0], color="0.45", lw=1.2, ls=(0, (3, 1)), label="its edge at the time")
        top.axhline(float(data.gd_edge), color="0.8", lw=0.8, zorder=0, label=r"GD's edge, $2(1+\gamma)/\eta$")
        top.set_title(name)
        bottom.set(xlabel="step $k$", yscale="log")
    # The high curvatures of the first steps would squeeze the rest.
    axes[0, 0].set(ylabel=r"curvature $\lambda$", ylim=(0, 1.35 * float(runs.gd_edge[0])))
    axes[1, 0].set_ylabel("training loss")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    figure.suptitle("The largest curvature in training and the edge predicted for it")
    return figure


def draw_change(changed: xr.Dataset, seeds: int) -> Figure:
    """Draw λ_max and its edge after ρ was changed, over λ_max before: medians over networks with intervals."""
    figure, axes = plt.subplots(1, len(FACTORS), figsize=(9, 4), sharey=True)
    for ax, factor in zip(axes, changed.setting.values, strict=True):
        data = changed.sel(setting=factor)
        plot.band(data, "lam", ax, x="step", label=r"$\lambda_{\max}$", **{**plot.line("SAM"), "ms": 4})
        plot.band(data, "edge_over_lam", ax, x="step", label="SAM's edge", color="0.3", ls="--", marker="o", ms=3)
        ax.set(xlabel="steps after the change", title=rf"$\rho$ multiplied by {factor}", ylim=(0, None))
    axes[0].set_ylabel(r"curvature $/$ $\lambda_{\max}$ before")
    axes[0].legend()
    figure.suptitle(f"When SAM's radius changes, its edge moves first (medians of {seeds}, bands: 95 %)")
    return figure


if __name__ == "__main__":
    torch.set_num_threads(1)  # threads slow down networks this small
    lab.run(main)
