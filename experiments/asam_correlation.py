"""Does adaptive sharpness predict a network's generalisation gap better than sharpness does, as [A21] claims?

The script trains many networks to the same training loss over a grid of hyper-parameters. Rank correlations with the
gap show which measure orders them better. Then the script rescales one network without changing its function.
"""

import math
from functools import partial
from itertools import chain
from typing import Annotated, Any

import torch
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

import samdyn as sd
from samdyn import checks, lab, networks, plot
from samdyn.statistics import rank_correlations

HIDDEN = (32, 32)  # widths of the hidden layers
AXES = ["lr", "batch_size", "rho", "scale"]
CHECKED = 10  # steps between two tests of the training loss
SHARE = 0.5  # fraction of the digits that are for testing
FEW = 10  # fewest networks for a rank correlation
FACTORS = [0.25, 0.5, 2.0, 4.0]  # factors on the first layer; the second has their inverses
KINDS = ("plain", "adaptive", "minus plain")  # of sharpness; the last is a difference
PLAIN, ADAPTIVE, MINUS = ([f"{kind}, {n}" for n in ("1 step", "n steps")] for kind in KINDS)
MEASURES = [*chain(*zip(PLAIN, ADAPTIVE, MINUS, strict=True)), "training loss", "‖w‖"]
SEVERAL = lab.several(2, "must be two or more, which ψ compares")
BELOW_CHANCE = lab.inside(0, math.log(10), "log 10 is the loss of networks that know nothing")
LEGEND = (
    "τ is Kendall's rank correlation with a gap, test − training, over the networks of one seed. ψ is its granulated "
    "form: the mean of ψ_x over the hyper-parameters x, the mean τ of networks that differ in x alone. All are medians "
    "over seeds with 95 % intervals; differences are by seed, and n = {}. The rescaled network has its first layer "
    "times a and the weights of the second over a, and so is the same function."
)


@lab.one_thread()
def main(
    report: lab.Report,
    lr: Annotated[lab.LearningRates, SEVERAL] = (0.05, 0.1, 0.2),
    batch_sizes: Annotated[lab.BatchSizes, SEVERAL] = (8, 32, 128),
    rho: Annotated[lab.Radii, "Radii ρ ≥ 0 of SAM in training; 0 is SGD.", SEVERAL] = (0.0, 0.1),
    scales: Annotated[lab.LearningRates, "Factors on the initial weights.", SEVERAL] = (1.0, 2.0, 4.0),
    seeds: lab.Seeds = 4,
    samples: Annotated[lab.Samples, "Number of digits to train on, up to 899."] = 200,
    train_loss: Annotated[float, "Training stops at the first look at a loss this low.", BELOW_CHANCE] = 0.02,
    steps: Annotated[lab.Steps, "Steps after which a network that is not there is left out."] = 1500,
    radius: Annotated[lab.Positive, "ρ of sharpness."] = 0.05,
    adaptive_radius: Annotated[lab.Positive, "ρ of adaptive sharpness."] = 0.5,
    ascent_steps: Annotated[lab.AscentSteps, "Steps of the longer ascent.", lab.at_least(2, "1 is measured too")] = 20,
    seed: Annotated[lab.Seed, "Seed of initial weights and batches."] = 0,
    processes: lab.Processes = 2,
    device: lab.Device = "auto",
) -> None:
    checks.word("--seed", seed + seeds, "Use a smaller one")  # every network has its own seed
    data = networks.digits(test=SHARE)
    network = networks.classifier(data, HIDDEN, samples=samples)
    training = {"steps": steps, "save_every": CHECKED, "seed": seed, "device": device}
    radii: dict[str, Any] = {"radius": radius, "adaptive_radius": adaptive_radius, "ascent_steps": ascent_steps}
    function = partial(measure, network, data, train_loss, training, radii)
    grid = {"lr": lr, "batch_size": batch_sizes, "rho": rho, "scale": scales, "seed": range(seeds)}
    runs = sd.sweep(function, grid, batch=("rho", "scale", "seed"), processes=processes)
    runs = runs.drop_vars(["cell_status", "cell_error"]).where(runs.step.notnull())
    report.data(runs.drop_vars("w"), "networks")
    number, total = int(runs.step.count()), runs.step.size
    left_out = f"{total - number} that did not reach a loss of {train_loss:g} in {steps} steps are left out"
    report.print(f"{total} networks: {network}; {len(data.test_targets)} to test. {left_out}")
    if number < FEW:
        rule = f"only {number} of {total} networks reached it in {steps} steps"
        checks.reject("--train-loss", train_loss, rule, "Use a larger one, or more --steps")

    correlations = correlate(runs)
    report.data(correlations, "correlations")
    medians = lab.medians(correlations, "seed", nan=0.0)  # a seed without pairs counts as 0
    across = lab.across(medians.statistic, "{}", lab.interval("value", "+.2f"))
    report.print(lab.table(medians, {"gap": "{gap}", "measure": "{of}", **across}, ("gap", "of"), keys=2, left=2))

    w = torch.as_tensor(runs.w.values[runs.step.notnull().values][0], dtype=torch.float64)
    points = torch.stack([networks.rescale(network.model, w, a) for a in (1.0, *FACTORS)], 1)
    values = {"loss": network.value(points), **networks.sharpnesses(network, points, **radii)}
    rescaled = xr.Dataset({name: ("a", value[1:] / value[0]) for name, value in values.items()}, {"a": FACTORS})
    report.data(rescaled, "rescaled")
    columns = {"rescaled by a": "{a:g}", **{name: f"{{{name}:.6f}}" for name in values}}
    report.print(lab.table(rescaled, columns, "a"), LEGEND.format(ascent_steps))

    loss, style = medians.sel(gap="loss"), lab.interval("value", "+.2f")
    tau, psi = ({name: lab.text(style, loss.sel(of=name, statistic=x)) for name in MEASURES} for x in ("τ", "ψ"))
    report.figure(draw(runs, tau), "asam_correlation")
    report.print(
        f"Over {number} networks adaptive sharpness has τ = {tau[ADAPTIVE[0]]} with the loss gap, sharpness "
        f"{tau[PLAIN[0]]} (one step; medians over seeds, 95 %): the difference is {tau[MINUS[0]]}. By ψ it is "
        f"{psi[MINUS[0]]}. The norm ‖w‖ alone has τ = {tau['‖w‖']}."
    )


def measure(
    network: networks.Network, data: networks.Data, train_loss: float, training: dict[str, Any], radii: dict[str, Any],
    lr: float, batch_size: int, rho: Any, scale: Any, seed: Any,
) -> dict[str, Any]:  # fmt: skip
    """Train networks until the loss on all samples is low enough. Return how good and how sharp they are there."""
    widths = (data.train_inputs.shape[1], *HIDDEN, data.classes)
    own = zip(scale.tolist(), (training["seed"] + seed).tolist(), strict=True)
    models = [networks.models.mlp(widths, scale=factor, seed=number) for factor, number in own]
    map_ = sd.Map(network, sd.SAM(rho), lr=lr, noise=sd.noise.FiniteSum(batch_size))
    saves = networks.train(map_, network.vector(models), runs=seed, **training)
    w, step = networks.first_at_loss(network, saves, train_loss)
    measured, sharp = networks.performance(network, w, data), networks.sharpnesses(network, w, **radii)
    of = {**sharp, "training loss": torch.as_tensor(measured["train_loss"]), "‖w‖": w.norm(dim=0)}
    values = torch.stack([value.double().cpu() for value in of.values()], 1)
    measures = xr.DataArray(values, {"of": [*of]}, ("cell", "of"))
    return {**measured, "step": step, "measure": measures, "w": xr.DataArray(w.T.cpu(), dims=("cell", "weight"))}


def correlate(runs: xr.Dataset) -> xr.Dataset:
    """Correlate every measure with both gaps, seed by seed: by τ, among all networks and of one scale, and by ψ."""
    gaps = runs.test_loss - runs.train_loss, runs.train_accuracy - runs.test_accuracy
    gap = xr.concat(gaps, xr.Variable("gap", ["loss", "error"]))
    value = rank_correlations(runs.measure, gap, AXES, within="scale")
    plain, adaptive = (value.sel(of=names).assign_coords(of=MINUS) for names in (PLAIN, ADAPTIVE))
    return xr.concat([value, adaptive - plain], "of").sel(of=MEASURES).to_dataset(name="value")


def draw(runs: xr.Dataset, taus: dict[str, str]) -> Figure:
    """Draw the loss gap against both kinds of sharpness, in a colour for every scale of the initial weights."""
    figure, axes = plt.subplots(1, 2, figsize=(9.6, 4.8), sharey=True)
    for ax, name in zip(axes, (PLAIN[0], ADAPTIVE[0]), strict=True):
        plot.scatter(runs.measure.sel(of=name), runs.test_loss - runs.train_loss, ax, hue="scale", label="{:g}")
        plot.log_axis(ax, "x")
        ax.set(xlabel=f"sharpness: {name}", title=rf"median $\tau$ = {taus[name]}")
    axes[0].set_ylabel("test loss − training loss")
    axes[0].legend(title="scale of initial weights", markerscale=2)
    figure.suptitle(f"Which sharpness orders {int(runs.step.count())} networks by their generalisation gap?")
    return figure


if __name__ == "__main__":
    lab.run(main)
