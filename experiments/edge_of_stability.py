"""Does the largest curvature of a network in training settle at the edge that is predicted for GD, USAM and SAM?

The script trains with the full batch on a squared loss. Runs with momentum γ use η(1+γ), at which GD's edge 2(1+γ)/η is
the same. SAM's edge moves with the gradient norm; at the end ρ changes at once, to see which of the two follows. The
defaults were fixed before any network was trained; docs/networks.md has the numbers of --seeds 30.
"""

from functools import partial
from typing import Annotated, Any

import numpy as np
import xarray as xr

import samdyn as sd
from samdyn import checks, lab, networks, plot, symbolic

WIDTHS = (40, 32, 32, 10)
FACTORS = (0.25, 4.0)  # factors by which ρ changes at the end
FOLLOWED, EVERY = 100, 5  # steps after the change, and steps between two measurements
SHOWN = [0, 5, 25, 100]  # steps after the change that the table has
RUNS = {"": "{setting}", "ρ": "{rho:g}", "from k": lab.interval("first", ".0f"), "λ/edge": lab.interval("ratio", ".3f")}
RUNS |= {"λ > edge": "{above:.0%}", "λ/GD's edge": lab.interval("of_gd", ".2f"), "loss": "{loss:.2g}"}
ABOUT_RUNS = "\nλ_max in the last third of training, and k from which λ > edge: medians and 95 % intervals"
CHANGE = {"ρ ×": "{setting}", "step": "{step:.0f}", "λ/edge": lab.interval("ratio", ".3f")}
CHANGE |= {"λ": lab.interval("lam", ".3f"), "edge": lab.interval("edge", ".3f"), "‖∇L‖": lab.interval("norm", ".3f")}
ABOUT_CHANGE = "\nAfter a change of SAM's ρ: medians and 95 % intervals of λ, edge and ‖∇L‖ over those at step 0"


@lab.one_thread()
def main(
    report: lab.Report,
    lr: Annotated[lab.LearningRate, "Learning rate η without momentum."] = 0.2,
    rho: Annotated[lab.Positive, "SAM's radius ρ > 0."] = 0.05,
    usam_rho: Annotated[lab.Positive, "USAM's radius ρ > 0."] = 0.1,
    momentum: Annotated[lab.Momentum, "Momentum γ of the runs that have one.", lab.inside(0, 1)] = 0.9,
    samples: Annotated[lab.Samples, lab.at_most(4000, "MNIST-1D has no more to train on")] = 200,
    steps: lab.Steps = 2000,
    # Iterates at the edge alternate between two sides, and an even interval would show one side only.
    look_every: Annotated[lab.Count, "Steps between looks; odd.", lab.where(lambda k: k % 2, "must be odd")] = 101,
    training: lab.Training = lab.Training(seeds=3),
) -> None:
    if steps < 6 * look_every:
        checks.reject("--steps", steps, f"is less than 6 looks of {look_every} steps", "Use a smaller --look-every")
    report.print(f"tanh MLP {'-'.join(map(str, WIDTHS))}, {samples} samples of MNIST-1D, squared loss, full batch")
    net = networks.classifier(networks.mnist1d(), WIDTHS[1:-1], samples=samples, activation="tanh", loss="squared")
    gd, usam, sam = sd.GD(), sd.USAM(usam_rho), sd.SAM(rho)
    maps = {}
    for method, gamma in ((gd, 0.0), (gd, momentum), (usam, 0.0), (sam, 0.0), (sam, momentum)):
        name = type(method).__name__ + (f", γ = {gamma:g}" if gamma else "")
        maps[name] = sd.Map(net, method, lr=lr * (1 + gamma), momentum=gamma)
    inits = range(training.seed, training.seed + training.seeds)
    w = net.vector(networks.models.mlp(WIDTHS, activation="tanh", seed=init) for init in inits)
    starts = xr.DataArray(w, dims=("init", "coord"), coords={"init": inits})
    how: dict[str, Any] = {"processes": training.processes, "batch": "init"}
    grid = {"setting": [*maps], "init": inits, "steps": steps, "every": look_every, "device": training.device}
    runs = sd.sweep(partial(train, maps=maps, starts=starts), grid, **how)
    for name, map_ in maps.items():
        if not runs.loss.sel(setting=name).isel(step=-1).notnull().any():
            checks.reject("--lr", map_.lr, f"{name} diverged", "Use a smaller one, or a smaller radius")
    radii = "setting", [map_.method.radius for map_ in maps.values()]
    runs = runs.assign(rho=radii, gd_edge=symbolic.edge_of_stability(maps["GD"]))
    late = networks.against_edge(runs).assign(of_gd=lambda late: late.lam / runs.gd_edge)
    late = lab.medians(late, "init").assign(rho=runs.rho)
    report.print(lab.table(late, RUNS, "setting", title=ABOUT_RUNS))
    report.data(runs, "runs")
    colors = [plot.line(map_.method)["color"] for map_ in maps.values()]
    heading = "The largest curvature in training and the edge predicted for it"
    figure = plot.curvature(runs, column="setting", over="init", colors=colors, title=heading)
    report.figure(figure, "edge_of_stability")

    others = {f"{factor:g}": sd.analysis.with_parameters(maps["SAM"], {"rho": factor * rho}) for factor in FACTORS}
    grid |= {"setting": [*others], "steps": FOLLOWED, "every": EVERY}
    switched = sd.sweep(partial(train, maps=others, starts=runs.w.sel(setting="SAM")), grid, **how)
    lam = switched.eigenvalue.sel(order=1, drop=True)
    changed = xr.Dataset({"lam": lam, "edge": switched.edge, "norm": switched.gradient_norm})
    ratios = {"ratio": lam / switched.edge, "edge_over_lam": switched.edge / lam.isel(step=0)}
    changed = lab.medians((changed / changed.isel(step=0)).assign(ratios), "init")
    report.print(lab.table(changed.sel(step=SHOWN), CHANGE, ("setting", "step"), keys=2, title=ABOUT_CHANGE))
    report.data(switched, "switched")
    figure, panels = plot.panels(changed, column="setting", title=r"$\rho$ multiplied by {setting}", size=(4.1, 3.2))
    for ax, one in panels:
        plot.band(one, "lam", ax, x="step", label=r"$\lambda_{\max}$", **{**plot.line("SAM"), "ms": 4})
        plot.band(one, "edge_over_lam", ax, x="step", label="SAM's edge", color="0.3", ls="--", marker="o", ms=3)
        ax.set_ylim(0, None)
    heading = f"When SAM's radius changes, its edge moves first (medians of {training.seeds}, bands: 95 %)"
    plot.frame(figure, heading, xlabel="steps after the change", ylabel=r"curvature $/$ $\lambda_{\max}$ before")
    report.figure(figure, "switched")

    text = f"In the last third of training SAM's λ_max is {lab.interval('ratio', '.3f')} times its edge (median, 95 %)."
    report.print(lab.text(text, late.sel(setting="SAM")))
    text = f"{{step:.0f}} steps after ρ × {{setting}} λ_max is {lab.interval('lam', '.3f')} times what it was, and its "
    report.print(lab.text(f"{text}edge {lab.interval('edge', '.3f')} times.", changed.sel(step=EVERY).isel(setting=0)))


def train(setting: str, init: np.ndarray, maps: dict[str, sd.Map], starts: xr.DataArray, **how: Any) -> xr.Dataset:
    """Train networks, and measure λ_max and its edge at the gradient norm of the time."""
    map_ = maps[setting]
    runs = networks.track_curvature(map_, starts.sel(init=init).values, **how)
    return runs.assign(edge=(runs.gradient_norm.dims, symbolic.edge_at_gradient(map_, runs.gradient_norm.values)))


if __name__ == "__main__":
    lab.run(main)
