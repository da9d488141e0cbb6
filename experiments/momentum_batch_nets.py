"""Do momentum and small batches rescue SAM on networks, or is it the step size? The claim of [K23], with its control.

The script trains MLPs on the digits of scikit-learn for equally many epochs. Momentum γ also multiplies the step by
1/(1−γ), so that it compares γ at equal η and at equal η/(1−γ), once that of γ = 0 and once that of the largest γ. For
networks that stalled it asks: are they at a saddle, and does the step of SAM lead back up to it? The defaults were
fixed before any network was trained; docs/networks.md has the numbers of --seeds 30.
"""

from functools import partial
from itertools import product
from typing import Annotated, Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

import samdyn as sd
from samdyn import checks, lab, networks, plot

STALLED, DIVERGED = 0.95 * np.log(10), 10 * np.log(10)  # log 10 is the loss of a network that knows nothing
LEGEND = (
    "Gains are in points of test accuracy, with momentum against without, seed by seed. Stalled networks end above a "
    "train loss of 0.95 log 10; their share is in %. There λ is the lowest eigenvalue, g the full gradient, and the "
    "step ratio (docs/glossary.md) would be 1 − ρ|λ|/‖g‖, as predicted, were L quadratic."
)


@lab.one_thread()
def main(
    report: lab.Report,
    rho: Annotated[lab.PositiveRadii, "Radii ρ > 0 of SAM. 0, which is SGD, is always there."] = (0.1, 0.5),
    momentum: Annotated[lab.Momenta, "Momenta γ beside 0.", lab.each(bool, "must lie in (0, 1)")] = (0.5, 0.9),
    batch_sizes: Annotated[lab.BatchSizes, "Batch sizes B, drawn with replacement."] = (16, 64, 256),
    lr: Annotated[lab.LearningRate, "Learning rate η where it is equal, and at γ = 0 where η/(1−γ) is small."] = 0.05,
    epochs: Annotated[lab.Epochs, "How long: N/B steps each."] = 20,
    width: Annotated[lab.Width, "Width of both hidden layers."] = 32,
    training: lab.Training = lab.Training(seeds=4),
) -> None:
    task = networks.Task(networks.digits(), (width, width), training.seeds, training.seed)
    if batch_sizes[-1] > task.network.samples:
        checks.reject("--batch-sizes", batch_sizes[-1], f"there are {task.network.samples} samples", "Use smaller ones")
    rates = sd.analysis.equal_rates(lr, momentum)
    distinct = sd.analysis.distinct_rates(rates)  # what several comparisons share is trained once
    function = partial(measure, task, epochs, {"seed": training.seed, "device": training.device})
    grid = {"batch_size": batch_sizes, ("momentum", "lr"): distinct, "rho": (0.0, *rho), "seed": range(training.seeds)}
    runs = sd.sweep(function, grid, batch=("momentum", "lr", "rho", "seed"), processes=training.processes)
    report.data(runs, "networks")

    runs = runs.assign_coords(length=runs.lr / (1 - runs.momentum), steps=runs.steps.isel(rho=0, seed=0, drop=True))
    ends = lab.medians(runs[["test_accuracy", "train_loss"]], "seed").assign_coords(time=runs.steps * runs.length)
    ends["stalled"] = (~(runs.train_loss <= STALLED)).sum("seed")  # with those that diverged
    columns: dict[str, Any] = {**lab.settings("rho", "momentum", "lr", "batch_size"), "η/(1−γ)": "{length:.3g}"}
    columns |= {"accuracy [%]": lab.interval("test_accuracy", ".1f"), "train loss": lab.interval("train_loss", ".2g")}
    columns["stalled"] = lambda row: lab.share(int(row.stalled), training.seeds)
    report.print(lab.table(ends, columns, ("rho", "momentum_lr", "batch_size")))

    paired = sd.analysis.by_comparison(runs, rates)
    with_momentum, without = paired.sel(momentum=[*momentum]), paired.sel(momentum=0)
    gain = with_momentum.test_accuracy - without.test_accuracy
    effects = xr.Dataset({"gain": gain, "ratio": with_momentum.train_loss / without.train_loss})
    columns = {"compared at": "{compared}", **lab.settings("momentum", "rho", "batch_size")}
    columns |= {"gain": lab.interval("gain", "+.1f"), "ratio of losses": lab.interval("ratio", ".2f")}
    report.print(lab.table(lab.medians(effects, "seed"), columns, ("compared", "momentum", "rho", "batch_size")))

    place, over = runs[["eigenvalue", "gradient_norm", "step_ratio"]], ["momentum_lr", "seed"]
    lam, rho_over_norm = place.eigenvalue.fillna(-1.0), (place.rho / place.gradient_norm).fillna(0.0)
    place["predicted"] = xr.apply_ufunc(sd.theory.effective_curvature, lam, rho_over_norm) / place.eigenvalue
    counts = {"number": place.step_ratio.count(over), "back": (place.step_ratio < 0).sum(over)}
    columns = {**lab.settings("rho", "batch_size"), "stalled": "{number}", "λ": "{eigenvalue:.2f}"}
    columns |= {"‖g‖": "{gradient_norm:.3f}", "step ratio": "{step_ratio:+.2f}", "predicted": "{predicted:+.2f}"}
    columns["step ratio < 0"] = lambda row: lab.share(int(row.back), int(row.number))
    report.print(lab.table(place.median(over).assign(counts), columns, ("rho", "batch_size")), LEGEND)

    report.figure(draw(ends, training.seeds), "step_size")
    report.print(*(f"Points gained at {name}: {lab.effect(gain.sel(compared=name), 'seed')}" for name in rates))


def measure(
    task: networks.Task, epochs: int, how: dict[str, Any], batch_size: int, rho: np.ndarray, seed: Any, **setting: Any
) -> dict[str, Any]:
    """Train networks with batches of one size. Return how good they are and, of those that stalled, where they are."""
    map_ = sd.Map(task.network, sd.SAM(rho), noise=sd.noise.FiniteSum(batch_size), **setting)
    steps = round(epochs * task.network.samples / batch_size)
    ((_, w),) = networks.train(map_, task.starts[seed], steps, runs=seed, **how)
    measured = networks.performance(task.network, w, task.data)
    stalled = (measured["train_loss"] > STALLED) & (measured["train_loss"] < DIVERGED)
    measured |= networks.escape_step(task.network, w, map_.method, where=stalled)
    return {**measured, "test_accuracy": 100 * measured["test_accuracy"], "steps": np.full(len(stalled), steps)}


def draw(ends: xr.Dataset, seeds: int) -> Figure:
    """Draw the test accuracy of every setting against kη/(1−γ)."""
    place = np.unique(ends.momentum, return_inverse=True)[1]  # settings that end at one time stand side by side
    ends = ends.assign_coords(time=ends.time * xr.DataArray(1.12**place, dims="momentum_lr"))
    settings = ends.set_index(momentum_lr=["momentum", "lr"]).unstack().stack(setting=["batch_size", "momentum"])
    looks = product(plot.CYCLE, "osD^v<P"[: place.max() + 1])
    styles = [{"color": look["color"], "marker": marker, "mfc": "white", "ls": "none"} for look, marker in looks]
    figure, panels = plot.panels(settings, column="rho", title=r"$\rho = {rho:g}$", size=(3.2, 3.4))
    for ax, one in panels:
        label = "B = {batch_size:g}, γ = {momentum:g}"
        plot.intervals(one, "test_accuracy", ax, x="time", hue="setting", styles=styles, label=label)
        ax.axhline(10, color="0.7", lw=0.8, zorder=0)
        ax.set(xscale="log", ylim=(0, 103))
    heading = f"Accuracy after the time kη/(1−γ)\n(medians of {seeds}; bars: 95 %; grey: chance; ρ = 0: SGD)"
    return plot.frame(figure, heading, xlabel=r"$t = k\eta/(1-\gamma)$", ylabel="test accuracy [%]")


if __name__ == "__main__":
    lab.run(main)
