"""Does adaptive sharpness predict a network's generalisation gap better than sharpness does, as [A21] claims?

The script trains many networks to the same training loss over a grid of hyper-parameters. Rank correlations with the
gap show which measure orders them better.
"""

import math
from functools import partial
from typing import Annotated, Any

import torch
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

import samdyn as sd
from samdyn import checks, lab, networks, plot
from samdyn.statistics import rank_correlations

HIDDEN = (32, 32)  # widths of the hidden layers
CHECKED = 10  # steps between two tests of the training loss
SHARE = 0.5  # fraction of the digits that are for testing
FEW = 10  # fewest networks for a rank correlation
SHARPNESSES = [f"{kind}, {n}" for n in ("1 step", "n steps") for kind in ("plain", "adaptive", "minus plain")]
PLAIN, ADAPTIVE, MINUS = SHARPNESSES[::3], SHARPNESSES[1::3], SHARPNESSES[2::3]  # the last are differences
MEASURES = [*SHARPNESSES, "training loss", "‖w‖"]
SEVERAL = lab.several(2, "must be two or more, which ψ compares")
BELOW_CHANCE = lab.inside(0, math.log(10), "log 10 is the loss of networks that know nothing")
LEGEND = (
    "τ and ψ (docs/glossary.md) are with a gap, test − training, over the networks of one seed. All are medians over "
    "seeds with 95 % intervals; differences are by seed, and n = {}."
)


@lab.one_thread()
def main(
    report: lab.Report,
    lr: Annotated[lab.LearningRates, SEVERAL] = (0.05, 0.1, 0.2),
    batch_sizes: Annotated[lab.BatchSizes, SEVERAL] = (8, 32, 128),
    rho: Annotated[lab.Radii, "Radii ρ ≥ 0 of SAM in training; 0 is SGD.", SEVERAL] = (0.0, 0.1),
    scales: Annotated[lab.LearningRates, "Factors on the initial weights.", SEVERAL] = (1.0, 2.0, 4.0),
    samples: Annotated[lab.Samples, "Number of digits to train on, up to 899."] = 200,
    train_loss: Annotated[float, "Training stops at the first look at a loss this low.", BELOW_CHANCE] = 0.02,
    steps: Annotated[lab.Steps, "Steps after which a network that is not there is left out."] = 1500,
    radius: Annotated[lab.Positive, "ρ of sharpness."] = 0.05,
    adaptive_radius: Annotated[lab.Positive, "ρ of adaptive sharpness."] = 0.5,
    ascent_steps: Annotated[lab.AscentSteps, "Steps of the longer ascent.", lab.at_least(2, "1 is measured too")] = 20,
    training: lab.Training = lab.Training(seeds=4),
) -> None:
    data = networks.digits(test=SHARE)
    network = networks.classifier(data, HIDDEN, samples=samples)
    how = {"steps": steps, "save_every": CHECKED, "seed": training.seed, "device": training.device}
    radii: dict[str, Any] = {"radius": radius, "adaptive_radius": adaptive_radius, "ascent_steps": ascent_steps}
    function = partial(measure, network, data, train_loss, how, radii)
    grid = {"lr": lr, "batch_size": batch_sizes, "rho": rho, "scale": scales, "seed": range(training.seeds)}
    runs = sd.sweep(function, grid, batch=("rho", "scale", "seed"), processes=training.processes)
    runs = runs.drop_vars(["cell_status", "cell_error"]).where(runs.step.notnull())
    report.data(runs, "networks")
    number, total = int(runs.step.count()), runs.step.size
    missing = f"{total - number} that did not reach a loss of {train_loss:g} in {steps} steps are left out"
    report.print(f"{total} networks: {network}; {len(data.test_targets)} to test. {missing}")
    if number < FEW:
        rule = f"only {number} of {total} networks reached it in {steps} steps"
        checks.reject("--train-loss", train_loss, rule, "Use a larger one, or more --steps")

    correlations = correlate(runs)
    report.data(correlations, "correlations")
    medians = lab.medians(correlations, "seed", nan=0.0)  # a seed without pairs counts as 0
    style = lab.interval("value", "+.2f")
    columns = {"gap": "{gap}", "measure": "{of}", **lab.across(medians.statistic, "{}", style)}
    report.print(lab.table(medians, columns, ("gap", "of"), keys=2, left=2), LEGEND.format(ascent_steps))
    loss = medians.sel(gap="loss")
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
    measured = networks.performance(network, w, data)
    of = networks.sharpnesses(network, w, **radii)
    of |= {"training loss": torch.as_tensor(measured["train_loss"]), "‖w‖": w.norm(dim=0)}
    values = xr.Dataset({name: ("cell", value.double().cpu()) for name, value in of.items()})
    return {**measured, "step": step, "measure": values.to_array("of").transpose("cell", "of")}


def correlate(runs: xr.Dataset) -> xr.Dataset:
    """Correlate every measure with both gaps, seed by seed: by τ, among all networks and of one scale, and by ψ."""
    gaps = runs.test_loss - runs.train_loss, runs.train_accuracy - runs.test_accuracy
    gap = xr.concat(gaps, xr.Variable("gap", ["loss", "error"]))
    value = rank_correlations(runs.measure, gap, ["lr", "batch_size", "rho", "scale"], within="scale")
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
